"""What ``bench.growth`` measures, for each kind of thing that a server keeps: what makes one more, what is timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from mockkms import MockKMS
from mockkms.server.gateway.gateway import may_take_long
from mockkms.vault.framework.message import Operation, Request, Response

Step = Callable[[], object]
_WRITE, _READ, _DELETE = Operation.UPDATE, Operation.READ, Operation.DELETE
_HOUR = 3600


class Case(NamedTuple):
    """One measurement."""

    name: str
    few: int
    """How many there are before, at least."""
    many: int
    more: Step
    """Makes one more."""
    step: Step
    """What is timed at few and at many."""


@dataclass
class World:
    """A server that is asked without HTTP."""

    kms: MockKMS
    numbers: Iterator[int] = field(default_factory=count)

    def ask(
        self, operation: Operation, path: str, data: dict[str, object] | None = None, *, token: str = "root",
        namespace: str = "",
    ) -> Response:  # fmt: skip
        """Return the response. An error is a defect of the bench, and raises RuntimeError."""
        core = self.kms.world.core
        request = Request(operation, path, data=dict(data or {}), token=token, namespace=namespace)
        may_take_long(core, request, 0)
        response = core.handle(request)
        if response.errors is not None:
            raise RuntimeError(f"{operation} {path}: {response.errors}")
        return response

    def write(self, path: str, /, **data: object) -> Response:
        """Send a write."""
        return self.ask(_WRITE, path, data)

    def read(self, path: str) -> Response:
        """Send a read."""
        return self.ask(_READ, path)

    def delete(self, path: str) -> Response:
        """Send a delete."""
        return self.ask(_DELETE, path)

    def named(self, path: str, /, **data: object) -> Step:
        """Return a step that writes something new: ``{}`` in the path is a number."""
        return lambda: self.write(path.format(next(self.numbers)), **data)

    def value(self, response: Response, name: str) -> str:
        """Return a text of a response's data."""
        return str((response.data or {})[name])

    def issued(self, response: Response) -> str:
        """Return the token of a response."""
        assert response.auth is not None
        return response.auth.client_token


def cases(kms: MockKMS) -> Iterator[Case]:
    """Yield what is measured in a server of flavor ``vault``."""
    world = World(kms)
    for part in (
        _transit,
        _kv,
        _tokens,
        _logins,
        _policies,
        _identity,
        _oidc,
        _mounts,
        _quotas,
        _leases,
        _certificates,
    ):
        yield from part(world)
    yield from _records(world)


def namespace_cases(kms: MockKMS) -> Iterator[Case]:
    """Yield what is measured in a server of flavor ``openbao``, which has namespaces."""
    world = World(kms)
    new = world.named("sys/namespaces/n{}")
    yield Case("namespace", 10, 2_000, new, new)

    world.write("sys/namespaces/own")
    made = world.ask(_WRITE, "auth/token/create", {"policies": ["default"]}, namespace="own/")
    token = world.issued(made)
    look_up = lambda: world.ask(_READ, "auth/token/lookup-self", token=token, namespace="own/")  # noqa: E731
    yield Case("request in a namespace by namespaces", 2_000, 2_001, new, look_up)


def _transit(world: World) -> Iterator[Case]:
    world.write("sys/mounts/transit", type="transit")
    world.write("transit/keys/k")
    rotate = lambda: world.write("transit/keys/k/rotate")  # noqa: E731
    yield Case("rotation of a key", 10, 5_000, rotate, rotate)
    encrypt = lambda: world.write("transit/encrypt/k", plaintext="YQ==")  # noqa: E731
    yield Case("encryption by number of versions", 5_000, 5_200, rotate, encrypt)
    key = world.named("transit/keys/k{}", type="ed25519")
    yield Case("key of transit", 10, 10_000, key, key)


