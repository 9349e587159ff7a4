"""Identity templates, and the little template of filtered listings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mockkms.vault.policy.listing import check_filter, compile_filter, render_filter
from mockkms.vault.policy.templates import Templates, has_template
from mockkms.world.entropy import Entropy

_ALIAS = SimpleNamespace(
    mount_accessor="acc_1", id="alias-id", name="ann@x", metadata={"role": "dev"}, custom_metadata={"c": "d"}
)
_ENTITY = SimpleNamespace(id="ent-id", name="ann", metadata={"team": "blue", "a.b": "dotted"}, aliases=[_ALIAS])
_GROUPS = [
    SimpleNamespace(id="h-id", name="far", metadata=None, namespace="team/"),
    SimpleNamespace(id="g-id", name="ops", metadata={"floor": "3"}, namespace=""),
    SimpleNamespace(id="i-id", name="ops", metadata=None, namespace="team/"),
]


_NOT_FOUND = "no value could be found for one of the template directives"
_UNBALANCED = "unbalanced templating characters"


@pytest.fixture
def templates() -> Templates:
    return Templates(_ENTITY, _GROUPS, 1000.5, blocked=["*", "+"])


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
        ("{{time.now.plus.1.5h}}", "6400"),
        ("{{time.now.plus.1h1.5m1.5s}}", "4692"),
    ],
)
def test_values(templates: Templates, text: str, filled: str) -> None:
    assert templates.render(text) == filled


def test_groups_are_named_in_their_namespace() -> None:
    of_team = Templates(_ENTITY, _GROUPS, 0, namespace="team/")
    assert of_team.render("{{identity.groups.names.ops.id}} {{identity.groups.names.far.id}}") == "i-id h-id"
    assert of_team.render("{{identity.groups.ids.g-id.name}}") == "ops"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{identity.entity.metadata.none}}", _NOT_FOUND),
        ("{{identity.entity.metadata}}", _NOT_FOUND),
        ("{{identity.entity.name.first}}", _NOT_FOUND),
        ("{{identity.entity.groups.names}}", _NOT_FOUND),
        ("{{identity.entity.custom_metadata.c}}", _NOT_FOUND),
        ("{{identity.entity.aliases.other.name}}", "alias not found"),
        ("{{identity.entity.aliases.acc_1}}", "invalid alias selector"),
        ("{{identity.groups.names.none.id}}", 'entity is not a member of group "none"'),
        ("{{identity.groups.names.far.id}}", 'entity is not a member of group "far"'),
        ("{{identity.groups.kind.ops.id}}", "invalid groups selector"),
        ("{{identity.groups.names}}", "invalid groups selector"),
        ("{{identity.groups.names.ops}}", "invalid groups accessor"),
        ("{{time.then}}", 'invalid time selector "then"'),
        ("{{time.now.plus}}", "missing time operand"),
        ("{{time.now.times.2s}}", 'invalid time operator "times"'),
        ("{{time.now.plus.x}}", 'invalid duration: time: invalid duration "x"'),
        ("{{time.now.plus.9999999999h}}", 'invalid duration: time: invalid duration "9999999999h"'),
        ("{{bogus}}", _NOT_FOUND),
        ("{{a", _UNBALANCED),
        ("a}}", _UNBALANCED),
        ("{{a}}b}}", _UNBALANCED),
    ],
)
def test_templates_that_cannot_be_filled(templates: Templates, text: str, reason: str) -> None:
    assert refusal(templates, text) == reason
    assert templates.fill(text) is None


def refusal(templates: Templates, text: str) -> str:
    """The reason why a text cannot be filled."""
    try:
        return f"filled: {templates.render(text)}"
    except ValueError as error:
        return str(error)


def test_blocked_characters_and_missing_owners() -> None:
    wild = SimpleNamespace(id="x", name="a*", metadata={"plus": "+"}, aliases=[])
    entity = "string contains entity template directives but no entity was provided"
    groups = "string contains groups template directives but no groups were provided"
    name, plus = "{{identity.entity.name}}", "{{identity.entity.metadata.plus}}"
    blocking = Templates(wild, [], 0, blocked=["*"])
    assert refusal(blocking, name) == 'template substitution contains forbidden value "*"'
    assert blocking.render(plus) == "+"
    assert Templates(wild, [], 0).render(name) == "a*"
    plain = Templates(wild, [], 0, wildcards=False)
    for text in (name, plus):
        assert refusal(plain, text) == "globs and wildcards are not allowed in template result"
    assert refusal(Templates(None, [], 0), "{{identity.entity.id}}") == entity
    assert refusal(Templates(wild, [], 0), "{{identity.groups.names.ops.id}}") == groups


def test_what_counts_as_a_template() -> None:
    assert has_template("a/{{bogus}}")
    assert not has_template("a/{b}")
    assert not has_template("")
    for text in ("a/{{b", "a}}/b"):
        with pytest.raises(
            ValueError, match=r"^failed to validate policy templating: unbalanced templating characters$"
        ):
            has_template(text)


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
        ("{{ . }}", "map[key:b/c path:kv/metadata/]"),
        ('{{ if eq .key "b/c" }}own{{ else }}other{{ end }}', "own"),
    ],
)
def test_filter_paths(template: str, path: str) -> None:
    assert render_filter(compile_filter(template, Entropy(), 0), "kv/metadata/", "b/c") == path


@pytest.mark.parametrize("template", ["{{ .key", "{{ }}", "{{ nothing .key }}", "{{ lowercase }}", "{{ word }}"])
def test_filters_that_are_not_templates(template: str) -> None:
    with pytest.raises(ValueError, match=r"^(unable to compile template for|failed to validate) list_scan_response_"):
        check_filter(template, "p/", {"list"})


@pytest.mark.parametrize("template", ["fixed", '{{ if eq .key "b/c" }}own{{ end }}', "{{ .path }}"])
def test_filters_that_do_not_tell_keys_apart(template: str) -> None:
    with pytest.raises(ValueError, match=r"resulted in same path for two different keys$"):
        check_filter(template, "p/", {"list"})
