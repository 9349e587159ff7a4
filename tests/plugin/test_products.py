"""One test against several products: by the marker, by the option, beside other parameters, in every process."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockkms import FLAVORS, RemoteKMS
from tests.plugin.conftest import Run
from tests.plugin.test_marker import ASK
from tests.serving import served

VERSION = (
    ASK
    + """
import mockkms as ours
VERSIONS = {"vault": "2.1", "vault-1.21": "1.21", "openbao": "2.6"}

def version(kms):
    return ask(kms, "/v1/sys/health")[1]["version"]

def is_product(kms, name):
    assert kms.flavor == name
    assert version(kms).startswith(VERSIONS[name])
"""
)
SOURCE = (
    VERSION
    + """
def product(request):
    return next(name for name in ("vault-1.21", "openbao", "vault") if name in request.node.name)

@pytest.mark.mockkms(flavor="vault-1.21")
def test_one(request, mockkms):
    assert request.node.name == "test_one[vault-1.21]"
    is_product(mockkms, "vault-1.21")

@pytest.mark.mockkms(flavor=["vault", "openbao"])
@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize("word", ["a", "b"])
def test_many(request, mockkms, turn, word):
    is_product(mockkms, product(request))
    assert len(mockkms.journal) == 1
    ask(mockkms, "/v1/sys/policies/acl/left", "DELETE")

@pytest.mark.mockkms(flavor=ours.FLAVORS)
class TestAll:
    urls = {}

    def test_url(self, request, mockkms_env, mockkms_hvac):
        is_product(mockkms_env, product(request))
        self.urls[mockkms_env.flavor] = mockkms_env.url

    def test_servers_are_kept(self, request, mockkms):
        assert self.urls.get(mockkms.flavor, mockkms.url) == mockkms.url

    @pytest.mark.mockkms(flavor="openbao")
    def test_the_nearest_wins(self, mockkms):
        is_product(mockkms, "openbao")

    @pytest.mark.mockkms(seed={"flavor": "vault"}, state="sealed")
    def test_the_marker_wins_over_its_world(self, request, mockkms):
        assert mockkms.flavor == product(request)
        assert mockkms.state == "sealed"

    def test_further_servers_are_the_same_product(self, request, mockkms_factory):
        is_product(mockkms_factory(), product(request))
        is_product(mockkms_factory(flavor="vault-1.21"), "vault-1.21")
        is_product(mockkms_factory(seed={"flavor": "openbao"}), "openbao")

    def test_no_server(self):
        pass

def test_suite(mockkms):
    is_product(mockkms, "vault")

@pytest.mark.mockkms(seed={"flavor": "openbao"})
def test_a_world_names_its_product(mockkms):
    is_product(mockkms, "openbao")

@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.mockkms(flavor="openbao"))])
def test_a_parameter_names_its_product(mockkms, n):
    is_product(mockkms, {1: "vault", 2: "openbao"}[n])

@pytest.mark.mockkms(flavor=["openbao", "vault"])
@pytest.mark.usefixtures("mockkms_server")
async def test_asyncio(request, mockkms_client):
    answer = await mockkms_client.get("/v1/sys/health")
    assert (await answer.json())["version"].startswith(VERSIONS[product(request)])
"""
)


@pytest.mark.parametrize("arguments", [(), ("-n", "2"), ("-p", "no:randomly"), ("-n", "2", "--dist", "loadscope")])
def test_products_of_marks(suite: Run, arguments: tuple[str, ...]) -> None:
    result = suite("-v", *arguments, source=SOURCE, mode="auto")
    result.assert_outcomes(passed=29)
    names = set(re.findall(r"::(test_many\[[^]]*\])", result.stdout.str()))
    assert len(names) == 8
    assert all("openbao" in name or "vault" in name for name in names)


def test_the_option_sets_the_product_of_the_suite(suite: Run) -> None:
    source = (
        VERSION
        + """
def test_suite(mockkms, mockkms_factory):
    is_product(mockkms, "vault-1.21")
    is_product(mockkms_factory(), "vault-1.21")

@pytest.mark.mockkms(flavor="openbao")
def test_marked(mockkms):
    is_product(mockkms, "openbao")

@pytest.mark.mockkms(flavor="vault-1.21")
def test_the_suites_server_is_the_one_of_its_product(mockkms, mockkms_server):
    assert mockkms is mockkms_server

@pytest.mark.mockkms(seed={"flavor": "vault"})
def test_world(mockkms):
    is_product(mockkms, "vault")
