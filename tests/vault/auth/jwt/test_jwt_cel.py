"""JWT logins by programs: CEL roles, what they say no to, and logins they make."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from mockkms.crypto import jws
from mockkms.vault.cel import limits
from mockkms.vault.cel.program import check_syntax
from mockkms.vault.framework.message import Operation, Response
from tests.vault.driving import START, World

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CLAIMS = {
    "o": {"p": {"q": None}},
    "sub": "ann",
    "aud": "app",
    "exp": int(START) + 60,
    "g": ["a", "b"],
    "n": 7,
    "mail": "ann@example.org",
}


def prepare(world: World) -> None:
    world.core.mount("", "auth/jwt/", "jwt")
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    world.write("auth/jwt/config", {"jwt_validation_pubkeys": [public.decode()]})


pytestmark = pytest.mark.prepared(by=prepare)


def role(world: World, expression: str, *variables: tuple[str, str], **more: Any) -> Response:
    listed = [{"name": name, "expression": text} for name, text in variables]
    program = {"expression": expression, **({"variables": listed} if listed else {})}
    return world.write("auth/jwt/cel/role/r", {"cel_program": program, **more})


def login(world: World, **claims: Any) -> Response:
    token = jws.sign(json.dumps({**CLAIMS, **claims}), KEY, "EdDSA", "k")
    return world.write("auth/jwt/cel/login", {"role": "R", "jwt": token}, token="")


def fault(response: Response) -> str:
    assert response.errors
    return response.errors[0]


@pytest.mark.parametrize(
    ("before", "inside", "after", "deepest", "text"),
    [
        ("(", "1", ")", 249, "expression recursion limit exceeded: 250"),
        ("[", "", "]", 250, "expression recursion limit exceeded: 250"),
        ("size(", '"a"', ")", 249, "expression recursion limit exceeded: 250"),
        ("{1:", "1", "}", 249, "expression recursion limit exceeded: 250"),
        ("", "1", "+1", 250, "max recursion depth exceeded"),
        ("", "[1]", "[0]", 250, "max recursion depth exceeded"),
        ("", '"a"', ".b", 250, "max recursion depth exceeded"),
    ],
)
def test_expressions_are_nested_as_deeply_as_recorded(
    world: World, before: str, inside: str, after: str, deepest: int, text: str
) -> None:
    """Measured on OpenBao 2.6.2, and again with the parser's own tree."""
    refused = role(world, before * (deepest + 1) + inside + after * (deepest + 1))
    assert fault(refused) == (
        f"1 error occurred:\n\t* invalid CEL syntax for main expression: ERROR: <input>:-1:0: {text}\n\n"
    )
    assert limits.depth_fault(check_syntax(before * deepest + inside + after * deepest)) == ""


@pytest.mark.parametrize("expression", ["-" * 5000 + "1", "!" * 5000 + "true", "true" + "&&true" * 5000])
def test_expressions_too_deep_for_the_library_are_refused_at_logins(world: World, expression: str) -> None:
    role(world, expression)
    assert "recursion" in fault(login(world))


def test_faults_of_long_expressions_are_found(world: World) -> None:
    assert "extraneous input '{' expecting <EOF>" not in fault(role(world, "{}" * 2000))
    assert "mismatched input '{' expecting <EOF>" in fault(role(world, "{}" * 2000))


def test_expressions_have_a_longest_length(world: World) -> None:
    assert role(world, f'"{"a" * 99_998}"').data
    assert "expression code point size exceeds limit: size: 100001, limit 100000" in fault(
        role(world, f'"{"é" * 99_999}"')
    )


