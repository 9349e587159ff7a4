"""The Kubernetes engine.

Source of the rules: ``vault-plugin-secrets-kubernetes``, OpenBao's ``builtin/logical/kubernetes``, and their API pages.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import hvac
import pytest

from mockkms import MockKMS
from mockkms.vault.framework.message import Response
from tests.vault.driving import START, World
from tests.vault.secrets.standin import StandIn, data_of, lease_of, mounted, round_trip

pytestmark = pytest.mark.flavors("vault", "openbao")

_ELSEWHERE = {"kubernetes_host": "https://k8s.example.com", "service_account_jwt": "jwt"}
_RULES = "rules:\n- apiGroups: ['']\n  resources: [pods]\n  verbs: [list]\n"


def name_of(world: World) -> str:
    return world.core.product.texts.product


def claims_of(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return found


def jwt(seconds: int) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (
        {"alg": "RS256"}, {"iat": int(START), "exp": int(START) + seconds},
    )]  # fmt: skip
    return ".".join((*parts, "c2ln"))


def go_error(answer: Response) -> str:
    assert answer.status == 500
    return (answer.errors or [""])[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def test_settings(world: World) -> None:
    write = mounted(world, "kubernetes")
    assert world.ask("read", "e/config").status == 404
    unset = "kubernetes_host was unset and could not be determined from environment variables"
    assert go_error(write("config", service_account_jwt="t")) == unset
    write("config", **_ELSEWHERE, kubernetes_ca_cert="pem")
    assert data_of(world.ask("read", "e/config")) == {
        "disable_local_ca_jwt": False, "kubernetes_ca_cert": "pem", "kubernetes_host": "https://k8s.example.com",
    }  # fmt: skip
    missing = "Missing environment variables: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT_HTTPS"
    assert world.ask("read", "e/check").errors == [missing]


def test_roles_have_the_defaults_of_the_plugin(world: World) -> None:
    write = mounted(world, "kubernetes")
    write("roles/Own", allowed_kubernetes_namespaces="b,A,b", service_account_name="sa", extra_labels={"x": "y"})
    assert data_of(world.ask("read", "e/roles/own")) == {
        "name": "own", "allowed_kubernetes_namespaces": ["a", "b"], "allowed_kubernetes_namespace_selector": "",
        "token_max_ttl": 0, "token_default_ttl": 0, "token_default_audiences": None, "service_account_name": "sa",
        "kubernetes_role_name": "", "kubernetes_role_type": "Role", "generated_role_rules": "", "name_template": "",
        "extra_labels": {"x": "y"}, "extra_annotations": None,
    }  # fmt: skip
    assert data_of(world.ask("list", "e/roles/")) == {"keys": ["own"]}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"service_account_name": "sa"},
            "one (at least) of allowed_kubernetes_namespaces or allowed_kubernetes_namespace_selector must be set",
        ),
        (
            {"allowed_kubernetes_namespaces": "a", "service_account_name": "sa", "kubernetes_role_name": "r"},
            "one (and only one) of service_account_name, kubernetes_role_name or generated_role_rules must be set",
        ),
        (
            {
                "allowed_kubernetes_namespaces": "a", "service_account_name": "sa", "token_default_ttl": "2h",
                "token_max_ttl": "1h",
            },
            "token_default_ttl 2h0m0s cannot be greater than token_max_ttl 1h0m0s",
        ),
        (
            {
                "allowed_kubernetes_namespaces": "a", "kubernetes_role_name": "r", "kubernetes_role_type": "odd",
            },
            "kubernetes_role_type must be either 'Role' or 'ClusterRole'",
        ),
        (
            {"allowed_kubernetes_namespace_selector": "[", "service_account_name": "sa"},
            "failed to parse 'allowed_kubernetes_namespace_selector' as k8s.io/api/meta/v1/LabelSelector object",
        ),
        (
            {"allowed_kubernetes_namespaces": "a", "generated_role_rules": "- a"},
            "failed to parse 'generated_role_rules' as k8s.io/api/rbac/v1/Policy object",
        ),
        (
            {"allowed_kubernetes_namespaces": "a", "service_account_name": "sa", "name_template": "{{"},
            "unable to initialize name template: unable to parse template: template: template:1: unclosed action",
        ),
    ],
)  # fmt: skip
def test_roles_are_checked(world: World, settings: dict[str, str], text: str) -> None:
    answer = mounted(world, "kubernetes")("roles/r", **settings)
    assert (answer.status, answer.errors) == (400, [text])


def test_tokens_are_made_up_for_a_cluster_elsewhere(world: World) -> None:
    write = mounted(world, "kubernetes")
    assert write("creds/r").errors == ["role 'r' does not exist"]
    write("roles/r", allowed_kubernetes_namespaces="prod", service_account_name="sa", token_max_ttl="1h")
    assert go_error(write("creds/r")) == "could not load backend configuration"
    write("config", **_ELSEWHERE)
    made = write("creds/r", ttl="2h", audiences="vault")
    data = data_of(made)
    assert (data["service_account_name"], data["service_account_namespace"]) == ("sa", "prod")
    claims = claims_of(data["service_account_token"])
    assert (claims["aud"], claims["sub"], claims["exp"] - claims["iat"]) == (
        ["vault"], "system:serviceaccount:prod:sa", 3600,
    )  # fmt: skip
    lease = lease_of(made)
    assert (lease.ttl, lease.renewable) == (3600, False)
    assert made.warnings == ["ttl of 2h0m0s is greater than the role's token_max_ttl of 1h0m0s; capping accordingly"]
    refused = world.write("sys/leases/renew", {"lease_id": lease.lease_id})
    assert (refused.status, refused.errors) == (400, ["lease is not renewable"])


def test_the_namespace_is_checked(world: World) -> None:
    write = mounted(world, "kubernetes")
    write("config", **_ELSEWHERE)
    write("roles/r", allowed_kubernetes_namespaces="a,b", kubernetes_role_name="view")
    assert go_error(write("creds/r")) == (
        "error verifying namespace: 'kubernetes_namespace' is required unless the "
        f"{name_of(world)} role has a single namespace specified"
    )
    assert write("creds/r", kubernetes_namespace="c").errors == [
        "kubernetes_namespace 'c' is not present in role's allowed_kubernetes_namespaces or does not match role's "
        "label selector allowed_kubernetes_namespace_selector"
    ]
    bound = write("creds/r", kubernetes_namespace="a", cluster_role_binding=True)
    assert bound.errors == ["a ClusterRoleBinding cannot ref a Role"]
    made = data_of(write("creds/r", kubernetes_namespace="a"))["service_account_name"]
    assert made.startswith(f"v-token-r-{int(START)}-")
    assert made == made.lower()


def test_a_cluster_on_this_machine_makes_tokens(world: World, server: StandIn) -> None:
    write = mounted(world, "kubernetes")
    write("config", kubernetes_host=server.url, service_account_jwt="jwt")
    write("roles/r", allowed_kubernetes_namespaces="*", service_account_name="sa")
    server.answers["POST", "/api/v1/namespaces/a/serviceaccounts/sa/token"] = 201, {"status": {"token": jwt(600)}}
    made = write("creds/r", kubernetes_namespace="a", ttl="1h", audiences="x")
    assert data_of(made)["service_account_token"] == jwt(600)
    assert made.warnings == [
        "the created Kubernetes service accout token TTL 10m0s is less than the "
        f"{name_of(world)} lease TTL 1h0m0s; capping the lease TTL accordingly"
    ]
    assert lease_of(made).ttl == 600
    asked = server.asked[0]
    assert asked.headers["Authorization"] == "Bearer jwt"
    assert asked.body["spec"] == {"audiences": ["x"], "expirationSeconds": 3600}
    server.answers["POST", "/api/v1/namespaces/a/serviceaccounts/sa/token"] = (
        404, {"kind": "Status", "message": 'serviceaccounts "sa" not found'},
    )  # fmt: skip
    assert go_error(write("creds/r", kubernetes_namespace="a")) == (
        'failed to create a service account token for a/sa: serviceaccounts "sa" not found'
    )


def test_the_chain_of_objects_is_made_and_deleted(world: World, server: StandIn) -> None:
    write = mounted(world, "kubernetes")
    write("config", kubernetes_host=server.url)
    write(
        "roles/r", allowed_kubernetes_namespace_selector='{"matchLabels": {"env": "prod"}}', name_template="made",
        generated_role_rules=_RULES, extra_labels={"team": "x"}, kubernetes_role_type="clusterrole",
    )  # fmt: skip
    labels = {"metadata": {"labels": {"env": "prod", "x": "y"}}}
    server.answers["GET", "/api/v1/namespaces/a"] = 200, labels
    server.answers["POST", "/apis/"] = 201, {"metadata": {"uid": "u-1"}}
    token = "/api/v1/namespaces/a/serviceaccounts/made/token"
    server.answers["POST", token] = 201, {"status": {"token": jwt(60)}}
    made = write("creds/r", kubernetes_namespace="a", ttl=60)
    world.write("sys/leases/revoke", {"lease_id": lease_of(made).lease_id})
    rbac, accounts = "/apis/rbac.authorization.k8s.io/v1", "/api/v1/namespaces/a/serviceaccounts"
    assert server.lines == [
        "GET /api/v1/namespaces/a", f"POST {rbac}/clusterroles", f"POST {rbac}/namespaces/a/rolebindings",
        f"POST {accounts}", f"POST {accounts}/made/token", f"DELETE {rbac}/clusterroles/made",
        f"DELETE {rbac}/namespaces/a/rolebindings/made", f"DELETE {accounts}/made",
    ]  # fmt: skip
    assert server.asked[1].body["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    assert server.asked[2].body["roleRef"]["name"] == "made"
    assert server.asked[3].body["metadata"]["labels"]["team"] == "x"
    assert server.asked[3].body["metadata"]["ownerReferences"][0]["uid"] == "u-1"


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ({"key": "env", "operator": "In", "values": ["prod"]}, True),
        ({"key": "env", "operator": "NotIn", "values": ["prod"]}, False),
        ({"key": "none", "operator": "NotIn", "values": ["prod"]}, True),
        ({"key": "env", "operator": "Exists"}, True),
        ({"key": "env", "operator": "DoesNotExist"}, False),
    ],
)
def test_selectors_with_expressions(world: World, server: StandIn, expression: Any, fits: bool) -> None:
    write = mounted(world, "kubernetes")
    write("config", kubernetes_host=server.url)
    selector = json.dumps({"matchExpressions": [expression]})
    write("roles/r", allowed_kubernetes_namespace_selector=selector, service_account_name="sa")
    server.answers["GET", "/api/v1/namespaces/a"] = 200, {"metadata": {"labels": {"env": "prod"}}}
    server.answers["POST", "/api/"] = 201, {"status": {"token": jwt(60)}}
    assert (write("creds/r", kubernetes_namespace="a").errors is None) is fits


def test_what_was_made_is_deleted_if_the_rest_fails(world: World, server: StandIn) -> None:
    write = mounted(world, "kubernetes")
    write("config", kubernetes_host=server.url)
    write("roles/r", allowed_kubernetes_namespaces="a", kubernetes_role_name="view", name_template="made")
    server.answers["POST", "/api/v1/"] = 403, {"message": "forbidden"}
    assert go_error(write("creds/r")) == "failed to create service account 'a/made': forbidden"
    assert server.lines[-2:] == [
        "DELETE /apis/rbac.authorization.k8s.io/v1/namespaces/a/rolebindings/made",
        "DELETE /api/v1/namespaces/a/serviceaccounts/made",
    ]


def test_the_journal_says_what_was_made_up(kms: MockKMS, client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("kubernetes")
    client.write_data("kubernetes/config", data=_ELSEWHERE)
    client.write_data("kubernetes/roles/r", data={"allowed_kubernetes_namespaces": "a", "service_account_name": "sa"})
    client.write_data("kubernetes/creds/r", data={"ttl": "1h"})
    assert kms.journal.entries()[-1].hint == "the Kubernetes cluster is not on this machine: its answer is made up"


def test_worlds_and_dumps_keep_it(flavor: str) -> None:
    mount = {
        "type": "kubernetes",
        "config": {"kubernetes_host": "https://127.0.0.1:1", "service_account_jwt": "jwt"},
        "roles": {"r": {"allowed_kubernetes_namespaces": ["a"], "service_account_name": "sa", "token_max_ttl": 60}},
    }
    assert round_trip(mount, flavor=flavor) == mount
