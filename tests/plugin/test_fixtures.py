"""What the fixtures give, in every style of test, each from the same clean world."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Run

STYLES = """
import asyncio, concurrent.futures, json, os, subprocess, sys, unittest, urllib.request
import aiohttp, anyio, hvac, pytest

# Some rules are there to be found by the next test only.
pytestmark = pytest.mark.filterwarnings("ignore:fault .* never fired")

def read(kms, path, **headers):
    asked = urllib.request.Request(kms.url + path, headers={"X-Vault-Token": kms.token, **headers})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.load(answer)

def put(kms, name):
    asked = urllib.request.Request(kms.url + "/v1/secret/data/" + name, b'{"data": {"a": "b"}}',
                                   {"X-Vault-Token": kms.token})
    urllib.request.urlopen(asked, timeout=60).close()

def fresh(kms):
    assert kms.journal.total == 0 and not kms.faults.list() and not kms.clock.frozen
    mounts = read(kms, "/v1/sys/mounts")["data"]
    assert {*mounts} - {"agent-registry/"} == {"cubbyhole/", "identity/", "secret/", "sys/"}
    with pytest.raises(urllib.error.HTTPError, match="404"):
        read(kms, "/v1/secret/data/left")

def spoil(kms):
    put(kms, "left")
    kms.faults.add("transit/*", answer="sealed")
    kms.clock.freeze("2026-01-01")

@pytest.mark.parametrize("turn", range(3))
def test_plain(mockkms, turn):
    fresh(mockkms)
    spoil(mockkms)

def test_threads(mockkms):
    fresh(mockkms)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: put(mockkms, f"t{n}"), range(12)))
    assert mockkms.journal.count("secret/data/t*") == 12
    spoil(mockkms)

def test_subprocess(mockkms_env):
    fresh(mockkms_env)
    program = ("import os, urllib.request as u; address = os.environ['VAULT_ADDR'] + '/v1/auth/token/lookup-self';"
               "u.urlopen(u.Request(address, headers={'X-Vault-Token': os.environ['BAO_TOKEN']})).close()")
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    mockkms_env.journal.assert_called("auth/token/lookup-self", times=1)
    spoil(mockkms_env)

def test_env_drops_what_leads_elsewhere(monkeypatch, request):
    names = {"VAULT_NAMESPACE", "BAO_NAMESPACE", "https_proxy", "VAULT_CACERT", "VAULT_SKIP_VERIFY"}
    for name in names:
        monkeypatch.setenv(name, "x")
    kms = request.getfixturevalue("mockkms_env")
    assert os.environ["VAULT_ADDR"] == os.environ["BAO_ADDR"] == kms.url
    assert not names & set(os.environ)

def test_hvac(mockkms_hvac, mockkms, monkeypatch):
    fresh(mockkms)  # before the proxy: urllib keeps the first environment it meets for the whole process
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert mockkms_hvac.is_authenticated()
    mockkms_hvac.secrets.kv.v2.create_or_update_secret("one", {"a": "b"})
    assert mockkms_hvac.secrets.kv.v2.list_secrets("")["data"]["keys"] == ["one"]
    spoil(mockkms)

@pytest.mark.asyncio
async def test_asyncio(mockkms):
    await asyncio.to_thread(fresh, mockkms)
    async with aiohttp.ClientSession(headers={"X-Vault-Token": mockkms.token}) as session:
        answers = await asyncio.gather(*(session.get(mockkms.url + "/v1/sys/health") for _ in range(8)))
        assert [answer.status for answer in answers] == [200] * 8
        for answer in answers:
            answer.release()
    spoil(mockkms)

@pytest.mark.asyncio
async def test_client(mockkms, mockkms_client):
    await asyncio.to_thread(fresh, mockkms)
    assert (await mockkms_client.post("/v1/secret/data/left", json={"data": {"a": 1}})).status == 200
    listed = await mockkms_client.list("/v1/secret/metadata")
    assert (await listed.json())["data"]["keys"] == ["left"]
    assert (await mockkms_client.get("/v1/secret/data/left", headers={"X-Vault-Token": "no"})).status == 403
    assert (await mockkms_client.put("/v1/secret/data/left", json={"data": {}})).status == 200
    assert (await mockkms_client.delete("/v1/secret/data/left")).status == 204

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_anyio(mockkms, anyio_backend):
    await anyio.to_thread.run_sync(fresh, mockkms)
    spoil(mockkms)