def test_a_role_is_kept_patched_listed_and_deleted(world: World) -> None:
    made = role(world, "1 == 1", clock_skew_leeway=10)
    expected = {
        "name": "r", "cel_program": {"expression": "1 == 1"}, "message": "", "expiration_leeway": 150,
        "not_before_leeway": 150, "clock_skew_leeway": 10, "bound_audiences": [],
    }  # fmt: skip
    assert made.data == expected
    program = {"variables": [{"name": "x", "expression": "true"}]}
    changed = world.ask(
        Operation.PATCH, "auth/jwt/cel/role/r", {"bound_audiences": "a,b", "message": "m", "cel_program": program}
    )
    assert changed.data == {
        **expected, "bound_audiences": ["a", "b"], "message": "m",
        "cel_program": {**program, "expression": "1 == 1"},
    }  # fmt: skip
    assert pickle.loads(pickle.dumps(world.core.state)) == world.core.state
    assert world.ask(Operation.LIST, "auth/jwt/cel/role/").data == {"keys": ["r"]}
    world.ask(Operation.DELETE, "auth/jwt/cel/role/r")
    assert world.ask(Operation.READ, "auth/jwt/cel/role/r").status == 404
    patched = world.ask(Operation.PATCH, "auth/jwt/cel/role/r", {"message": "m"})
    assert fault(patched) == "Unable to fetch cel role entry to patch"


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (None, "missing required field 'cel_program'"),
        ({}, "cel_program.expression cannot be empty"),
        (
            {"expression": ["a"], "variables": 5},
            "failed to decode 'cel_program': decoding failed due to the following error(s):\n\n"
            "'Variables' source data must be an array or slice, got string\n"
            "'Expression' expected type 'string', got unconvertible type '[]interface {}'",
        ),
    ],
)
def test_invalid_programs_are_refused(world: World, program: Any, error: str) -> None:
    data = {} if program is None else {"cel_program": program}
    answer = world.write("auth/jwt/cel/role/r", data)
    assert (answer.status, fault(answer)) == (400, error)


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("nope", "<input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^"),
        ("foo(1)", "<input>:1:4: undeclared reference to 'foo' (in container '')\n | foo(1)\n | ...^"),
        (
            "a && b",
            "<input>:1:1: undeclared reference to 'a' (in container '')\n | a && b\n | ^\n"
            "ERROR: <input>:1:6: undeclared reference to 'b' (in container '')\n | a && b\n | .....^",
        ),
        ("pb.Auth{no: 1}", "<input>:1:11: undefined field 'no'\n | pb.Auth{no: 1}\n | ..........^"),
        ("pb.Nope{}", "<input>:1:8: undeclared reference to 'pb.Nope' (in container '')\n | pb.Nope{}\n | .......^"),
        (
            "claims.g.all(x, y == x)",
            "<input>:1:17: undeclared reference to 'y' (in container '')\n | claims.g.all(x, y == x)\n"
            " | ................^",
        ),
        (
            "pb.Auth{policies: 'x'}",
            "<input>:1:17: expected type of field 'policies' is 'list(string)' but provided type is 'string'\n"
            " | pb.Auth{policies: 'x'}\n | ................^",
        ),
    ],
)
def test_undeclared_names_are_refused(world: World, expression: str, error: str) -> None:
    answer = role(world, expression)
    assert answer.status == 500
    assert fault(answer) == f"1 error occurred:\n\t* error type-checking CEL MainProgram: ERROR: {error}\n\n"


def test_bad_syntax_is_refused_with_its_place(world: World) -> None:
    answer = role(world, "x", ("x", "1 +"))
    assert "variable[0].x: failed to validate: invalid CEL syntax for variable 'x': ERROR: <input>:1:4:" in fault(
        answer
    )


def test_a_program_makes_the_login(world: World) -> None:
    role(
        world,
        "admin ? pb.Auth{display_name: claims.sub, policies: claims.g, metadata: {'k': 'v'}, num_uses: 3, "
        "explicit_max_ttl: 3600000000000, alias: logical.Alias{name: claims.sub}} : 'not ' + claims.sub",
        ("admin", "claims.sub.startsWith('a') && claims.n == 7 && check_valid_email(claims.mail)"),
        bound_audiences="app",
    )
    auth = login(world).auth
    assert auth is not None
    assert auth.policies == ["a", "b", "default"]
    assert (auth.metadata, auth.num_uses, auth.lease_duration) == ({"k": "v"}, 3, 3600)
    assert auth.entity_id
    assert world.self_of(auth.client_token)["display_name"] == "jwt-ann"
    prefix = "error executing cel program: CEL role 'r' blocked authorization with"
    assert fault(login(world, sub="bob")) == f"{prefix} message: not bob"
    assert "audience claim does not match" in fault(login(world, aud="other"))


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("false", "CEL role 'r' blocked authorization with boolean false return"),
        ("true", "CEL program 'r' returned unexpected type: types.Bool"),
        ("claims.g", "CEL program 'r' returned unexpected type: *types.baseList"),
        (
            "claims.nope == 1",
            "CEL auth program failed: failed to evaluate expression: failed to evaluate expression "
            '"claims.nope == 1": no such key: nope',
        ),
        (
            "claims.n + 1 == 8",
            "CEL auth program failed: failed to evaluate expression: failed to evaluate expression "
            '"claims.n + 1 == 8": no such overload',
        ),
    ],
)
def test_results_other_than_logins_are_errors(world: World, expression: str, error: str) -> None:
    role(world, expression)
    assert fault(login(world)) == f"error executing cel program: {error}"