def _kv(world: World) -> Iterator[Case]:
    world.write("secret/metadata/v", max_versions=1_000_000)
    version = lambda: world.write("secret/data/v", data={"a": "b"})  # noqa: E731
    yield Case("version of a secret", 10, 100_000, version, version)
    yield Case("read of a secret by versions", 100_000, 100_001, version, lambda: world.read("secret/data/v"))
    secret = world.named("secret/data/s{}", data={"a": "b"})
    yield Case("secret", 10, 50_000, secret, secret)

    def deleted() -> None:
        number = next(world.numbers)
        world.write(f"secret/data/d{number}", data={"a": "b"})
        world.delete(f"secret/data/d{number}")
        world.write(f"secret/destroy/d{number}", versions=[1])
        world.delete(f"secret/metadata/d{number}")

    yield Case("secret and its end by secrets", 50_000, 50_001, secret, deleted)
    world.write("sys/mounts/old", type="kv")
    old = world.named("old/s{}", a="b")
    yield Case("secret of version 1", 10, 20_000, old, old)
    private = world.named("cubbyhole/s{}", a="b")
    yield Case("secret of a cubbyhole", 10, 20_000, private, private)


def _tokens(world: World) -> Iterator[Case]:
    token = lambda: world.write("auth/token/create", policies=["default"])  # noqa: E731
    yield Case("token", 10, 50_000, token, token)
    yield Case("token look-up by tokens", 50_000, 50_001, token, lambda: world.read("auth/token/lookup-self"))

    def revoked() -> None:
        world.write("auth/token/revoke", token=world.issued(world.write("auth/token/create")))

    yield Case("token and its revocation by tokens", 50_000, 50_001, token, revoked)

    def by_accessor() -> None:
        made = world.write("auth/token/create", policies=["default"]).auth
        assert made is not None
        world.write("auth/token/lookup-accessor", accessor=made.accessor)
        world.write("auth/token/renew-accessor", accessor=made.accessor)
        world.write("auth/token/revoke-accessor", accessor=made.accessor)

    yield Case("token by accessor by tokens", 50_000, 50_001, token, by_accessor)

    def wrapped() -> None:
        request = Request(_READ, "secret/data/v", token="root", wrap_ttl=60)
        info = world.kms.world.core.handle(request).wrap_info
        assert info is not None
        world.ask(_WRITE, "sys/wrapping/unwrap", token=info.token)

    yield Case("wrapped response and its unwrapping by tokens", 50_000, 50_001, token, wrapped)
    role = world.named("auth/token/roles/r{}", orphan=True)
    yield Case("role of tokens", 10, 5_000, role, role)


def _logins(world: World) -> Iterator[Case]:
    world.write("sys/auth/approle", type="approle")
    world.write("auth/approle/role/r", policies=["default"])
    secret_id = lambda: world.write("auth/approle/role/r/secret-id")  # noqa: E731
    yield Case("secret id of a role", 10, 20_000, secret_id, secret_id)
    role_id = world.value(world.read("auth/approle/role/r/role-id"), "role_id")
    secret = world.value(secret_id(), "secret_id")
    login = lambda: world.write("auth/approle/login", role_id=role_id, secret_id=secret)  # noqa: E731
    yield Case("login by secret ids", 20_000, 20_001, secret_id, login)
    world.write("sys/auth/userpass", type="userpass")

    def user() -> None:
        name = f"u{next(world.numbers)}"
        world.write(f"auth/userpass/users/{name}", password="p", token_policies=["default"])
        world.write(f"auth/userpass/login/{name}", password="p")

    yield Case("user and its first login", 10, 2_000, user, user)

    def failed() -> None:
        name = f"u{next(world.numbers)}"
        request = Request(_WRITE, f"auth/userpass/login/{name}", data={"password": "wrong"})
        assert world.kms.world.core.handle(request).errors is not None

    yield Case("failed login", 10, 5_000, failed, failed)


