"""``@pytest.mark.mockkms(tls=…)``: a test's own kind of server beside the suite's."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from mockkms import RemoteKMS
from tests.plugin.conftest import Run

SOURCE = """
import pytest, requests, trustme
CA = trustme.CA()
URLS = {}

def asked(kms):
    verify = kms.ca_file or True
    return requests.get(kms.url + "/v1/transit/keys?list=true", headers={"X-Vault-Token": kms.token},
                        verify=verify, timeout=60).json()["data"]["keys"]

def test_the_suites(mockkms):
    assert mockkms.url.startswith("http:") and asked(mockkms) == ["suite"]

@pytest.mark.mockkms(tls=True)
@pytest.mark.parametrize("turn", range(2))
def test_tls(mockkms, mockkms_env, monkeypatch, turn):
    import os
    assert mockkms.url.startswith("https:") and asked(mockkms) == ["suite"]
    assert os.environ["VAULT_CACERT"] == mockkms.ca_file
    assert URLS.setdefault("tls", mockkms.url) == mockkms.url, "one server for all of them"
    assert mockkms.journal.total == 1

@pytest.mark.mockkms(tls=True, faults=[{"tls": "wrong-host", "times": 1}], clock="2026-01-01")
def test_handshakes_fail(mockkms):
    with pytest.raises(requests.exceptions.SSLError):
        asked(mockkms)
    assert asked(mockkms) == ["suite"] and mockkms.clock.frozen

@pytest.mark.mockkms(tls=CA)
def test_an_authority_of_theirs(mockkms):
    assert asked(mockkms) == ["suite"] and mockkms.ca_file.endswith("ca.pem")

@pytest.mark.mockkms(tls=("server.pem", "server.key"))
def test_files(mockkms):
    assert asked(mockkms) == ["suite"]

@pytest.mark.mockkms(tls=True)
class TestNearest:
    @pytest.mark.mockkms(tls=False)
    def test_plain(self, mockkms):
        assert mockkms.url.startswith("http:")
"""
SEED = "\n@pytest.fixture(scope='session')\ndef mockkms_seed():\n    return {seed!r}\n"
WORLD = {"vault": {"mounts": {"transit/": {"type": "transit", "keys": {"suite": {"type": "ed25519"}}}}}}


def test_a_server_for_each_kind(suite: Run, pytester: pytest.Pytester) -> None:
    leaf = trustme.CA()
    made = leaf.issue_cert("localhost", "127.0.0.1")
    made.private_key_pem.write_to_path(pytester.path / "server.key")
    Path(pytester.path / "server.pem").write_bytes(
        b"".join(blob.bytes() for blob in made.cert_chain_pems) + leaf.cert_pem.bytes()
    )
    source = SOURCE + SEED.format(seed=WORLD)
    suite("-p", "no:randomly", source=source).assert_outcomes(passed=7)


def test_a_plain_test_in_a_suite_over_tls(suite: Run) -> None:
    over = (
        "import pytest\n@pytest.fixture(scope='session')\ndef mockkms_tls():\n    return True\n"
        "def test_suite(mockkms):\n    assert mockkms.url.startswith('https:')\n"
        "@pytest.mark.mockkms(tls=True)\ndef test_same(mockkms, mockkms_server):\n"
        "    assert mockkms is mockkms_server\n"
        "@pytest.mark.mockkms(tls=False)\ndef test_plain(mockkms):\n    assert mockkms.url.startswith('http:')\n"
    )
    suite(source=over).assert_outcomes(passed=3)


@pytest.mark.parametrize("value", ["'yes'", "1", "('a',)", "{}"])
def test_invalid_values_of_tls(suite: Run, value: str) -> None:
    result = suite(source=f"import pytest\n@pytest.mark.mockkms(tls={value})\ndef test_it(mockkms):\n    pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*mockkms(tls=*): expected True, False, a trustme.CA, an SSLContext, or the paths*"])


def test_a_server_elsewhere_has_its_own(suite: Run, real: RemoteKMS) -> None:
    source = "import pytest\n@pytest.mark.mockkms(tls=True)\ndef test_it(mockkms):\n    raise SystemExit(9)\n"
    url = real.url
    result = suite("--mockkms-url", url, "--mockkms-control-token", "let-me", "-rs", source=source)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        ["*SKIPPED*mockkms(tls=*) requires a separate server and cannot be used with --mockkms-url*"]
    )


def test_over_tls_in_front_of_a_real_server(suite: Run, real: RemoteKMS) -> None:
    source = (
        "import pytest, requests\nRULE = {'path': 'sys/health', 'answer': 418, 'times': 1}\n"
        "@pytest.mark.mockkms(tls=True, faults=[RULE])\n"
        "def test_it(mockkms):\n    assert mockkms.url.startswith('https:')\n"
        "    ask = lambda: requests.get(mockkms.url + '/v1/sys/health', verify=mockkms.ca_file).status_code\n"
        "    assert [ask(), ask()] == [418, 200]\n"
    )
    suite("--mockkms-upstream", real.url, "--mockkms-token", "theirs", source=source).assert_outcomes(passed=1)