"""
    )
    suite("--mockkms-flavor", "vault-1.21", source=source).assert_outcomes(passed=4)
    suite(ini="mockkms_flavor = vault-1.21").assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"valt"', "mockkms(flavor='valt'): unknown flavor 'valt'; did you mean 'vault'?"),
        ('["vault", "openbaao"]', "unknown flavor 'openbaao'; did you mean 'openbao'?"),
        ('"consul"', f"unknown flavor 'consul'; known flavors: {', '.join(FLAVORS)}"),
        ("[]", "mockkms(flavor=[]): expected a flavor, or a list of flavors"),
        ("7", "mockkms(flavor=7): expected a flavor, or a list of flavors"),
        ('["vault", "vault"]', "a flavor is listed twice"),
    ],
)
def test_a_wrong_flavor_is_found_before_anything_runs(suite: Run, value: str, message: str) -> None:
    source = f"import pytest\n@pytest.mark.mockkms(flavor={value})\ndef test_marked(mockkms): pass\n"
    result = suite(source=source)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert "test_theirs.py::test_marked" in result.stderr.str()


def test_a_wrong_flavor_is_named_if_its_test_is_not_selected(suite: Run) -> None:
    """That it is not selected may be for this reason. Other tests are run all the same, unless warnings are errors."""
    source = """
import pytest

@pytest.mark.mockkms(flavor=["vault", "opnbao"])
def test_marked(mockkms): pass

def test_other(mockkms): pass
"""
    message = (
        "test_theirs.py::test_marked, which is not selected: mockkms(flavor=['vault', 'opnbao']): unknown flavor "
        "'opnbao'; did you mean 'openbao'?"
    )
    usual = ("-W", "default::pytest_mockkms.collected.MockKMSWarning")
    result = suite("-k", "openbao or other", *usual, source=source)
    result.assert_outcomes(passed=1, deselected=2, warnings=1)
    assert message in result.stdout.str()
    result = suite("-k", "openbao or other", "-W", "error::pytest_mockkms.collected.MockKMSWarning", source=source)
    assert (result.ret, message in result.stderr.str()) == (pytest.ExitCode.USAGE_ERROR, True)
    result = suite("test_theirs.py::test_marked[openbao]", *usual, source=source)
    assert (result.ret, message in result.stdout.str()) == (pytest.ExitCode.USAGE_ERROR, True)


def test_a_test_with_a_wrong_marker_can_be_selected_by_its_flavor(suite: Run) -> None:
    source = (
        "import pytest\n@pytest.mark.mockkms(flavor=['vault', 'openbao'], stat=1)\ndef test_marked(mockkms): pass\n"
    )
    result = suite("test_theirs.py::test_marked[openbao]", source=source)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "mockkms() has no keyword 'stat'; did you mean 'state'?" in result.stderr.str()


def test_a_wrong_option(suite: Run) -> None:
    result = suite("--mockkms-flavor", "vualt", source="def test_one(): pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "mockkms-flavor: unknown flavor 'vualt'; did you mean 'vault'?" in result.stderr.str()
    result = suite("--mockkms-flavor", "vault", "--mockkms-upstream", "http://127.0.0.1:1")
    assert "--mockkms-flavor and --mockkms-upstream cannot be used together" in result.stderr.str()


def test_several_products_need_a_function_that_names_its_fixture(suite: Run) -> None:
    source = """
import unittest, pytest

@pytest.mark.mockkms(flavor=["vault", "openbao"])
def test_late(request):
    request.getfixturevalue("mockkms")

@pytest.mark.mockkms(flavor="openbao")
class TestTheirs(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def server(self, mockkms):
        self.kms = mockkms

    def test_one(self):
        assert self.kms.flavor == "openbao"
"""
    result = suite(source=source)
    result.assert_outcomes(passed=1, errors=0, failed=1)
    assert "several products require that the test requests the fixture" in result.stdout.str()


def test_a_mockkms_elsewhere_is_each_product(suite: Run, real: RemoteKMS, tmp_path: Path) -> None:
    source = (
        VERSION
        + """
@pytest.mark.mockkms(flavor=["vault-1.21", "openbao"])
def test_marked(mockkms, request):
    is_product(mockkms, request.node.name[12:-1])

def test_suite(mockkms):
    is_product(mockkms, "openbao")
"""
    )
    there = ("--mockkms-url", real.url, "--mockkms-control-token", "let-me")
    suite(*there, source=source).assert_outcomes(passed=2, skipped=1)  # It was started as OpenBao.
    wrong = suite(*there, "--mockkms-flavor", "vault-1.21", source="def test_one(mockkms): pass\n")
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR
    assert f"mockkms_flavor: vault-1.21: the server at {real.url} was started as openbao" in wrong.stdout.str()
    suite(*there, source=source)
    (tmp_path / "free").mkdir()
    with served(tmp_path / "free", "--control-token", "let-me") as ready:
        there = ("--mockkms-url", ready["url"], "--mockkms-control-token", "let-me")
        suite(*there).assert_outcomes(passed=2, failed=1)
        suite(*there, "--mockkms-flavor", "openbao").assert_outcomes(passed=3)
