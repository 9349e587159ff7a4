"""Templates of user names: Go's pipelines as far as the plugins use them."""

from __future__ import annotations

import hashlib

import pytest

from mockkms.vault.golang.template import render
from mockkms.vault.secrets.database.generated import default_template
from mockkms.world.entropy import Entropy

_NAMES = {"DisplayName": "userpass-Bob", "RoleName": "my-role"}
_NOW = 1_700_000_000.5


def rendered(template: str) -> str:
    return render(template, _NAMES, Entropy(3), _NOW)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("a{{ .RoleName }}b", "amy-roleb"),
        ("{{- .RoleName | uppercase -}}", "MY-ROLE"),
        ('{{ .RoleName | replace "-" "_" | truncate 4 }}', "my_r"),
        ('{{ replace "-" "." .RoleName }}', "my.role"),
        ('{{ printf "%s/%d/%v%%" (.DisplayName | lowercase) 7 `x` }}', "userpass-bob/7/x%"),
        ("{{ unix_time }} {{unix_time_millis}}", "1700000000 1700000000500"),
        ('{{ timestamp "2006-01-02T15:04:05Z" }}', "2023-11-14T22:13:20Z"),
        ('{{ "abcdefghijkl" | truncate_sha256 10 }}', "ab" + hashlib.sha256(b"cdefghijkl").hexdigest()[:8]),
        ('{{ "é\\"" | base64 }}', "w6ki"),
        ('{{ printf "%s-%s" "only" }}', "only-%!s(MISSING)"),
    ],
)
def test_templates_are_filled_in(template: str, text: str) -> None:
    assert rendered(template) == text


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{ .Nothing }}", "can't evaluate field Nothing"),
        ("{{ nothing 5 }}", 'function "nothing" not defined'),
        ('{{ printf "%s" (nothing) }}', 'function "nothing" not defined'),
        ("{{ truncate }}", "wrong number or type of args for truncate"),
        ("{{ 5 | uppercase }}", "wrong number or type of args for uppercase"),
        ("{{ random 65537 }}", "no random text has 65537 letters and digits"),
        ("{{ random -1 }}", "no random text has -1 letters and digits"),
        ("{{ .RoleName | truncate 0 }}", "max length must be > 0 but was 0"),
        ("{{ .RoleName | truncate_sha256 8 }}", "max length must be > 8 but was 8"),
        ("{{ (.RoleName }}", "unclosed left paren"),
        ("{{ }}", "missing value for command"),
        ("{{ .RoleName | }}", "missing value for command"),
        ("{{ .RoleName ; }}", "unexpected"),
        ("{{ .RoleName", "unclosed action"),
    ],
)
def test_templates_that_make_no_sense(template: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault.replace("(", r"\(")):
        rendered(template)


@pytest.mark.parametrize(
    "plugin",
    ["postgresql-database-plugin", "cassandra-database-plugin", "redis-database-plugin", "hana-database-plugin"],
)
def test_every_plugin_names_its_users(plugin: str) -> None:
    name = rendered(default_template(plugin))
    assert name[0] in "vV"
    assert len(name) <= 128
