"""Tokens: their forms, their trees, their uses and their end, on a clock that is moved."""

from __future__ import annotations

import base64
import hashlib
import pickle
import re

import hvac
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from mockkms import MockKMS
from mockkms.vault.tokens.token import Token, client_id
from tests.vault.driving import START, World


@pytest.mark.parametrize(
    ("flavor", "service", "batch"),
    [("openbao", r"s\.[0-9A-Za-z]{24}", r"b\.[\w-]+"), ("vault", r"hvs\.CAES[\w-]{87}", r"hvb\.[\w-]+")],
)
def test_each_product_has_its_own_forms(flavor: str, service: str, batch: str) -> None:
    world = World(flavor)
    assert re.fullmatch(service, world.token(policies=["default"]))
    assert re.fullmatch(batch, world.token(policies=["default"], type="batch"))
    assert world.alive(world.token(policies=["default"], type="batch"))


def test_a_root_token_of_vault_is_short() -> None:
    assert re.fullmatch(r"hvs\.[0-9A-Za-z]{24}", World("vault").token(policies=["root"]))


@pytest.mark.parametrize(
    ("flavor", "text"),
    [("openbao", "permission denied"), ("vault", "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")],
)
def test_a_bad_token_is_refused_with_the_products_text(flavor: str, text: str) -> None:
    world = World(flavor)
    answer = world.ask("read", "auth/token/lookup-self", token="bogus")
    assert (answer.status, answer.errors) == (403, [text])
    assert world.ask("read", "auth/token/lookup-self", token="").errors == ["permission denied"]


def test_a_token_ends_exactly_with_its_lifetime(world: World) -> None:
    token = world.token(policies=["default"], ttl="1h")
    world.later(3599.9)
    assert world.alive(token)
    world.later(0.1)
    assert not world.alive(token)
    assert token not in world.core.state.tokens.by_id


def test_renewal_moves_the_end_and_the_old_end_does_nothing(world: World) -> None:
    token = world.token(policies=["default"], ttl="1h")
    world.later(3000)
    assert world.write("auth/token/renew-self", {"increment": "2h"}, token=token).errors is None
    world.later(7199)
    assert world.alive(token)
    world.later(1)
    assert not world.alive(token)


def test_a_batch_token_needs_no_server_but_its_key(world: World) -> None:
    token = world.token(policies=["default"], type="batch", ttl="1h", meta={"a": "b"}, path="auth/token/create-orphan")
    state = world.core.state
    kept = pickle.dumps(state)
    assert token not in state.tokens.by_id
    other = World()
    assert not other.alive(token)
    other.core.state = pickle.loads(kept)
    assert other.self_of(token)["meta"] == {"a": "b"}
    other.later(3600)
    assert not other.alive(token)


def test_a_changed_batch_token_is_no_token(world: World) -> None:
    token = world.token(policies=["default"], type="batch")
    broken = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    for bad in (broken, token[:20], "b.", "b.!", "b.\udc80"):
        assert not world.alive(bad)


def test_a_batch_token_goes_with_its_parent(world: World) -> None:
    world.write("sys/policies/acl/make", {"policy": 'path "auth/token/create" { capabilities = ["update"] }'})
    parent = world.token(policies=["make"])
    child = world.token(by=parent, type="batch")
    world.write("auth/token/revoke", {"token": parent})
    assert not world.alive(child)


def test_the_last_use_is_the_last(world: World) -> None:
    token = world.token(policies=["default"], num_uses=2)
    assert world.self_of(token)["num_uses"] == 1
    assert world.self_of(token)["num_uses"] == -1
    assert not world.alive(token)


def test_a_denied_request_counts_as_a_use(world: World) -> None:
    token = world.token(policies=["default"], num_uses=1)
    assert world.ask("read", "sys/mounts", token=token).status == 403
    assert not world.alive(token)


def test_a_bound_token_works_from_its_block_only(world: World) -> None:
    world.write("auth/token/roles/near", {"allowed_policies": "default", "token_bound_cidrs": "10.0.0.0/8"})
    token = world.token(path="auth/token/create/near")
    ask = ("read", "auth/token/lookup-self")
    assert world.ask(*ask, token=token, remote_address="10.2.3.4").errors is None
    assert world.ask(*ask, token=token, remote_address="11.2.3.4").errors == ["permission denied"]


