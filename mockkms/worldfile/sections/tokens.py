"""``tokens``: tokens with chosen ids, or batch tokens."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.arguments import unsendable
from mockkms.vault.framework.shapes.collections import (
    Boolean,
    Choice,
    Integer,
    Key,
    ListOf,
    MapOf,
    Problems,
    RecordShape,
    Seconds,
    Text,
)
from mockkms.vault.framework.shapes.nodes import Node, nearest
from mockkms.vault.framework.world_section import Steps, items_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.core import Core
from mockkms.worldfile.applying import Applier


class ListOfTokens(ListOf):
    """Tokens, each with an id of its own. The ids are compared as they are read, beside all other errors of a file."""

    def read(self, node: Node, path: str, problems: Problems) -> list[object]:
        found = super().read(node, path, problems)
        places: dict[object, int] = {}
        for index, words in enumerate(found):
            token_id = words.get("id") if isinstance(words, Mapping) else None
            if token_id and (first := places.setdefault(token_id, index)) != index:
                at = node.items[index].entries["id"].value
                problems.append(at.problem(f"{path}[{index}].id", f"tokens[{first}] has this id already"))
        return found


def shape() -> ListOfTokens:
    """Return the shape of the section: a list of tokens."""
    texts = ListOf(Text(), single=True)
    return ListOfTokens(
        RecordShape(
            {
                "id": Key(Text(check=unsendable), "the token; default: random"),
                "policies": Key(texts, "names of policies"),
                "ttl": Key(Seconds(), "lifetime"),
                "period": Key(Seconds(), "lifetime after each renewal, without an end"),
                "explicit_max_ttl": Key(Seconds(), "largest lifetime, including renewals"),
                "num_uses": Key(Integer(0), "how often it may be used; 0: no limit"),
                "renewable": Key(Boolean(), "default: true"),
                "meta": Key(MapOf(Text()), "metadata"),
                "display_name": Key(Text(), "name shown in lookups"),
                "type": Key(Choice(("service", "batch"), "token type"), "default: service"),
                "parent": Key(Text(), "id of the parent; default: none, an orphan"),
                "entity": Key(Text(), "name of its entity"),
                "entity_id": Key(Text(), "id of the entity"),
                "bound_cidrs": Key(texts, "address blocks from which it may be used"),
                "no_default_policy": Key(Boolean(), "whether to omit the policy default"),
            }
        )
    )


def apply(to: Applier, section: Mapping[str, object], steps: Steps, namespace: str) -> None:
    """Create the tokens of a namespace; one whose id exists is replaced, except the root token."""
    core, described = to.core, items_at(section, "tokens")
    ids = {str(spec["id"]) for _, spec in described if spec.get("id")}
    for index, spec in described:
        at = (*steps, "tokens", index)
        with to.guard(*at):
            values = dict(spec)
            parent = str(values.get("parent", ""))
            if parent and parent not in ids and parent not in core.state.tokens.by_id:
                to.fault((*at, "parent"), f'no token has the id "{parent}"{nearest(parent, ids)}')
            token_id = str(values.get("id", ""))
            entity = values.pop("entity", None)
            if entity is not None:
                found = core.identity.entity_named(namespace, str(entity))
                if found is None:
                    known = [one.name for one in core.state.identity.entities.values() if one.namespace == namespace]
                    to.fault((*at, "entity"), f'no entity is named "{entity}"{nearest(str(entity), known)}')
                    continue
                values["entity_id"] = found.id
            before = core.state.tokens.by_id.get(token_id)
            if before is not None and before.id == to.world.root_token:
                to.fault((*at, "id"), "the root token exists already")
                continue
            if before is not None:
                core.tokens.revoke(before)
            seeding.add_token(core, values, namespace)


def dump(core: Core, namespace: str, root_token: str) -> dict[str, object]:
    """Return the tokens of a namespace but the root token."""
    found = []
    for spec in seeding.dump_tokens(core):
        if spec.pop("namespace", "") == namespace and spec["id"] != root_token:
            found.append(spec)
    return {"tokens": found}
