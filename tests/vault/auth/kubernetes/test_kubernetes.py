"""Kubernetes logins, with the service accounts that the world says its cluster knows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mockkms.crypto import jws
from mockkms.vault.auth.kubernetes.model import ServiceAccount
from mockkms.vault.framework.message import Response
from tests.vault.driving import World

KEY = ec.derive_private_key(7, ec.SECP256R1())
ACCOUNT = {"kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "app", "uid": "u-1"}}}


def prepare(world: World) -> None:
    mount = world.core.mount("", "auth/k/", "kubernetes")
    mount.state.reviewed.append(ServiceAccount("app", "prod", "u-1"))
    world.write("auth/k/config", {"kubernetes_host": "https://k.test", "kubernetes_ca_cert": "x"})
    bounds = {"bound_service_account_names": "a*", "bound_service_account_namespaces": "prod"}
    world.write("auth/k/role/R", {**bounds, "token_policies": "p"})


pytestmark = pytest.mark.prepared(by=prepare)


def login(world: World, claims: dict[str, Any], **more: str) -> Response:
    token = jws.sign(json.dumps(claims), KEY, "ES256", "k")
    return world.write("auth/k/login", {"role": "r", "jwt": token, **more}, token="")


def test_a_reviewed_account_logs_in(world: World) -> None:
    auth = login(world, ACCOUNT).auth
    assert auth is not None
    assert auth.policies == ["default", "p"]
    assert (auth.metadata or {})["service_account_name"] == "app"
    assert world.self_of(auth.client_token)["display_name"] == "k-prod-app"


@pytest.mark.parametrize(
    ("part", "status", "error"),
    [
        ({"name": "bad", "uid": "u-1"}, 403, "service account name not authorized"),
        ({"name": "app", "uid": ""}, 500, "could not parse UID from claims"),
        ({"name": "app", "uid": "u-2"}, 403, "permission denied"),
    ],
)
def test_other_accounts_do_not(world: World, part: dict[str, str], status: int, error: str) -> None:
    claims = {"kubernetes.io": {"namespace": "prod", "serviceaccount": part}}
    answer = login(world, claims)
    assert (answer.status, answer.errors) == (status, [error])


def test_roles_are_checked(world: World) -> None:
    answer = world.write(
        "auth/k/role/x", {"bound_service_account_names": "*,a", "bound_service_account_namespaces": "n"}
    )
    assert answer.errors == ['can not mix "*" with values']
    listed = world.ask("list", "auth/k/role/").data
    assert listed == {"keys": ["r"]}


class _ApiServer(BaseHTTPRequestHandler):
    """Stands in for a cluster's API server: answers every review with what its server holds."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server: Any = self.server
        server.asked.append((self.path, self.headers["Authorization"], asked["spec"]))
        status, answer = server.answer
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append((self.path, self.headers["Authorization"], None))
        body = json.dumps({"metadata": {"labels": server.labels, "annotations": server.annotations}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""


def confirmed(uid: str = "u-9", **more: Any) -> dict[str, Any]:
    user = {"username": "system:serviceaccount:prod:app", "uid": uid}
    return {"kind": "TokenReview", "status": {"authenticated": True, "user": user, **more}}


@pytest.fixture
def cluster() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _ApiServer)
    server.asked, server.answer, server.annotations = [], (201, confirmed()), {}
    server.labels = {"env": "prod", "more": "x"}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def other_account() -> dict[str, Any]:
    return {"kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "app", "uid": "u-9"}}}


def test_an_api_server_on_this_machine_reviews_the_token(world: World, cluster: Any) -> None:
    world.write(
        "auth/k/config",
        {
            "kubernetes_host": f"http://127.0.0.1:{cluster.server_port}/",
            "kubernetes_ca_cert": "x",
            "token_reviewer_jwt": "reviewer",
        },
    )
    world.write("auth/k/role/r", {"audience": "vault"})
    cluster.answer = (201, confirmed(audiences=["vault", "other"]))
    answer = login(world, {**other_account(), "aud": ["vault"]})
    assert answer.auth is not None
    path, bearer, spec = cluster.asked[0]
    assert (path, bearer) == ("/apis/authentication.k8s.io/v1/tokenreviews", "Bearer reviewer")
    assert spec["audiences"] == ["vault"]


@pytest.mark.parametrize(
    "answer",
    [
        (201, confirmed("u-8")),
        (201, confirmed(error="gone")),
        (201, {"status": {"authenticated": False}}),
        (201, {"status": {"authenticated": True, "user": {"username": "ann", "uid": "u-9"}}}),
        (201, ["odd"]),
        (401, confirmed()),
    ],
)
def test_a_review_that_does_not_confirm_refuses_the_login(world: World, cluster: Any, answer: tuple[int, Any]) -> None:
    host = f"http://localhost:{cluster.server_port}"
    world.write("auth/k/config", {"kubernetes_host": host, "kubernetes_ca_cert": "x"})
    cluster.answer = answer
    refused = login(world, other_account())
    assert (refused.status, refused.errors) == (403, ["permission denied"])
    assert len(cluster.asked) == 1


def test_a_namespace_may_be_accepted_by_its_labels(world: World, cluster: Any) -> None:
    host = f"http://127.0.0.1:{cluster.server_port}"
    config = {"kubernetes_host": host, "kubernetes_ca_cert": "x"}
    world.write("auth/k/config", config)
    bounds = {
        "bound_service_account_names": "*",
        "bound_service_account_namespace_selector": "matchLabels: {env: prod}",
    }
    world.write("auth/k/role/r", {**bounds, "bound_service_account_namespaces": "other"})
    refused = "namespace not authorized err=namespace lookup failed: "
    assert login(world, ACCOUNT).errors == [
        f"{refused}TokenReviewer JWT needs to be configured to use namespace selectors"
    ]
    world.write("auth/k/config", {**config, "token_reviewer_jwt": "reviewer"})
    assert login(world, ACCOUNT).auth is not None
    assert cluster.asked[0][:2] == ("/api/v1/namespaces/prod", "Bearer reviewer")
    cluster.labels = {"env": "test"}
    assert login(world, ACCOUNT).errors == ["namespace not authorized"]


@pytest.mark.parametrize(
    "selector", ["x", "[a]", '{"matchLabels": {"a": 1}}', "matchExpressions: [{key: a, operator: Exists}]", "{a"]
)
def test_bad_selectors_are_refused(world: World, selector: str) -> None:
    answer = world.write("auth/k/role/r", {"bound_service_account_namespace_selector": selector})
    assert answer.errors == ['invalid "bound_service_account_namespace_selector" configured']


def test_names_as_aliases_need_a_name_and_no_uid(world: World) -> None:
    world.write("auth/k/role/r", {"alias_name_source": "serviceaccount_name", "bound_service_account_names": "*"})
    without = {"kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "", "uid": "u-1"}}}
    assert login(world, without).errors == ["service account namespace and name must be set"]
    without["kubernetes.io"]["serviceaccount"] = {"name": "app", "uid": ""}
    assert login(world, without).errors == ["permission denied"]


@pytest.mark.parametrize(
    ("flavor", "text"),
    [
        (
            "openbao",
            "decoding failed due to the following error(s):\n\n'aud' source data must be an array or slice, got ",
        ),
        ("vault", "1 error(s) decoding:\n\n* 'aud': source data must be an array or slice, got "),
    ],
)
def test_an_audience_is_a_list(flavor: str, text: str) -> None:
    world = World(flavor)
    world.core.mount("", "auth/k/", "kubernetes")
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    world.write("auth/k/config", {"kubernetes_host": "https://k.test", "kubernetes_ca_cert": pem})
    world.write("auth/k/role/r", {"bound_service_account_names": "*", "bound_service_account_namespaces": "*"})
    answer = login(world, {**ACCOUNT, "aud": "vault"})
    assert (answer.status, answer.errors) == (500, [f"{text}string"])


def test_the_warning_about_audiences_names_the_role_as_it_was_sent() -> None:
    world = World("vault")
    world.core.mount("", "auth/k/", "kubernetes")
    bounds = {"bound_service_account_names": "a", "bound_service_account_namespaces": "b"}
    warnings = world.write("auth/k/role/MiXed", bounds).warnings
    assert warnings[0].startswith("Role MiXed does not have an audience configured.")


ANNOTATED = {"vault.hashicorp.com/alias-metadata-env": "blue", "other/alias-metadata-x": "1"}


def alias_metadata(world: World, answer: Response) -> dict[str, Any]:
    assert answer.auth is not None, answer.errors
    entity = world.ask("read", f"identity/entity/id/{answer.auth.entity_id}").data or {}
    return dict(entity["aliases"][0]["metadata"])


@pytest.mark.flavors("vault", "vault-1.21")
def test_annotations_of_the_account_become_alias_metadata(world: World, cluster: Any) -> None:
    # Vault's change log, 1.16.0 (auth/kubernetes), and service_account_getter.go of its plugin.
    config = {
        "kubernetes_host": f"http://127.0.0.1:{cluster.server_port}", "disable_local_ca_jwt": True,
        "use_annotations_as_alias_metadata": True,
    }  # fmt: skip
    assert world.write("auth/k/config", config).errors is None
    cluster.annotations = ANNOTATED
    answer = login(world, other_account())
    assert cluster.asked[1][0] == "/api/v1/namespaces/prod/serviceaccounts/app"
    assert alias_metadata(world, answer)["env"] == "blue"
    assert "env" not in ((answer.auth and answer.auth.metadata) or {})
    cluster.annotations = {"vault.hashicorp.com/alias-metadata-service_account_uid": "x"}
    assert login(world, other_account()).errors == [
        "entity alias metadata keys for only internal use found from the client token's associated service account "
        'annotations: keys=["service_account_uid"]'
    ]
    world.write("auth/k/config", {**config, "use_annotations_as_alias_metadata": False})
    assert login(world, other_account()).auth is not None


@pytest.mark.flavors("vault")
def test_annotations_of_accounts_of_the_world(world: World) -> None:
    config = {"kubernetes_host": "https://k.test", "disable_local_ca_jwt": True}
    world.write("auth/k/config", {**config, "use_annotations_as_alias_metadata": True})
    accounts = world.core.state.mounts.get("", "auth/k/").state.reviewed
    accounts[:] = [ServiceAccount("app", "prod", "u-1", ANNOTATED)]
    assert alias_metadata(world, login(world, ACCOUNT))["env"] == "blue"