def test_a_root_token_of_a_dev_server() -> None:
    """As recorded; it has no lifetime, no parent and the usual name, and cannot be renewed."""
    for flavor in ("openbao", "vault"):
        world = World(flavor)
        root = world.self_of("root")
        assert re.fullmatch("[0-9A-Za-z]{24}", root.pop("accessor"))
        assert root == {
            "id": "root", "policies": ["root"], "path": "auth/token/create", "meta": None, "display_name": "token",
            "num_uses": 0, "orphan": True, "creation_time": START, "creation_ttl": 0, "expire_time": None, "ttl": 0,
            "explicit_max_ttl": 0, "entity_id": "", "type": "service", "renewable": False,
            "issue_time": "2027-01-15T08:00:00Z",
        }  # fmt: skip
        assert world.write("auth/token/renew-self").errors == ["lease is not renewable"]


@pytest.mark.parametrize("fraction", [0, 0.9])
def test_a_token_is_created_in_a_whole_second(world: World, fraction: float) -> None:
    world.later(fraction)
    assert world.self_of(world.token(policies=["default"]))["creation_time"] == START


@pytest.mark.parametrize("type_", ["service", "batch"])
def test_what_the_answer_says_about_a_new_token(world: World, type_: str) -> None:
    """As recorded: a batch token has no accessor and cannot be renewed."""
    auth = world.write("auth/token/create", {"type": type_, "policies": ["default"], "ttl": "1h"}).auth
    assert auth is not None
    assert (auth.token_type, auth.renewable, auth.lease_duration, auth.orphan) == (
        type_,
        type_ == "service",
        3600,
        False,
    )
    assert auth.accessor == ("" if type_ == "batch" else world.self_of(auth.client_token)["accessor"])


def test_tokens_of_a_namespace_end_with_its_id(world: World) -> None:
    """As recorded: so do their accessors and leases. Those of the root namespace end with nothing."""
    world.write("sys/namespaces/team")
    found = world.ask("read", "sys/namespaces/team").data
    assert found is not None
    end = "." + found["id"]
    for wanted, form in (({}, r"s\.\w{24}"), ({"type": "batch"}, r"b\.[\w-]+")):
        asked = {"policies": ["default"], **wanted}
        auth = world.write("auth/token/create", asked, namespace="team/").auth
        assert auth is not None
        assert re.fullmatch(form + re.escape(end), auth.client_token)
        seen = world.ask("read", "auth/token/lookup-self", token=auth.client_token, namespace="team/")
        assert seen.data is not None, seen.errors
        assert seen.data["namespace_path"] == "team/"
        if "type" not in wanted:
            assert re.fullmatch(r"\w{24}" + re.escape(end), auth.accessor)
            assert seen.data["accessor"] == auth.accessor
            lease = world.core.state.tokens.by_id[auth.client_token].lease_id
            assert re.fullmatch(rf"auth/token/create/h[0-9a-f]{{64}}{re.escape(end)}", lease)
    assert re.fullmatch(r"s\.\w{24}", world.token(policies=["default"]))


def test_leases_do_not_tell_their_tokens() -> None:
    """The hash of a token's id in its lease id is salted: equal ids have other leases on another server."""
    found = []
    for _ in range(2):
        world = World()
        world.token(policies=["default"], id="mine")
        listed = world.ask("list", "sys/leases/lookup/auth/token/create/").data
        assert listed is not None
        found.append({*listed["keys"]})
        assert all(re.fullmatch("[0-9a-f]{40}", key) for key in listed["keys"])
        assert hashlib.sha1(b"mine", usedforsecurity=False).hexdigest() not in found[-1]
        world.token(policies=["default"], id="another")
        listed = world.ask("list", "sys/leases/lookup/auth/token/create/").data
        assert listed is not None
        assert found[-1] < {*listed["keys"]}, "the salt stays"
    assert not found[0] & found[1]


@pytest.mark.parametrize(
    ("operation", "path", "status", "errors"),
    [
        ("update", "auth/token/renew-self", 400, ["token not found"]),
        ("update", "auth/token/renew", 400, ["token not found"]),
        ("update", "sys/capabilities", 400, ["1 error occurred:\n\t* invalid token\n\n"]),
        ("update", "auth/token/revoke-self", 204, None),
        ("update", "auth/token/revoke", 204, None),
    ],
)
def test_during_its_last_use_a_token_is_found_by_few(
    world: World, operation: str, path: str, status: int, errors: list[str] | None
) -> None:
    """Renewing is as recorded; only look-ups of tokens find one that is about to end."""
    world.write("sys/policies/acl/all", {"policy": 'path "*" { capabilities = ["update", "read", "sudo"] }'})
    token = world.token(policies=["all"], num_uses=1)
    answer = world.ask(operation, path, {"token": token, "path": "x"}, token=token)
    assert (answer.status, answer.errors) == (status, errors)
    assert not world.alive(token)
    token = world.token(policies=["all"], num_uses=1)
    answer = world.write("auth/token/lookup", {"token": token}, token=token)
    assert answer.data is not None
    assert answer.data["num_uses"] == -1


