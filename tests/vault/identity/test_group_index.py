"""The index of groups finds what a look at every group would find, after any changes."""

from __future__ import annotations

import random

import pytest

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.vault.identity.store import IdentityStore
from mockkms.vault.kernel.core import Core


def ask(core: Core, operation: Operation, path: str, **data: object) -> Response:
    return core.handle(Request(operation, path, data=data, token="root"))


def by_looking_at_all(identity: IdentityStore) -> dict[str, object]:
    groups = list(identity.state.groups.values())
    return {
        "names": {group.name.lower(): group.id for group in groups},
        "aliases": {group.alias.factors: group.id for group in groups if group.alias is not None},
        "members": {e: sorted(g.id for g in groups if e in (g.members or ())) for e in identity.state.entities},
        "below": {one.id: sorted(g.id for g in groups if one.id in (g.parents or ())) for one in groups},
        "direct": {e: [g.id for g in identity.direct_groups(e)] for e in identity.state.entities},
    }


def by_index(identity: IdentityStore) -> dict[str, object]:
    index, groups = identity.group_index, identity.state.groups.values()
    members = {entity_id: sorted(index.of_member(entity_id)) for entity_id in identity.state.entities}
    return {
        "names": {group.name.lower(): index.named("", group.name.upper()) for group in groups},
        "aliases": {g.alias.factors: index.with_alias(*g.alias.factors) for g in groups if g.alias is not None},
        "members": members,
        "below": {group.id: sorted(index.below(group.id)) for group in groups},
        "direct": members,
    }


@pytest.mark.parametrize("seed", range(4))
def test_the_index_follows_every_change(seed: int) -> None:
    chance = random.Random(seed)
    with MockKMS(root_token="root", rng=seed) as kms:
        core, write, delete = kms.world.core, Operation.UPDATE, Operation.DELETE
        identity = core.identity
        for name in ("up", "other"):
            ask(core, write, f"sys/auth/{name}", type="userpass")
        mounts = [mount for mount in core.state.mounts.entries.values() if mount.type == "userpass"]
        for step in range(250):
            entities, groups = sorted(identity.state.entities), sorted(identity.state.groups)
            some = lambda ids: chance.sample(ids, min(len(ids), chance.randrange(4)))  # noqa: E731
            match chance.randrange(9):
                case 0:
                    ask(core, write, "identity/entity", name=f"e{step}")
                case 1:
                    ask(
                        core, write, "identity/group", name=f"g{chance.randrange(20)}", member_entity_ids=some(entities)
                    )
                case 2:
                    ask(core, write, "identity/group", name=f"x{chance.randrange(20)}", type="external")
                case 3 if groups:
                    ask(core, write, f"identity/group/id/{chance.choice(groups)}", member_group_ids=some(groups))
                case 4 if groups:
                    ask(core, delete, f"identity/group/id/{chance.choice(groups)}")
                case 5 if groups:
                    ask(
                        core, write, "identity/group-alias", name=f"a{chance.randrange(9)}",
                        mount_accessor=chance.choice(mounts).accessor, canonical_id=chance.choice(groups),
                    )  # fmt: skip
                case 6:
                    names = [{"name": f"A{number}"} for number in chance.sample(range(9), 4)]
                    identity.login(chance.choice(mounts), {"name": f"u{chance.randrange(5)}"}, names)  # type: ignore[arg-type]
                case 7 if len(entities) > 6:
                    ask(core, delete, f"identity/entity/id/{chance.choice(entities)}")
                case 8 if len(entities) > 1:
                    into, merged = chance.sample(entities, 2)
                    ask(core, write, "identity/entity/merge", from_entity_ids=[merged], to_entity_id=into)
            assert by_index(identity) == by_looking_at_all(identity)
        assert identity.state.groups


def test_a_login_joins_and_leaves_the_groups_of_its_mount() -> None:
    with MockKMS(root_token="root", rng=1) as kms:
        core, write = kms.world.core, Operation.UPDATE
        for path in ("up", "other"):
            ask(core, write, f"sys/auth/{path}", type="userpass")
        up, other = (core.state.mounts.entries[f"auth/{path}/"] for path in ("up", "other"))
        for mount, name in ((up, "dev"), (up, "ops"), (other, "far")):
            made = ask(core, write, "identity/group", name=name, type="external").data
            assert made is not None
            ask(core, write, "identity/group-alias", name=name, mount_accessor=mount.accessor, canonical_id=made["id"])
        entity = core.identity.login(up, {"name": "ann"}, [{"name": "DEV"}, {"name": "nobody"}])
        core.identity.follow_groups(entity, other, [{"name": "far"}])

        def names() -> set[str]:
            return {group.name for group in core.identity.direct_groups(entity)}

        assert names() == {"dev", "far"}
        core.identity.login(up, {"name": "ann"}, [{"name": "ops"}])
        assert names() == {"ops", "far"}
        core.identity.login(up, {"name": "ann"}, [])
        assert names() == {"far"}


def test_an_entity_is_found_by_the_id_of_one_that_was_merged_into_it() -> None:
    with MockKMS(root_token="root", rng=1) as kms:
        core, ids = kms.world.core, []
        for name in ("a", "b", "c"):
            made = ask(core, Operation.UPDATE, "identity/entity", name=name).data
            assert made is not None
            ids.append(str(made["id"]))
        first, second, third = ids
        for merged, into in ((first, second), (second, third)):
            ask(core, Operation.UPDATE, "identity/entity/merge", from_entity_ids=[merged], to_entity_id=into)
            found = core.identity.entity(first)
            assert found is not None
            assert found.id == into
        kms.snapshot("s")
        kms.restore("s")
        found = core.identity.entity(first)
        assert found is not None
        assert found.id == third
        assert core.identity.entity("unknown") is None
