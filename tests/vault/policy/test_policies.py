"""The policy store: texts, versions, expiry, and decisions for tokens."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from mockkms.vault.framework.cache_bounds import LONGEST_CACHED, MOST_CACHED
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Request, Response
from mockkms.vault.kernel.core import Core
from mockkms.vault.policy.acl import Decision
from mockkms.vault.policy.policies import PolicyError
from mockkms.vault.tokens.token import Token
from tests.vault.driving import START, World


@pytest.fixture
def core() -> Core:
    made = Core(flavor="openbao")
    made.clock.freeze(1_800_000_000)
    made.policies.write_defaults("")
    return made


def token(*policies: str, **more: Any) -> Token:
    return Token(id="t", accessor="acc", policies=list(policies), **more)


def check(core: Core, who: Token, operation: Operation, path: str, **more: Any) -> Decision:
    return core.policies.check(Request(operation, path, **more), who, False)


def test_a_written_policy_decides_at_once(core: Core) -> None:
    app = token("default", "app")
    assert not check(core, app, Operation.READ, "secret/a").allowed
    core.policies.write("", "App", 'path "secret/*" { policy = "read" }')
    assert check(core, app, Operation.READ, "secret/a").allowed
    assert check(core, app, Operation.READ, "cubbyhole/x").allowed
    core.policies.write("", "app", 'path "secret/*" { policy = "deny" }')
    assert not check(core, app, Operation.READ, "secret/a").allowed
    core.policies.delete("", "APP ")
    assert not check(core, app, Operation.READ, "secret/a").allowed


def test_a_restored_world_decides_by_its_own_policies(core: Core) -> None:
    app = token("app")
    before = pickle.dumps(core.state)
    core.policies.write("", "app", 'path "a" { policy = "read" }')
    assert check(core, app, Operation.READ, "a").allowed
    core.replace_state(pickle.loads(before))
    assert not check(core, app, Operation.READ, "a").allowed


def test_decisions_are_remembered_only_where_nothing_else_counts(core: Core) -> None:
    core.policies.write("", "app", 'path "a" { policy = "write" allowed_parameters = { k = ["v"] } }\npath "b" {}')
    app = token("app")
    assert check(core, app, Operation.UPDATE, "a", data={"k": "v"}).allowed
    assert not check(core, app, Operation.UPDATE, "a", data={"k": "w"}).allowed
    first = check(core, app, Operation.READ, "b")
    assert check(core, app, Operation.READ, "b") is first


def test_the_decisions_of_all_tokens_together_are_bounded(core: Core) -> None:
    """Each path takes two entries of the common budget: its rules, and the decision about it."""
    core.policies.write("", "one", 'path "*" { policy = "read" }')
    core.policies.write("", "two", 'path "*" { policy = "read" }')
    one, two = token("one"), token("two")
    first = check(core, one, Operation.READ, "a")
    for number in range(MOST_CACHED // 4 - 1):
        for who in (one, two):
            check(core, who, Operation.READ, f"b/{number}")
    assert check(core, one, Operation.READ, "a") is first, "they are kept while there is room"
    kept = core.policies.acl(one).decisions, core.policies.acl(two).decisions
    assert sum(map(len, kept)) == MOST_CACHED // 2 - 1
    for number in range(2 * MOST_CACHED):
        check(core, one, Operation.READ, f"c/{number}")
        assert sum(map(len, kept)) <= MOST_CACHED // 2
    for number in range(2 * MOST_CACHED):
        core.policies.capabilities(two, f"d/{number}", "")
    assert check(core, one, Operation.READ, "a") is not first


@pytest.mark.parametrize(("length", "remembered"), [(LONGEST_CACHED, True), (LONGEST_CACHED + 1, False)])
def test_decisions_about_long_paths_are_not_remembered(core: Core, length: int, remembered: bool) -> None:
    core.policies.write("", "app", 'path "*" { policy = "read" }')
    app, path = token("app"), "a" * length
    assert (check(core, app, Operation.READ, path) is check(core, app, Operation.READ, path)) is remembered


def test_a_page_size_is_looked_at_every_time(core: Core) -> None:
    core.policies.write("", "app", 'path "a/" { capabilities = ["list"] }')
    app = token("app")
    assert check(core, app, Operation.LIST, "a/").allowed
    data = {"limit": "max"}
    assert check(core, app, Operation.LIST, "a/", data=data).allowed
    assert data == {"limit": "0"}


def test_root_is_not_stopped_and_the_trace_tells_why(core: Core) -> None:
    request = Request(Operation.DELETE, "anything")
    assert core.policies.check(request, token("root"), True).allowed
    assert (request.trace.rule, request.trace.policies) == ('policy "root"', ["root"])


def test_an_expired_policy_is_gone(core: Core) -> None:
    core.policies.write("", "app", 'path "a" { policy = "read" }', expiration=core.clock.now() + 60)
    app = token("app")
    assert check(core, app, Operation.READ, "a").allowed
    core.clock.advance(61)
    assert not check(core, app, Operation.READ, "a").allowed
    assert core.policies.get("", "app") is None
    assert core.policies.names("") == ["default"]


def test_an_expired_rule_stops_counting(core: Core) -> None:
    end = core.clock.now() + 60
    core.policies.write("", "app", f'path "a" {{ policy = "read" expiration = "{end:.0f}" }}')
    app = token("app")
    assert check(core, app, Operation.READ, "a").allowed
    core.clock.advance(61)
    assert not check(core, app, Operation.READ, "a").allowed


def test_check_and_set(core: Core) -> None:
    text, store = 'path "a" {}', core.policies
    with pytest.raises(ErrorResponse, match="did not match"):
        store.write("", "p", text, cas=1)
    assert store.write("", "p", text, cas=-1).version == 1
    with pytest.raises(ErrorResponse, match="set to -1 on existing entry"):
        store.write("", "p", text, cas=-1)
    assert store.write("", "p", text, cas=1, cas_required=True).version == 2
    with pytest.raises(ErrorResponse, match="required for this call"):
        store.write("", "p", text)


@pytest.mark.parametrize("name", ["root", "response-wrapping", "Root"])
def test_fixed_policies_stay(core: Core, name: str) -> None:
    with pytest.raises(ErrorResponse, match=f'cannot update "{name.lower()}" policy'):
        core.policies.write("", name, 'path "a" {}')
    with pytest.raises(ErrorResponse, match=f'cannot delete "{name.lower()}" policy'):
        core.policies.delete("", name)


def test_the_default_policy_may_change_but_not_go(core: Core) -> None:
    core.policies.write("", "default", 'path "a" { policy = "read" }')
    assert check(core, token("default"), Operation.READ, "a").allowed
    with pytest.raises(ErrorResponse, match="cannot delete default policy"):
        core.policies.delete("", "default")


def test_a_refused_text_changes_nothing(core: Core) -> None:
    core.policies.write("", "p", 'path "a" {}')
    with pytest.raises(PolicyError) as caught:
        core.policies.write("", "p", 'path "a" {\n  capabilities = ["fly"]\n}')
    assert caught.value.line == 1
    policy = core.policies.get("", "p")
    assert policy is not None
    assert policy.version == 1


def test_namespaces_have_their_own_policies(core: Core) -> None:
    core.policies.write_defaults("team/")
    core.policies.write("team/", "app", 'path "a" { policy = "read" }')
    core.policies.write("", "app", 'path "team/b" { policy = "read" }')
    inside, outside = token("app", namespace="team/"), token("app")
    request = {"namespace": "team/"}
    assert check(core, inside, Operation.READ, "a", **request).allowed
    assert not check(core, inside, Operation.READ, "b", **request).allowed
    assert check(core, outside, Operation.READ, "b", **request).allowed
    assert not check(core, outside, Operation.READ, "a", **request).allowed
    assert core.policies.capabilities(inside, "a", "team/") == ["list", "read"]
    assert not check(core, token("root", namespace="team/"), Operation.READ, "a").allowed
    assert check(core, token("root"), Operation.READ, "a", **request).allowed


def test_identity_policies_and_templates(core: Core) -> None:
    core.policies.write("", "own", 'path "kv/{{identity.entity.name}}/*" { policy = "write" }')
    core.policies.write("", "team", 'path "kv/team" { policy = "read" }')
    entity = core.identity.new_entity("", "ann")
    entity.policies = ["team"]
    core.identity.put_entity(entity)
    ann = token("own", entity_id=entity.id)
    assert check(core, ann, Operation.UPDATE, "kv/ann/x").allowed
    assert not check(core, ann, Operation.UPDATE, "kv/bob/x").allowed
    assert check(core, ann, Operation.READ, "kv/team").allowed
    alone = token("own", entity_id=entity.id, no_identity_policies=True)
    assert not check(core, alone, Operation.READ, "kv/team").allowed
    entity.name, entity.policies = "bob", []
    core.identity.put_entity(entity)
    core.identity.changed()
    assert check(core, ann, Operation.UPDATE, "kv/bob/x").allowed
    assert not check(core, ann, Operation.READ, "kv/team").allowed


@pytest.mark.parametrize("namespace", ["", "team/"])
def test_groups_and_the_time_in_paths(namespace: str) -> None:
    world = World("openbao")
    world.write("sys/namespaces/team")
    entity = world.write("identity/entity", {"name": "ann"}, namespace=namespace).data
    assert entity is not None
    for name in ("ops", "dev"):
        members = [entity["id"]] if name == "ops" else []
        world.write("identity/group", {"name": name, "member_entity_ids": members}, namespace=namespace)
    group = world.ask("read", "identity/group/name/ops", namespace=namespace).data
    assert group is not None
    text = """
    path "ops/{{identity.groups.names.ops.id}}" { policy = "read" }
    path "dev/{{identity.groups.names.dev.name}}" { policy = "read" }
    path "until/{{time.now.plus.1h}}" { policy = "read" }
    """
    world.write("sys/policies/acl/own", {"policy": text}, namespace=namespace)
    own = token("own", entity_id=entity["id"], namespace=namespace)

    def reads(path: str) -> bool:
        return check(world.core, own, Operation.READ, path, namespace=namespace).allowed

    assert reads(f"ops/{group['id']}")
    assert not reads("ops/" + "0" * 36)
    assert not reads("dev/dev")
    assert reads(f"until/{START + 3600:.0f}")


@pytest.mark.parametrize(("flavor", "allowed"), [("openbao", False), ("vault", True)])
def test_wildcards_in_identity_values(flavor: str, allowed: bool) -> None:
    core = Core(flavor=flavor)
    text = 'path "kv/{{identity.entity.metadata.area}}" { policy = "read" }'
    core.policies.write("", "own", text)
    entity = core.identity.new_entity("", "ann")
    entity.metadata = {"area": "a/b"}
    core.identity.put_entity(entity)
    assert check(core, token("own", entity_id=entity.id), Operation.READ, "kv/a/b").allowed is allowed
    core.policies.write("", "own", text, allow_slashes=True)
    assert check(core, token("own", entity_id=entity.id), Operation.READ, "kv/a/b").allowed


def test_a_token_without_its_entity_is_denied_everything(core: Core) -> None:
    with pytest.raises(ErrorResponse, match="permission denied"):
        check(core, token("root", entity_id="gone"), Operation.READ, "a")


def test_a_listing_shows_what_may_be_read(core: Core) -> None:
    core.policies.write(
        "",
        "app",
        'path "kv/" { capabilities = ["list"] list_scan_response_keys_filter_path = "{{ .path }}{{ .key }}" }\n'
        'path "kv/a*" { policy = "read" }',
    )
    app, request = token("app"), Request(Operation.LIST, "kv/")
    decision = core.policies.check(request, app, False)
    listing = Response(data={"keys": ["a", "ab/", "b", "c/"], "key_info": {"a": 1, "b": 2}})
    core.policies.filter_keys(request, app, decision, listing)
    assert listing.data == {"keys": ["a", "ab/"], "key_info": {"a": 1}}
    with pytest.raises(BackendError, match="internal error"):
        core.policies.filter_keys(request, app, decision, Response(data={"keys": [], "more": 1}))


def test_names_come_in_the_order_of_the_storage_walk(core: Core) -> None:
    for name in ("b", "x/2", "x/1", "a", "x/y/z", "w/1"):
        core.policies.write("", name, 'path "a" {}')
    assert core.policies.names("") == ["a", "b", "default", "x/1", "x/2", "x/y/z", "w/1"]
    assert core.policies.names("", "x/") == ["x/1", "x/2", "x/y/z"]


def test_the_default_policies_of_the_products() -> None:
    for flavor, granted in (("openbao", False), ("vault", True)):
        core = Core(flavor=flavor)
        core.policies.write_defaults("")
        paths = ("sys/renew", "cubbyhole/x", "identity/oidc/provider/p/authorize")
        asked = {path: core.policies.capabilities(token("default"), path, "") for path in paths}
        assert asked == {
            "sys/renew": ["update"] if granted else ["deny"],
            "cubbyhole/x": ["create", "delete", "list", "read", "update"],
            "identity/oidc/provider/p/authorize": ["read", "update"],
        }
