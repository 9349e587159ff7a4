"""Go's templates with the functions of ``sdk/helper/template``.

Source of the results and messages: Go 1.26's ``text/template`` with OpenBao 2.6.2's ``sdk/helper/template``, which the
same templates were given to.
"""

from __future__ import annotations

import hashlib
import re

import pytest

from mockkms.vault.golang.template import Data, Function, GoTemplate, Long, naming_functions, utf16le
from mockkms.vault.golang.template.executing import LONGEST_OUTPUT
from mockkms.vault.golang.template.values import Value
from mockkms.vault.secrets.database.generated import default_template
from mockkms.world.entropy import Entropy

_DATA = Data("main.UsernameMetadata", {"DisplayName": "userpass-Bob", "RoleName": "my-rôle", "Type": "IAM"})
_NOW = 1_700_000_000.5
_PARSING = "unable to parse template: template: template:"
_APPLYING = "unable to apply template: template: template:"


def rendered(template: str, data: Value = _DATA, *, strict: bool = False) -> str:
    functions = naming_functions(Entropy(3), _NOW, decoding=True)
    return GoTemplate(template, functions).generate(data, strict=strict)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("a{{ .Type }}b", "aIAMb"),
        ("a {{- .Type | lowercase -}}  b", "aiamb"),
        ("a  {{- /* no output */ -}}  b", "ab"),
        ("{{/* no output */}}b", "b"),
        ('{{ if eq .Type "STS" }}s{{ else if eq .Type "IAM" }}i{{ else }}o{{ end }}', "i"),
        ('{{ if and .Type (ne .RoleName "") | not }}a{{ else }}b{{ end }}', "b"),
        ("{{ with .Type }}[{{ . }}]{{ else }}none{{ end }}", "[IAM]"),
        ('{{ with "" }}a{{ else with .Type }}{{ . }}{{ end }}', "IAM"),
        ("{{ with $x := .Type }}{{ $x }}{{ $.RoleName }}{{ end }}", "IAMmy-rôle"),
        ("{{ range 3 }}{{ . }}{{ end }}", "012"),
        ("{{ range $i := 2 }}{{ range $j := 2 }}{{ $i }}{{ $j }} {{ end }}{{ end }}", "00 01 10 11 "),
        ("{{ range 5 }}{{ if eq . 2 }}{{ continue }}{{ else if eq . 4 }}{{ break }}{{ end }}{{ . }}{{ end }}", "013"),
        ("{{ range 3 }}{{ . }}{{ range 0 }}{{ else }}{{ break }}{{ end }}x{{ end }}", "0x1x2x"),
        ("{{ range 3 }}{{ . }}{{ range 0 }}{{ else }}{{ continue }}{{ end }}x{{ end }}", "012"),
        ("{{ range 0 }}x{{ else }}none{{ end }}", "none"),
        ("{{ $x := 1 }}{{ if true }}{{ $x := 5 }}{{ $x = 7 }}{{ end }}{{ $x }}", "1"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 5 }}{{ end }}{{ $x }}", "5"),
        ('{{ define "a" }}<{{ . }}>{{ end }}{{ template "a" .Type }}', "<IAM>"),
        ('{{ block "a" .Type }}[{{ . }}]{{ end }}', "[IAM]"),
        ("{{ . }}", "{userpass-Bob my-rôle IAM}"),
        ('{{ .RoleName | replace "-" "_" | truncate 4 }}', "my_r"),
        ("{{ .RoleName | len }}", "8"),
        ('{{ printf "%s/%d/%v%%" (.DisplayName | lowercase) 7 `x` }}', "userpass-bob/7/x%"),
        ('{{ printf "%5d|%-5d|%05d|%+d|%x|%q" 1 2 3 4 255 "a" }}', "    1|2    |00003|+4|ff|\"a\""),
        ('{{ printf "%s-%s" "only" }}', "only-%!s(MISSING)"),
        ('{{ printf "%d" "a" }}{{ printf "a" 1 "b" }}', "%!d(string=a)a%!(EXTRA int=1, string=b)"),
        ('{{ printf "%[2]d %[1]d" 1 2 }} {{ printf "%*d" 4 7 }} {{ printf "%d|%s" . 1 }}',
         "2 1    7 {%!d(string=userpass-Bob) %!d(string=my-rôle) %!d(string=IAM)}|%!s(int=1)"),
        ("{{ 1.5 }} {{ 1e3 }} {{ 1e6 }} {{ 0x1F }} {{ 017 }} {{ 'a' }} {{ 1i }} {{ 1e-7 }}",
         "1.5 1000 1e+06 31 15 97 (0+1i) 1e-07"),
        ("{{ print 1 2 \"a\" 3 4 true nil }}", "1 2a3 4 true <nil>"),
        ('{{ html "<a>\'" }} {{ js "\'<a>" }} {{ urlquery "a b&c" }}', "&lt;a&gt;&#39; \\'\\u003Ca\\u003E a+b%26c"),
        ('{{ index "abc" 1 }} {{ slice "abcd" 1 3 }} {{ eq (index "abc" 1) 98 }}', "98 bc true"),
        ("{{ and 1 0 2 }}{{ or 0 \"\" \"x\" }}{{ not 1 }}", "0xfalse"),
        ("{{ lt 1 2 }}{{ le \"a\" \"b\" }}{{ gt 1.5 1.0 }}{{ ge 1 2 }}{{ eq 1 2 1 }}", "truetruetruefalsetrue"),
        ("{{ unix_time }} {{unix_time_millis}}", "1700000000 1700000000500"),
        ('{{ timestamp "2006-01-02T15:04:05Z" }} {{ timestamp "Jan _2 3PM" }}', "2023-11-14T22:13:20Z Nov 14 10PM"),
        ('{{ "abcdefghijkl" | truncate_sha256 10 }}', "ab" + hashlib.sha256(b"cdefghijkl").hexdigest()[:8]),
        ('{{ "abc" | sha256 | truncate 8 }} {{ "é\\"" | base64 }}', "ba7816bf w6ki"),
        ('{{ "YWJj" | decode_base64 }} {{ "abc" | hex }} {{ "616263" | decode_hex }} {{ glob "a*c" "abbc" }}',
         "abc 616263 abc true"),
    ],
)  # fmt: skip
def test_templates_are_filled_in(template: str, text: str) -> None:
    assert rendered(template) == text


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{ nothing 5 }}", _PARSING + '1: function "nothing" not defined'),
        ("a\nb {{ .Type | nothing }}", _PARSING + '2: function "nothing" not defined'),
        ("{{ (.RoleName }}", _PARSING + "1: unclosed left paren"),
        ("{{ }}", _PARSING + "1: missing value for command"),
        ("{{ if }}a{{ end }}", _PARSING + "1: missing value for if"),
        ("{{ .RoleName ; }}", _PARSING + '1: unexpected ";" in operand'),
        ("{{ .RoleName", _PARSING + "1: unclosed action"),
        ("{{/* a", _PARSING + "1: unclosed comment"),
        ("{{ if 1 }}", _PARSING + "1: unexpected EOF"),
        ("{{ end }}", _PARSING + "1: unexpected {{end}}"),
        ("{{ if 1 }}a{{ else }}b{{ else }}c{{ end }}", _PARSING + "1: expected end; found {{else}}"),
        ("{{ break }}", _PARSING + "1: {{break}} outside {{range}}"),
        ("{{ $y }}", _PARSING + '1: undefined variable "$y"'),
        ("{{ range $x, $y, $z := 1 }}{{ end }}", _PARSING + "1: too many declarations in range"),
        ("{{ 5 | 6 }}", _PARSING + "1: non executable command in pipeline stage 2"),
        ('{{ "abc }}', _PARSING + "1: unterminated quoted string"),
        ('{{ "\\q" }}', _PARSING + "1: invalid syntax"),
        ("{{ 3x }}", _PARSING + '1: bad number syntax: "3x"'),
        ("{{ 08 }}", _PARSING + '1: integer overflow: "08"'),
        ("{{ 99999999999999999999 }}", _PARSING + '1: integer overflow: "99999999999999999999"'),
        ("{{ 0xfffffffffffffffff }}", _PARSING + '1: illegal number syntax: "0xfffffffffffffffff"'),
        ("{{ 1e999 }}", _PARSING + '1: illegal number syntax: "1e999"'),
        ("{{ " + "9" * 5000 + " }}", _PARSING + f'1: illegal number syntax: "{"9" * 5000}"'),
        ('{{ "abc".Foo }}', _PARSING + '1: unexpected . after term "\\"abc\\""'),
        ("{{ define }}x{{ end }}", _PARSING + '1: unexpected "}}" in define clause'),
        ("", "missing template"),
    ],
)
def test_templates_that_cannot_be_parsed(template: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        rendered(template)


@pytest.mark.parametrize(
    ("template", "at", "fault"),
    [
        ("{{ .Nothing }}", '1:3: executing "template" at <.Nothing>',
         "can't evaluate field Nothing in type main.UsernameMetadata"),
        ("é\né {{ .Nothing }}", '2:6: executing "template" at <.Nothing>',
         "can't evaluate field Nothing in type main.UsernameMetadata"),
        ("{{ truncate }}", '1:3: executing "template" at <truncate>',
         "wrong number of args for truncate: want 2 got 0"),
        ("{{ 5 | uppercase }}", '1:7: executing "template" at <uppercase>',
         "wrong type for value; expected string; got int"),
        ("{{ uppercase 5 }}", '1:13: executing "template" at <5>', "expected string; found 5"),
        ("{{ .RoleName | truncate 0 }}", '1:15: executing "template" at <truncate 0>',
         "error calling truncate: max length must be > 0 but was 0"),
        ("{{ .RoleName | truncate_sha256 8 }}", '1:15: executing "template" at <truncate_sha256 8>',
         "error calling truncate_sha256: max length must be > 8 but was 8"),
        ("{{ range .Type }}{{ end }}", '1:9: executing "template" at <.Type>', "range can't iterate over IAM"),
        ('{{ template "zz" . }}', '1:12: executing "template" at <{{template "zz" .}}>', 'template "zz" not defined'),
        ('{{ eq "a" 1 }}', '1:3: executing "template" at <eq "a" 1>',
         "error calling eq: incompatible types for comparison: string and int"),
        ("{{ lt true false }}", '1:3: executing "template" at <lt true false>',
         "error calling lt: invalid type for comparison"),
        ('{{ "a" "b" }}', '1:3: executing "template" at <"a">', "can't give argument to non-function \"a\""),
        ("{{ call .Type }}", '1:3: executing "template" at <call .Type>',
         "error calling call: non-function .Type of type string"),
        ("{{ nil }}", '1:3: executing "template" at <nil>', "nil is not a command"),
        ("{{ len 3 }}", '1:3: executing "template" at <len 3>', "error calling len: len of type int"),
        ('{{ index "a" 1 }}', '1:3: executing "template" at <index "a" 1>',
         "error calling index: reflect: string index out of range"),
        ('{{ "zz" | decode_hex }}', '1:10: executing "template" at <decode_hex>',
         "error calling decode_hex: encoding/hex: invalid byte: U+007A 'z'"),
        ('{{ "a!" | decode_base64 }}', '1:10: executing "template" at <decode_base64>',
         "error calling decode_base64: illegal base64 data at input byte 1"),
    ],
)  # fmt: skip
def test_templates_that_cannot_be_applied(template: str, at: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'{_APPLYING}{at}: {fault}')}$"):
        rendered(template)


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{ random 65537 }}", "no random text has 65537 letters and digits"),
        ("{{ random -1 }}", "no random text has -1 letters and digits"),
        ("{{ range 9999999 }}{{ end }}", "the template takes more than 200000 steps"),
        ("{{ range 1000 }}{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}{{ end }}", "more than 200000 steps"),
        ('{{ $x := "a" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}{{ $x }}', "the text is longer than"),
        ('{{ $x := "a" }}{{ range 99 }}{{ $x = replace "a" "aaaa" $x }}{{ end }}', "the text is longer than"),
        ('{{ printf "%1000000d%1000000d" 1 2 }}', "the text is longer than"),
        ('{{ range 9999 }}{{ printf "%9999d" 1 }}{{ end }}', "the output is longer than|steps"),
        ('{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}', "exceeded maximum template depth"),
        ("{{ " + "(" * 99 + "1" + ")" * 99 + " }}", "max expression depth exceeded"),
        ("{{ if 1 }}" * 99 + "{{ end }}" * 99, "max expression depth exceeded"),
        ("{{ if 0 }}" + "{{ else if 0 }}" * 99 + "{{ end }}", "max expression depth exceeded"),
    ],
)
def test_work_and_output_are_bounded(template: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        rendered(template)


def test_the_deepest_templates_fit_on_the_stack() -> None:
    deep = "{{ if 1 }}" * 20 + "{{ " + "(print " * 18 + "1" + ")" * 18 + " }}" + "{{ end }}" * 20
    assert rendered(deep) == "1"
    nested = (
        '{{ define "a" }}'
        + deep
        + '{{ template "b" . }}{{ end }}{{ define "b" }}{{ if 0 }}{{ template "a" . }}{{ end }}'
    )
    assert rendered(nested + '{{ end }}{{ template "a" . }}') == "1"


def test_claims_are_maps_lists_and_values() -> None:
    claims: Value = {"team": "ops", "groups": ["a", "b"], "org": {"unit": "x"}, "on": True}
    assert rendered("{{ .team }}-{{ .org.unit }}-{{ .on }}", claims) == "ops-x-true"
    assert rendered("{{ range $i, $g := .groups }}{{ if $i }},{{ end }}{{ $g }}{{ end }}", claims) == "a,b"
    assert rendered("{{ range $k, $v := .org }}{{ $k }}={{ $v }}{{ end }}", claims) == "unit=x"
    assert rendered('{{ index .groups 1 }}{{ index .org "unit" }}{{ len .groups }}', claims) == "bx2"
    assert rendered("{{ .groups }} {{ .org }}", claims) == "[a b] map[unit:x]"
    assert rendered("{{ .nothing }}", claims) == "<no value>"
    with pytest.raises(ValueError, match='map has no entry for key "nothing"'):
        rendered("{{ .nothing }}", claims, strict=True)


def test_functions_and_numbers_of_ldif_templates() -> None:
    functions = {**naming_functions(Entropy(3), _NOW), "utf16le": Function(utf16le, ("string",))}
    data = Data("openldap.dynamicTemplateData", {"Password": "é", "IssueTimeSeconds": Long(5)})
    template = GoTemplate('{{ printf "\\"%s\\"" .Password | utf16le | base64 }} {{ .IssueTimeSeconds }}', functions)
    assert template.generate(data) == "IgDpACIA 5"
    with pytest.raises(ValueError, match="expected int; got int64"):
        GoTemplate('{{ truncate .IssueTimeSeconds "abc" }}', functions).generate(data)


def test_vault_does_not_have_the_functions_of_openbao() -> None:
    for name in ("decode_base64", "hex", "decode_hex", "glob"):
        with pytest.raises(ValueError, match=f'function "{name}" not defined'):
            GoTemplate(f'{{{{ "a" | {name} }}}}', naming_functions(Entropy(3), _NOW))


def test_long_texts_count_as_more_work() -> None:
    """A template that hashes 256 KiB as often as it may is stopped after a part of a second."""
    with pytest.raises(ValueError, match="steps"):
        rendered(
            '{{ $x := "a" }}{{ range 18 }}{{ $x = print $x $x }}{{ end }}{{ range 99999 }}{{ sha256 $x }}{{ end }}'
        )


@pytest.mark.parametrize(
    "plugin",
    ["postgresql-database-plugin", "cassandra-database-plugin", "redis-database-plugin", "hana-database-plugin"],
)
def test_every_plugin_names_its_users(plugin: str) -> None:
    name = rendered(default_template(plugin))
    assert name[0] in "vV"
    assert len(name) <= 128


def test_output_may_be_as_long_as_the_bound() -> None:
    assert len(rendered('{{ printf "%1000000d" 1 }}')) == 1_000_000 <= LONGEST_OUTPUT