def _policies(world: World) -> Iterator[Case]:
    policy = world.named("sys/policies/acl/p{}", policy='path "a" {}')
    yield Case("policy", 10, 5_000, policy, policy)

    def used() -> None:
        name = f"p{next(world.numbers)}"
        world.write(f"sys/policies/acl/{name}", policy='path "secret/*" { capabilities = ["read"] }')
        token = world.issued(world.write("auth/token/create", policies=[name]))
        world.ask(_READ, "secret/data/v", token=token)

    yield Case("policy with a token that uses it", 10, 2_000, used, used)
    rules = world.named("sys/policies/password/p{}", policy='length = 20\nrule "charset" { charset = "abc" }')
    yield Case("password policy", 10, 2_000, rules, rules)


def _identity(world: World) -> Iterator[Case]:
    accessor = world.value(world.read("sys/auth/userpass"), "accessor")
    entity = world.named("identity/entity")
    named = lambda: world.write("identity/entity", name=f"e{next(world.numbers)}")  # noqa: E731
    yield Case("entity", 10, 20_000, named, named)

    def alias() -> None:
        owner = world.value(entity(), "id")  # type: ignore[arg-type]
        made = world.write(
            "identity/entity-alias", name=f"a{next(world.numbers)}", mount_accessor=accessor, canonical_id=owner
        )
        world.delete(f"identity/entity-alias/id/{world.value(made, 'id')}")
        world.delete(f"identity/entity/id/{owner}")

    yield Case("entity and alias and their end by entities", 20_000, 20_001, named, alias)

    def group() -> None:
        made = world.write("identity/group", name=f"g{next(world.numbers)}", type="external")
        owner = world.value(made, "id")
        world.write("identity/group-alias", name=f"g{next(world.numbers)}", mount_accessor=accessor, canonical_id=owner)
        world.read(f"identity/group/id/{owner}")

    yield Case("group with its alias", 10, 2_000, group, group)
    world.write("auth/userpass/users/ann", password="p")
    login = lambda: world.write("auth/userpass/login/ann", password="p")  # noqa: E731
    yield Case("login by groups", 2_000, 2_001, group, login)


def _oidc(world: World) -> Iterator[Case]:
    key = world.named("identity/oidc/key/k{}", algorithm="EdDSA")
    yield Case("key of OpenID Connect", 10, 2_000, key, key)
    for kind, data in {
        "role": {"key": "default"}, "assignment": {}, "scope": {"template": "{}"}, "client": {}, "provider": {},
    }.items():  # fmt: skip
        made = world.named(f"identity/oidc/{kind}/n{{}}", **data)
        yield Case(f"{kind} of OpenID Connect", 10, 2_000, made, made)


def _mounts(world: World) -> Iterator[Case]:
    mount = world.named("sys/mounts/m{}", type="kv")
    yield Case("mount", 10, 10_000, mount, mount)
    read = lambda: world.read("secret/data/v")  # noqa: E731
    yield Case("read by mounts, after a change of them", 10_000, 10_001, mount, lambda: (mount(), read()))

    def moved() -> None:
        number = next(world.numbers)
        world.write(f"sys/mounts/from{number}", type="kv")
        world.write("sys/remount", **{"from": f"from{number}", "to": f"to{number}"})
        world.write(f"sys/mounts/to{number}/tune", description="moved")
        world.delete(f"sys/mounts/to{number}")

    yield Case("mount, its move and its end by mounts", 10_000, 10_001, mount, moved)
    auth = world.named("sys/auth/m{}", type="userpass")
    yield Case("auth method", 10, 5_000, auth, auth)


def _quotas(world: World) -> Iterator[Case]:
    def rule() -> None:
        number = next(world.numbers)
        world.write(f"sys/quotas/rate-limit/q{number}", path=f"secret/q{number}", rate=1_000_000)

    yield Case("rate limit", 10, 5_000, rule, rule)
    yield Case("read by rate limits", 5_000, 5_001, rule, lambda: world.read("secret/data/v"))