def test_children_of_a_token_revoked_alone_are_orphans(world: World) -> None:
    """As recorded in ``parents``: they live on, and so do their own children, which are none."""
    parent = world.token(policies=["root"])
    children = [world.token(by=parent, policies=["root"]) for _ in range(2)]
    grandchild = world.token(by=children[0], policies=["root"])
    assert world.write("auth/token/revoke-orphan", {"token": parent}).errors is None
    assert [world.alive(token) for token in (parent, *children, grandchild)] == [False, True, True, True]
    assert [world.self_of(token)["orphan"] for token in (*children, grandchild)] == [True, True, False]
    assert world.core.state.tokens.children.keys() == {children[0]}
    world.write("auth/token/revoke", {"token": children[0]})
    assert [world.alive(token) for token in (*children, grandchild)] == [False, True, False]


def test_unknown_accessors_name_no_token(world: World) -> None:
    """As recorded: revoking one is only a warning."""
    for path in ("lookup", "renew"):
        answer = world.write(f"auth/token/{path}-accessor", {"accessor": "bogus"})
        assert answer.errors == ["1 error occurred:\n\t* invalid accessor\n\n"]
    answer = world.write("auth/token/revoke-accessor", {"accessor": "bogus"})
    assert (answer.errors, answer.warnings) == (None, ["No token found with this accessor"])


def test_tokens_that_a_world_makes_each_others_parents_are_revoked_together() -> None:
    """No server makes such tokens, a world file can: revoking them has to end."""
    tokens = [{"id": "one", "parent": "two"}, {"id": "two", "parent": "one"}]
    with MockKMS(seed={"vault": {"tokens": tokens}}) as kms:
        client = hvac.Client(kms.url, "one")
        assert client.auth.token.lookup_self()["data"]["orphan"] is False
        client.auth.token.revoke_self()
        for token in ("one", "two"):
            with pytest.raises(hvac.exceptions.Forbidden):
                hvac.Client(kms.url, token).auth.token.lookup_self()


@pytest.mark.parametrize(
    ("policies", "namespace_id", "counted"),
    [
        (["b", "a"], "root", "a\x7fb\0root"),
        (["a", "b"], "root", "a\x7fb\0root"),
        (["a"], "abcde", "a\0abcde"),
        ([], "root", "\0root"),
    ],
)
def test_clients_without_an_entity_are_counted_by_their_policies(
    policies: list[str], namespace_id: str, counted: str
) -> None:
    """Source: Vault's documentation of client counting, "non-entity tokens", and its published test vectors."""
    token = Token(id="t", accessor="a", policies=policies)
    hashed = base64.b64encode(hashlib.sha256(counted.encode()).digest()).decode()
    assert client_id(token, namespace_id) == hashed
    token.entity_id = "an-entity"
    assert client_id(token, namespace_id) == "an-entity"


def test_a_cubbyhole_goes_with_its_token(world: World) -> None:
    token = world.token(policies=["default"])
    world.write("cubbyhole/a", {"v": 1}, token=token)
    world.write("auth/token/revoke", {"token": token})
    mount = world.core.state.mounts.get("", "cubbyhole/")
    assert mount is not None
    assert mount.state == {}


def test_nothing_due_means_nothing_to_do(world: World) -> None:
    for _ in range(50):
        world.token(policies=["default"])
    due = list(world.core.state.leases.due)
    world.core.leases.expire_due()
    assert world.core.state.leases.due == due


