"""Identity templates, and the little template of filtered listings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mockkms.vault.policy.listing import render_filter
from mockkms.vault.policy.templates import Templates, has_template

_ALIAS = SimpleNamespace(
    mount_accessor="acc_1", id="alias-id", name="ann@x", metadata={"role": "dev"}, custom_metadata={"c": "d"}
)
_ENTITY = SimpleNamespace(id="ent-id", name="ann", metadata={"team": "blue", "a.b": "dotted"}, aliases=[_ALIAS])
_GROUPS = [
    SimpleNamespace(id="g-id", name="ops", metadata={"floor": "3"}, namespace=""),
    SimpleNamespace(id="h-id", name="far", metadata=None, namespace="team/"),
]
_TEMPLATES = Templates(_ENTITY, _GROUPS, 1000.5, blocked=["*", "+"])


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("a/{{identity.entity.id}}/b", "a/ent-id/b"),
        ("{{ identity.entity.name }}{{identity.entity.name}}", "annann"),
        ("{{identity.entity.metadata.team}}", "blue"),
        ("{{identity.entity.metadata.a.b}}", "dotted"),
        ("{{identity.entity.aliases.acc_1.id}}", "alias-id"),
        ("{{identity.entity.aliases.acc_1.name}}", "ann@x"),
        ("{{identity.entity.aliases.acc_1.metadata.role}}", "dev"),
        ("{{identity.entity.aliases.acc_1.custom_metadata.c}}", "d"),
        ("{{identity.groups.ids.g-id.name}}", "ops"),
        ("{{identity.groups.names.ops.id}}", "g-id"),
        ("{{identity.groups.names.ops.metadata.floor}}", "3"),
        ("{{identity.groups.ids.h-id.name}}", "far"),
        ("{{time.now}}", "1000"),
        ("{{time.now.plus.1h}}", "4600"),
        ("{{time.now.minus.10}}", "990"),
    ],
)
def test_values(text: str, filled: str) -> None:
    assert _TEMPLATES.render(text) == filled


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{identity.entity.metadata.none}}", "no value could be found"),
        ("{{identity.entity.metadata}}", "no value could be found"),
        ("{{identity.entity.groups.names}}", "no value could be found"),
        ("{{identity.entity.aliases.other.name}}", "alias not found"),
        ("{{identity.entity.aliases.acc_1}}", "invalid alias selector"),
        ("{{identity.groups.names.none.id}}", 'not a member of group "none"'),
        ("{{identity.groups.names.far.id}}", 'not a member of group "far"'),
        ("{{identity.groups.kind.ops.id}}", "invalid groups selector"),
        ("{{identity.groups.names.ops}}", "invalid groups accessor"),
        ("{{time.then}}", 'invalid time selector "then"'),
        ("{{time.now.plus}}", "missing time operand"),
        ("{{time.now.times.2s}}", 'invalid time operator "times"'),
        ("{{time.now.plus.x}}", "invalid duration"),
        ("{{bogus}}", "no value could be found"),
        ("{{a", "unbalanced"),
        ("a}}", "unbalanced"),
        ("{{a}}b}}", "unbalanced"),
    ],
)
def test_what_cannot_be_filled(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        _TEMPLATES.render(text)
    assert _TEMPLATES.fill(text) is None


def test_blocked_characters_and_missing_owners() -> None:
    wild = SimpleNamespace(id="x", name="a*", metadata=None, aliases=[])
    with pytest.raises(ValueError, match=r'forbidden value "\*"'):
        Templates(wild, [], 0, blocked=["*"]).render("{{identity.entity.name}}")
    assert Templates(wild, [], 0).render("{{identity.entity.name}}") == "a*"
    with pytest.raises(ValueError, match="no entity was provided"):
        Templates(None, [], 0).render("{{identity.entity.id}}")
    with pytest.raises(ValueError, match="no groups were provided"):
        Templates(wild, [], 0).render("{{identity.groups.names.ops.id}}")


def test_what_counts_as_a_template() -> None:
    assert has_template("a/{{bogus}}")
    assert not has_template("a/{b}")
    with pytest.raises(ValueError, match="failed to validate policy templating"):
        has_template("a/{{b")


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{{ .path }}{{ .key }}", "kv/metadata/b/c"),
        ("kv/data/{{ .key | uppercase }}", "kv/data/B/C"),
        ('{{ .path | replace "metadata" "data" }}{{ .key }}', "kv/data/b/c"),
        ('{{ replace "/" "-" .key }}', "b-c"),
        ("x {{- .key -}} y", "xb/cy"),
        ("{{ truncate 1 .key }}", "b"),
        ("{{ base64 .key }}{{ hex .key }}", "Yi9j622f63"),
        ("{{ .other }}", "<no value>"),
        ("{{ `raw` }}", "raw"),
    ],
)
def test_filter_paths(template: str, path: str) -> None:
    assert render_filter(template, "kv/metadata/", "b/c") == path


@pytest.mark.parametrize("template", ["{{ .key", "{{ }}", "{{ nothing .key }}", "{{ lowercase }}", "{{ word }}"])
def test_filters_that_are_not_understood(template: str) -> None:
    with pytest.raises(ValueError, match=r"template|args"):
        render_filter(template, "p/", "k")
