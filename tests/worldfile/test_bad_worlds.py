"""Every fault of a bad world is named with its place, and a bad file never does anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mockkms import MockKMS
from mockkms.crypto.encoding import pem
from mockkms.worldfile import Problem, SeedError, check, load


def faults(source: str | Path) -> list[Problem]:
    if isinstance(source, str) and "\n" not in source:
        source += "\n"
    try:
        return check([source])
    except SeedError as error:
        return error.problems


def one(text: str) -> Problem:
    found = faults(text)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


KEY = "vault:\n  mounts:\n    transit/:\n      type: transit\n      keys:\n        k: "
CASES = [
    pytest.param("mockkms: 1\nvualt: {}", 2, 1, "vualt", 'did you mean "vault"', id="unknown key"),
    pytest.param("mockkms: 2\n", 1, 10, "mockkms", "out of bounds", id="other version of the format"),
    pytest.param("rng: [1]\n", 1, 6, "rng", "found a list", id="wrong type"),
    pytest.param("vault: 3\n", 1, 8, "vault", "expected a mapping, found an integer (3)", id="section of a wrong type"),
    pytest.param("vault: {}\nrng: 1\nvault: {}", 3, 1, "vault", "; first in line 1", id="duplicate key"),
    pytest.param(KEY + '{versions: [{material: "%%"}]}', 6, 35, ".material", "not base64", id="bad base64"),
    pytest.param(KEY + "{versions: [{material: AAAA}]}", 6, 35, ".material", "3 bytes", id="wrong size"),
    pytest.param(
        KEY + '{type: rsa-2048, versions: [{material: "-----BEGIN PRIVATE KEY-----\\nxx"}]}',
        6, 51, ".material", "not PEM", id="bad PEM",
    ),
    pytest.param(
        KEY + '{type: rsa-2048, versions: [{material: "-----BEGIN A-----\\nAAAA\\n-----END A-----"}]}',
        6, 51, ".material", "", id="PEM without a key",
    ),
    pytest.param(KEY + "{auto_rotate_period: 1 hour}", 6, 33, "auto_rotate_period", "not a duration", id="duration"),
    pytest.param(KEY + "{type: aes256-gcm69}", 6, 19, ".type", 'did you mean "aes256-gcm96"', id="unknown key type"),
    pytest.param(KEY + "{convergent: true}", 6, 25, ".convergent", "derivation", id="impossible key"),
    pytest.param("vault:\n  mounts:\n    kv: {type: kv}", 3, 5, "kv", "ends with a slash", id="mount without slash"),
    pytest.param("vault:\n  mounts:\n    sys/: {type: kv}", 3, 5, "sys/", "nothing can be mounted", id="protected"),
    pytest.param("vault:\n  mounts:\n    x/: {type: kvv}", 3, 16, ".type", 'did you mean "kv"', id="unknown engine"),
    pytest.param("vault:\n  mounts:\n    x/: {}", 3, 9, "x/", 'key "type" is missing', id="no type"),
    pytest.param("clock: soon\n", 1, 8, "clock", "not a time", id="bad time"),
    pytest.param("clock: .nan\n", 1, 8, "clock", "not a time", id="no number as time"),
    pytest.param("clock: .inf\n", 1, 8, "clock", "not a time", id="infinite time"),
    pytest.param("clock: -1\n", 1, 8, "clock", "use the years 1970 to 9999", id="time before the clock's first"),
    pytest.param(KEY + "{versions: [{created: .nan}]}", 6, 34, "created", "not a time", id="no time of a key"),
    pytest.param("vault:\n  tokens: [{id: 12}]", 2, 17, "tokens[0].id", 'quote it: "12"', id="number as text"),
    pytest.param("vault:\n  tokens: [{id: root}]", 2, 17, "tokens[0].id", "root token", id="root token twice"),
    pytest.param("vault:\n  tokens: [{entity: nobody}]", 2, 21, "[0].entity", '"nobody"', id="unknown entity"),
    pytest.param("vault:\n  tokens: [{parent: x}]", 2, 21, "[0].parent", 'the id "x"', id="unknown parent"),
    pytest.param("vault:\n  namespaces:\n    a/: {}", 3, 9, "a/", "flavor: openbao", id="namespaces of vault"),
    pytest.param("vault:\n  state: uninitialized\n  policies: {a: ''}", 3, 13, "policies", "have contents", id="bare"),
    pytest.param("rustfs: {keys: {a: {status: Enable}}}\n", 1, 29, "a.status", 'mean "Enabled"', id="rustfs status"),
    pytest.param(
        "rustfs: {static: {key_id: a, secret_key: AAAA}}\n", 1, 42, "static.secret_key", "got 3 bytes", id="static key"
    ),
    pytest.param(
        "rustfs: {kms_type: vault, static: {key_id: a, secret_key: AAAA}}\n",
        1, 20, "kms_type", "cannot be combined with static", id="static key and vault",
    ),
    pytest.param("rustfs: {keys: {a: {material: [x]}}}\n", 1, 32, "material[0]", "32 bytes", id="rustfs material"),
    pytest.param("faults: [{match: {paht: x}, answer: 503}]\n", 1, 19, "paht", "'path'", id="unknown match word"),
    pytest.param("faults: [{answer: seeled}]\n", 1, 19, "faults[0].answer", "'sealed'", id="unknown preset"),
    pytest.param("faults: [{match: x, skip: 1}]\n", 1, 10, "faults[0]", "does nothing", id="rule without act"),
    pytest.param("exact: [{at: [vault, nothing], is: 1}]\n", 1, 9, "exact[0]", "nothing exists at", id="exact path"),
    pytest.param(
        'exact: [{at: [vault, system, x], is: {$object: ["os:system", {}]}}]\n',
        1, 9, "exact[0]", "unknown class 'os:system'", id="exact makes data only",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "path", "message"), CASES)
def test_an_error_has_position_path_and_message(text: str, line: int, column: int, path: str, message: str) -> None:
    found = one(text)
    assert (found.line, found.column) == (line, column)
    assert path in found.path
    assert message in found.message
    assert "\n" not in str(found)


@pytest.mark.parametrize(
    ("policy", "line", "column"),
    [
        ('    a: |\n      path "x" { capabilities = ["read"] }\n      path "y" { capabilites = [] }\n', 5, 7),
        ('    a: |\n\n\n      path "y" { capabilites = [] }\n', 6, 7),
        ('    a: \'path "x" { capabilities = ["nope"] }\'\n', 3, 9),
        ('    a: |-\n        path "x" {\n', 4, 9),
    ],
    ids=["block", "block with blank lines", "quoted", "unclosed"],
)
def test_a_policy_error_is_at_its_line_in_the_file(policy: str, line: int, column: int) -> None:
    found = one("vault:\n  policies:\n" + policy)
    assert found.path == "vault.policies.a"
    assert "failed to parse policy" in found.message
    assert found.line == line
    assert found.column >= column


def test_two_tokens_with_one_id_are_found_beside_errors_of_other_sections() -> None:
    found = faults(
        "rng: []\nvault:\n  tokens:\n  - {id: same, tll: 1}\n  - {id: [same]}\n  - {id: other}\n  - {id: same}\n"
    )
    assert [(problem.line, problem.path) for problem in found] == [
        (1, "rng"),
        (4, "vault.tokens[0].tll"),
        (5, "vault.tokens[1].id"),
        (7, "vault.tokens[3].id"),
    ]
    assert found[-1].message == "tokens[0] has this id already"


def test_errors_of_the_sound_parts_are_found_beside_others() -> None:
    found = faults("""\