class Trees(RuleBasedStateMachine):
    """Tokens beget tokens, are revoked, orphaned and expire; a plain model of parents says who must be alive."""

    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.parents: dict[str, str] = {}
        self.ends: dict[str, float] = {}

    def _gone(self, token: str) -> None:
        for child in [t for t, parent in self.parents.items() if parent == token]:
            self._gone(child)
        self.parents.pop(token, None)
        self.ends.pop(token, None)

    @rule(target=tokens, ttl=st.integers(10, 500))
    def child_of_root(self, ttl: int) -> str:
        return self._made("", self.world.token(policies=["root"], ttl=str(ttl), no_parent=True), ttl)

    @rule(target=tokens, parent=tokens, ttl=st.integers(10, 500), orphan=st.booleans())
    def child(self, parent: str, ttl: int, orphan: bool) -> str:
        if parent not in self.parents:
            return parent
        made = self.world.token(by=parent, policies=["root"], ttl=str(ttl), no_parent=orphan)
        return self._made("" if orphan else parent, made, ttl)

    def _made(self, parent: str, token: str, ttl: int) -> str:
        self.parents[token] = parent
        self.ends[token] = self.world.core.clock.now() + ttl
        return token

    @rule(token=consumes(tokens))
    def revoke(self, token: str) -> None:
        assert self.world.write("auth/token/revoke", {"token": token}).errors is None
        self._gone(token)

    @rule(token=consumes(tokens))
    def revoke_alone(self, token: str) -> None:
        known = token in self.parents
        answer = self.world.write("auth/token/revoke-orphan", {"token": token})
        assert (answer.errors is None) == known
        for child in [t for t, parent in self.parents.items() if parent == token]:
            self.parents[child] = ""
        self._gone(token)

    @rule(token=tokens, increment=st.integers(1, 500))
    def renew(self, token: str, increment: int) -> None:
        answer = self.world.write("auth/token/renew", {"token": token, "increment": increment})
        assert (answer.errors is None) == (token in self.parents)
        if token in self.parents:
            self.ends[token] = self.world.core.clock.now() + increment

    @rule(seconds=st.integers(1, 200))
    def wait(self, seconds: int) -> None:
        self.world.later(seconds)
        now = self.world.core.clock.now()
        for token in sorted(self.ends, key=lambda t: self.ends[t]):
            if token in self.ends and self.ends[token] <= now:
                self._gone(token)

    @invariant()
    def the_store_agrees_with_the_model(self) -> None:
        self.world.core.leases.expire_due()
        state = self.world.core.state
        assert set(state.tokens.by_id) - {"root"} == set(self.parents)
        assert {t: state.tokens.by_id[t].parent for t in self.parents} == self.parents
        assert set(state.tokens.by_accessor.values()) == set(state.tokens.by_id)
        assert {entry.token for entry in state.leases.items.values()} == set(state.tokens.by_id)
        assert set(state.tokens.children) == {parent for parent in self.parents.values() if parent}


TestTrees = Trees.TestCase
TestTrees.settings = settings(max_examples=25, stateful_step_count=25)


@pytest.mark.parametrize("flavor", ["openbao", "vault", "vault-1.21"])
def test_a_path_with_two_dots_cannot_have_a_service_token(flavor: str) -> None:
    world = World(flavor)
    world.core.mount("", "auth/users/", "userpass")
    # In Vault the name itself is refused before: its storage takes no key with two dots.
    relative = (400, ["relative paths not supported"])
    for kind, expected in (("service", (500, ["internal error"])), ("batch", (0, None))):
        world.write("auth/users/users/a..b", {"password": "pw", "token_type": kind})
        login = world.write("auth/users/login/a..b", {"password": "pw"}, token="")
        assert (login.status, login.errors) == (expected if flavor == "openbao" else relative)
    world.write("auth/token/roles/a..b", {"allowed_policies": "default"})
    framed = "1 error occurred:\n\t* internal error\n\n"
    assert world.write("auth/token/create/a..b").errors == [framed]
    world.write("secret/data/a..b", {"data": {"k": "v"}})
    wrapped = world.ask("read", "secret/data/a..b", wrap_ttl=60.0)
    assert (wrapped.status, wrapped.errors) == (500, ["internal error"])
    assert world.ask("read", "secret/data/a..b").errors is None


def test_lifetimes_below_a_second_end_in_time(world: World) -> None:
    short = world.write("auth/token/create", {"policies": ["default"], "ttl": "1500ms"}).auth
    assert short is not None
    assert short.lease_duration == 1
    world.later(1.4)
    assert world.alive(short.client_token)
    world.later(0.1)
    assert not world.alive(short.client_token)
    capped = world.write("auth/token/create", {"policies": ["default"], "explicit_max_ttl": "1ms"})
    assert capped.warnings == ['TTL of "768h" exceeded the effective max_ttl of "1ms"; TTL value is capped accordingly']
    assert world.write("auth/token/create", {"ttl": "-1ms"}).errors == ["ttl must be positive"]