class TestMethods:
    def test_method(self, mockkms):
        fresh(mockkms)
        spoil(mockkms)

@pytest.mark.usefixtures("mockkms_env")
class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _kms(self, mockkms):
        self.kms = mockkms

    def test_one(self):
        fresh(self.kms)
        spoil(self.kms)
        self.assertEqual(os.environ["VAULT_ADDR"], self.kms.url)

    def test_two(self):
        fresh(self.kms)

class TestAsyncCase(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def _kms(self, mockkms):
        self.kms = mockkms

    async def test_one(self):
        await asyncio.to_thread(fresh, self.kms)

def test_factory(mockkms, mockkms_factory):
    fresh(mockkms)
    one, two = mockkms_factory(rng=5), mockkms_factory(rng=5, root_token="other", flavor="openbao")
    assert len({kms.url for kms in (mockkms, one, two)}) == 3
    put(one, "left")
    fresh(two)
    assert (two.token, two.flavor, mockkms.token) == ("other", "openbao", "root")

def test_a_hanging_request_does_not_reach_the_next_test(mockkms):
    mockkms.faults.add("secret/*", delay=60)
    with pytest.raises(OSError):
        asked = urllib.request.Request(mockkms.url + "/v1/secret/data/left", b"{}", {"X-Vault-Token": "root"})
        urllib.request.urlopen(asked, timeout=1)

def test_next(mockkms):
    fresh(mockkms)

def test_reset_ends_what_hangs(mockkms):
    mockkms.faults.add("secret/*", delay=60)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(put, mockkms, "left")
        while not mockkms.faults.list()[0].fired:
            pass
        mockkms.reset()
        with pytest.raises(OSError):
            waiting.result(60)
    fresh(mockkms)
"""
PASSED = 18


def test_every_style(suite: Run) -> None:
    suite("-p", "no:randomly", source=STYLES).assert_outcomes(passed=PASSED)


def test_random_order_with_workers_and_auto_mode(suite: Run) -> None:
    result = suite("-n", "4", "-p", "randomly", "-p", "no:pytester", source=STYLES, mode="auto")
    result.assert_outcomes(passed=PASSED)


def test_without_the_companions(suite: Run, pytester: pytest.Pytester) -> None:
    """Where hvac and pytest-aiohttp are not installed, what needs them is skipped and says so."""
    pytester.makepyfile(hvac="raise ModuleNotFoundError('no hvac here')")
    result = suite(
        "-p", "no:aiohttp", "-o", "addopts=", "-o", "filterwarnings=", "-rs",
        source="def test_a(mockkms_client): pass\n\ndef test_b(mockkms_hvac): pass\n\ndef test_c(mockkms): pass\n",
    )  # fmt: skip
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines_random(["*mockkms_client requires pytest-aiohttp*", "*mockkms_hvac requires hvac*"])


TLS = """
import os, ssl, urllib.request, pytest

@pytest.fixture(scope="session")
def mockkms_tls():
    return True

def test_clients_trust_the_server(mockkms_env, mockkms_hvac):
    assert mockkms_env.url.startswith("https://") and mockkms_hvac.is_authenticated()
    trusted = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])
    with urllib.request.urlopen(mockkms_env.url + "/v1/sys/health", context=trusted, timeout=60) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(mockkms_env.url + "/v1/sys/health", timeout=60)

async def test_client(mockkms_client):
    assert (await mockkms_client.list("/v1/sys/policies/acl")).status == 200
"""


def test_tls(suite: Run) -> None:
    suite(source=TLS, mode="auto").assert_outcomes(passed=2)


def test_a_block_in_a_test_does_not_stop_the_server_of_the_session(suite: Run) -> None:
    body = "    with mockkms:\n        urllib.request.urlopen(f'{mockkms.url}/v1/sys/health', timeout=60).close()\n"
    tests = [f"def test_{name}(mockkms):\n{body}" for name in ("one", "two")]
    suite("-p", "no:randomly", source="\n".join(["import urllib.request", *tests])).assert_outcomes(passed=2)