rng: []
vault:
  mounts:
    transit/:
      type: transit
      keys:
        a: {tipe: x, min_encryption_version: 5}
        b: {convergent: true}
    kv: {type: kv}
  auth:
    userpass/: {type: userpass}
  identity:
    entities:
      alice: {polices: x, aliases: [{mount: auth/userpas/, name: a}]}
    groups:
      ops: {members: [alice, ghost], groups: dev, metdata: {}}
      dev: {}
  tokens:
  - {id: a, tll: 1, entity: nobody}
  - 3
  - {id: b, entity: alice, parent: x}
faults:
- {match: {paht: x}, answer: 503, id: first}
- {answer: 503, after: first}
- {answer: 503, after: fifth}
- {step_down: true}
""")
    assert [(problem.line, problem.path, problem.message.partition(";")[0]) for problem in found] == [
        (1, "rng", "expected a whole number or text, found a list"),
        (7, "vault.mounts.transit/.keys.a.tipe", 'unknown key "tipe"'),
        (8, "vault.mounts.transit/.keys.b.convergent", "convergent encryption requires derivation to be enabled"),
        (9, "vault.mounts.kv", 'the path of a mount ends with a slash: "kv/"'),
        (14, "vault.identity.entities.alice.polices", 'unknown key "polices"'),
        (14, "vault.identity.entities.alice.aliases[0].mount", 'nothing is mounted at "auth/userpas/"'),
        (16, "vault.identity.groups.ops.members[1]", 'no entity is named "ghost"'),
        (16, "vault.identity.groups.ops.groups", '"dev" is described after this group'),
        (16, "vault.identity.groups.ops.metdata", 'unknown key "metdata"'),
        (19, "vault.tokens[0].tll", 'unknown key "tll"'),
        (19, "vault.tokens[0].entity", 'no entity is named "nobody"'),
        (20, "vault.tokens[1]", "expected a mapping, found an integer (3)"),
        (21, "vault.tokens[2].parent", 'no token has the id "x"'),
        (23, "faults[0].match.paht", "unknown match key 'paht'"),
        (25, "faults[2].after", "no rule has the id 'fifth'"),
        (26, "faults[3].step_down", "a single server has no standby that could take over"),
    ]


def test_all_errors_of_the_admin_api_are_found() -> None:
    found = faults("""\