def _leases(world: World) -> Iterator[Case]:
    world.write("sys/mounts/database", type="database")
    world.write(
        "database/config/c", plugin_name="mysql-database-plugin", allowed_roles="*", verify_connection=False,
        connection_url="{{username}}:{{password}}@tcp(db.example:3306)/", username="a", password="p",
    )  # fmt: skip
    world.write("database/roles/r", db_name="c", creation_statements="x", default_ttl=_HOUR)
    lease = lambda: world.read("database/creds/r")  # noqa: E731
    yield Case("lease", 10, 10_000, lease, lease)

    def ended() -> None:
        made = lease().lease
        assert made is not None
        world.write("sys/leases/lookup", lease_id=made.lease_id)
        world.write("sys/leases/renew", lease_id=made.lease_id)
        world.write("sys/leases/revoke", lease_id=made.lease_id)

    yield Case("lease, its renewal and its end by leases", 10_000, 10_001, lease, ended)

    def mounted() -> None:
        world.write("sys/auth/brief", type="userpass")
        world.delete("sys/auth/brief")

    yield Case("auth method and its end by leases", 10_000, 10_001, lease, mounted)
    static = world.named("database/static-roles/s{}", db_name="c", username="u", rotation_period=_HOUR)
    yield Case("static role", 10, 2_000, static, static)
    scheduled = world.named("database/static-roles/s{}", db_name="c", username="u", rotation_schedule="0 0 * * SAT")
    yield Case("static role on a schedule", 10, 2_000, scheduled, scheduled)
    yield Case("request by static roles", 2_000, 2_001, scheduled, lambda: world.read("database/roles/r"))


def _certificates(world: World) -> Iterator[Case]:
    world.write("sys/mounts/pki", type="pki")
    world.write("pki/root/generate/internal", common_name="root", key_type="ec", ttl="90000h")
    world.write("pki/roles/r", allow_any_name=True, key_type="ec", ttl="1h", enforce_hostnames=False)
    issue = lambda: world.write("pki/issue/r", common_name="leaf")  # noqa: E731
    yield Case("certificate", 10, 5_000, issue, issue)
    world.write("pki/config/crl", auto_rebuild=True)

    def revoked() -> None:
        world.write("pki/revoke", serial_number=world.value(issue(), "serial_number"))

    yield Case("certificate and its revocation, list built later", 10, 2_000, revoked, revoked)
    world.write("sys/mounts/ssh", type="ssh")
    world.write("ssh/roles/otp", key_type="otp", default_user="u", cidr_list="0.0.0.0/0")
    password = lambda: world.write("ssh/creds/otp", ip="1.2.3.4")  # noqa: E731
    yield Case("one-time password of SSH", 10, 5_000, password, password)


_RECORDS: dict[str, tuple[str, dict[str, object]]] = {
    "pki/roles/r{}": ("role of PKI", {}),
    "ssh/roles/r{}": ("role of SSH", {"key_type": "ca", "allow_user_certificates": True}),
    "totp/keys/k{}": ("key of TOTP", {"url": "otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQ&issuer=a"}),
    "database/roles/r{}": ("role of databases", {"db_name": "c", "creation_statements": "x"}),
    "auth/approle/role/r{}": ("role of AppRole", {}),
    "auth/jwt/role/r{}": ("role of JWT", {"role_type": "jwt", "user_claim": "sub", "bound_subject": "s"}),
    "auth/ldap/groups/g{}": ("group of LDAP", {"policies": ["default"]}),
    "aws/static-roles/r{}": ("static role of AWS", {"username": "u", "rotation_period": _HOUR}),
}
"""Path, name, parameters of what a mount keeps by name."""
_MOUNTED = {
    "sys/mounts/totp": "totp", "sys/mounts/aws": "aws", "sys/auth/jwt": "jwt",
    "sys/auth/ldap": "ldap",
}  # fmt: skip


def _records(world: World) -> Iterator[Case]:
    for path, kind in _MOUNTED.items():
        world.write(path, type=kind)
    for path, (name, data) in _RECORDS.items():
        made = world.named(path, **data)
        yield Case(name, 10, 2_000, made, made)


_PARTS = (
    _transit, _kv, _tokens, _logins, _policies, _identity, _oidc, _mounts, _quotas, _leases, _certificates, _records,
)  # fmt: skip