def test_faults_of_the_login_made(world: World) -> None:
    role(world, "pb.Auth{bound_cidrs: ['bad']}")
    assert fault(login(world)).startswith('error converting proto auth: error parsing address "bad"')
    role(world, "pb.Auth{internal_data: 'x'}")
    assert fault(login(world)).startswith("error converting proto auth: invalid character 'x'")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("claims.mail.split('@')[1]", "example.org"),
        ("claims.sub.upperAscii() + '/' + claims.g.join('+')", "ANN/a+b"),
        ("encode_json({'b': true, 'a': 'x'})", '{"a":"x","b":true}'),
        ('decode_json(\'{"a":"q"}\').a', "q"),
        ("'%s is %s'.format([claims.sub, string(claims.n)])", "ann is 7"),
        ("claims.n > 5 && claims.n != 8 ? claims.sub.replace('n', 'm') : ''", "amm"),
        ("claims.sub.substring(1) + claims.sub.charAt(0) + claims.sub.trim()", "nnaann"),
        ("claims.g.distinct() == ['a', 'b'] ? 'same' : 'other'", "same"),
        ("string([claims.n, 8,].size()) + {'a': 'b',}['a']", "2b"),
        ("string(math.greatest(1, claims.n, 3)) + string(math.least([4, 2]))", "72"),
        ("string(math.round(-2.5)) + string(math.abs(-3)) + string(math.sign(-0.5))", "-33-1"),
        ("string(math.bitShiftRight(-1, 60)) + string(math.bitNot(0)) + string(math.bitXor(6u, 3u))", "15-15"),
        ("base64.encode(b'hello') + string(base64.decode('aGVsbG8'))", "aGVsbG8=hello"),
        ("sets.contains(['a', 'b', 'c'], claims.g) && !sets.intersects([1], [2]) ? 'in' : 'out'", "in"),
        ("['b', 'a'].sort().join() + strings.quote('x') + string(lists.range(3).size())", 'ab"x"3'),
        ("string(1.5 + 1.5) + ' ' + string(1e21) + ' ' + string(-1.0 / 0.0)", "3 1e+21 -Inf"),
        ("string(duration('1.5s')) + ' ' + string(timestamp('2020-02-03T04:05:06.7Z'))", "1.5s 2020-02-03T04:05:06.7Z"),
        ("string(int(duration('2s'))) + ' ' + string('abcb'.lastIndexOf('b', 2))", "2000000000 1"),
        (
            "encode_json({'b': b'ab', 'd': duration('1s'), 'n': null, 'x': 1e21})",
            '{"b":"YWI=","d":1000000000,"n":0,"x":1e+21}',
        ),
        ("encode_json({'claims': claims.o})", '{"claims":{"p":{"q":null}}}'),
        (
            "'%s %.1f %x %e %s'.format([[1, 'a', true], 1.25, 255, 12.5, {'k': null}])",
            "[1, a, true] 1.2 ff 1.250000e+01 {k: null}",
        ),
        (
            "claims.?x.?y.orValue('none') + claims[?'sub'].value() + claims.?sub.optMap(s, s + '!').orValue('')",
            "noneannann!",
        ),
        (
            "string(optional.none().hasValue()) + string([1, 2].last().value()) + string([].first().hasValue())",
            "false2false",
        ),
        ("string([?optional.of(1), ?optional.none(), 3].size()) + {?'a': optional.of('b'), ?'c': claims.?q}.a", "2b"),
        ("[3, 1, 2].sortBy(x, -x).map(x, x > 1, string(x)).join('-')", "3-2"),
        ("string((1 + 2) * 3 - -4) + (claims.?b.hasValue() ? 'x' : 'y')", "13y"),
        ("operation + (now > timestamp('2020-01-01T00:00:00Z') ? '!' : '?')", "update!"),
    ],
)
def test_what_programs_can_use(world: World, expression: str, said: str) -> None:
    role(world, expression)
    assert fault(login(world)).endswith(f"blocked authorization with message: {said}")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("encode_json({'r': claims.missing})", "no such key: missing"),
        ("string(1 % 0)", "modulus by zero"),
        ("string(1u - 2u)", "unsigned integer overflow"),
        ("string([1].slice(0, 2).size())", "cannot slice(0, 2), list is length 1"),
        ("string(decode_json('[1]'))", "no such overload: string(list)"),
    ],
)
def test_errors_of_values(world: World, expression: str, text: str) -> None:
    role(world, expression)
    assert fault(login(world)).endswith(f'": {text}')


def test_maps_of_programs_are_not_encoded_within_others(world: World) -> None:
    role(world, "encode_json({'a': {'b': 1}})")
    assert fault(login(world)).endswith("blocked authorization with boolean false return")


def test_without_the_library_a_role_says_what_is_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "celpy", None)
    assert "pip install 'mockkms[cel]'" in fault(role(world, "true"))


def test_vault_has_no_cel_roles() -> None:
    world = World("vault")
    world.core.mount("", "auth/jwt/", "jwt")
    assert world.ask(Operation.LIST, "auth/jwt/cel/role/").status == 404


def test_the_library_is_imported_when_a_program_comes() -> None:
    code = "import sys, mockkms.vault.auth.jwt; sys.exit('celpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