rustfs:
  keys:
    a: {material: [x]}
    b: {}
    c: {material: [y]}
  iam:
    users:
      u: {secret: s, policies: [first, second]}
      v: {secret: s, policies: [p]}
    policies:
      p: {Version: 3}
""")
    assert [(problem.line, problem.path, problem.message) for problem in found] == [
        (3, "rustfs.keys.a.material[0]", "expected 32 bytes in base64"),
        (5, "rustfs.keys.c.material[0]", "expected 32 bytes in base64"),
        (8, "rustfs.iam.users.u.policies", "no policy is called 'first', 'second'"),
        (11, "rustfs.iam.policies.p", "invalid Version '3'"),
    ]


@pytest.mark.parametrize(
    "world",
    [
        pytest.param("vault: {identity: {entites: {alice: {}}}, tokens: [{entity: alice}]}", id="unknown section"),
        pytest.param("vault: {identity: {entities: [alice]}, tokens: [{entity: alice}]}", id="section of a wrong kind"),
        pytest.param("vualt: {identity: {entities: {x: {}}}}\nvault: {tokens: [{entity: x}]}", id="misspelt vault"),
        pytest.param("vault: {root_token: 1, tokens: [{id: root}]}", id="root token"),
        pytest.param("vault: {tokens: [{id: 12}, {parent: '12'}]}", id="id of another token"),
        pytest.param("vault: {mounts: {kv/: {type: kv, version: two, keys: {a: {}}}}}", id="version of the mount"),
        pytest.param("flavor: openboa\nvault: {namespaces: {a/: {}}}", id="flavor"),
        pytest.param(
            "vault: {auth: {up: {type: userpass}}, identity: {entities: {a: {aliases: [{mount: auth/up, name: a}]}}}}",
            id="mount without a slash",
        ),
        pytest.param(
            "vault: {mounts: {t/: {type: transit, keys: {k: {versions: two, min_encryption_version: 2}}}}}", id="key"
        ),
        pytest.param("vault: {plugins: [{type: secret, name: own, engine: 3}], mounts: "
                     "{own/: {type: kv, plugin: own}}}", id="plugin"),
        pytest.param("faults: [{set_state: 1, id: x}, {answer: 503, in_state: b}, {set_state: c}]", id="state"),
    ],
)  # fmt: skip
def test_what_only_an_error_makes_wrong_is_no_error(world: str) -> None:
    one(world)


def test_an_error_beside_an_unknown_flavor_is_one_of_every_product() -> None:
    found = faults("flavor: openboa\nvault: {tokens: [{entity: nobody}], namespaces: {a/: {tokens: [{parent: gone}]}}}")
    assert [problem.path for problem in found] == ["flavor", "vault.tokens[0].entity"]


def test_all_errors_of_all_files_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rgn: 1\nvault: {state: seeled}\n")
    (tmp_path / "b.yaml").write_text("clock: [\n")
    (tmp_path / "c.yaml").write_text("vault: {tokens: [{ttl: -1}]}\n")
    with pytest.raises(SeedError) as caught:
        load([tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml")])
    places = [(Path(p.file).name, p.line, p.path) for p in caught.value.problems]
    assert ("a.yaml", 1, "rgn") in places
    assert ("a.yaml", 2, "vault.state") in places
    assert ("c.yaml", 1, "vault.tokens[0].ttl") in places
    assert any(name == "b.yaml" for name, _, _ in places)
    assert str(caught.value).count("\n") == len(places) - 1


@pytest.mark.parametrize("text", ["", "   \n", "# nothing\n", "---\n"])
def test_an_empty_file_is_refused_with_the_smallest_world(text: str, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(text)
    (found,) = faults(file)
    assert "mockkms: 1" in found.message


@pytest.mark.parametrize("text", ["- a\n- b\n", "hello\n", "42\n", "a: 1\n---\nb: 2\n"])
def test_a_world_is_a_mapping(text: str, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(text)
    assert len(faults(file)) == 1


def test_a_tab_is_reported() -> None:
    found = one("vault:\n\tmounts: {}\n")
    assert (found.line, found.column) == (2, 1)
    assert "tab" in found.message


def test_big_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    file.write_text("a: " + "x" * 10 * 1024 * 1024)
    (found,) = faults(file)
    assert "10.0 MiB" in found.message
    assert str(found).count("big.yaml") == 1


def test_a_state_file_is_no_world(tmp_path: Path) -> None:
    file = tmp_path / "vault.state"
    MockKMS(state_file=file).start().stop()
    (found,) = faults(file)
    assert f"`mockkms state export {file}`" in found.message


def test_yaml_bombs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 12)]
    assert any("values after aliases" in p.message for p in faults("\n".join(lines)))


def test_alias_in_itself() -> None:
    assert any("contains itself" in p.message for p in faults("vault: &a\n  mounts: *a\n"))


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['touch HERE']", "!custom x", "!!binary aGk="])
def test_tags_are_never_executed(tag: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert faults("rng: " + tag.replace("HERE", str(mark)) + "\n")
    assert not mark.exists()


def test_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")
    (found,) = faults(file)
    assert (found.line, found.column, found.message) == (2, 4, "not UTF-8 text")


def test_unreadable_file_and_unknown_name() -> None:
    with pytest.raises(SeedError, match="payments"):
        load("paymens")
    with pytest.raises(SeedError, match="cannot be read"):
        load("/nowhere/world.yaml")
    with pytest.raises(SeedError, match="nnn: cannot be read: File name too long"):
        load("n" * 300)


@pytest.mark.parametrize("seed", [3, None, b"x", object()])
def test_invalid_sources(seed: object) -> None:
    with pytest.raises(SeedError, match="a world is a path"):
        load([seed])  # type: ignore[list-item]


def test_rsa_numbers_that_do_not_fit_are_found_by_check_alone() -> None:
    key = rsa.generate_private_key(65537, 2048)
    good = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    exponent = key.private_numbers().d.to_bytes(256, "big")
    bad = good.replace(exponent[-20:], bytes(20))
    assert bad != good
    for der, wrong in ((good, 0), (bad, 1)):
        versions = [{"material": pem.encode("PRIVATE KEY", der)}]
        mount = {"type": "transit", "keys": {"k": {"type": "rsa-2048", "versions": versions}}}
        world: dict[str, Any] = {"vault": {"mounts": {"transit/": mount}}}
        load(world)
        found = check([world])
        assert len(found) == wrong
        assert all(problem.path.endswith("keys.k.versions[0].material") for problem in found)
