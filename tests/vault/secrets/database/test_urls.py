"""Connection strings and users of databases: as they are shown, and what errors hide of them."""

from __future__ import annotations

import socket
from typing import Any

import hvac
import pytest
from hvac.exceptions import InvalidRequest

from mockkms import MockKMS


def prepare(kms: MockKMS) -> None:
    hvac.Client(kms.url, token=kms.token).sys.enable_secrets_engine("database")


pytestmark = [pytest.mark.flavors("vault", "vault-1.21", "openbao"), pytest.mark.prepared(by=prepare)]


def connect(client: hvac.Client, plugin: str, **settings: Any) -> Any:
    return client.write_data("database/config/c", data={"plugin_name": f"{plugin}-database-plugin", **settings})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://a:b@db:x/", "postgres://a:b@db:x/"),  # Go cannot parse the port.
        ("host=db port=1", "host=db%20port=1"),
        ("Postgres://a:b@db.example.org/x y#", "postgres://a:xxxxx@db.example.org/x%20y"),
    ],
)
def test_urls_are_shown_as_go_prints_them(client: hvac.Client, url: str, shown: str) -> None:
    connect(client, "mysql", connection_url=url, verify_connection=False)
    assert client.read("database/config/c")["data"]["connection_details"]["connection_url"] == shown


def test_errors_hide_the_user_of_redis(client: hvac.Client) -> None:
    with pytest.raises(InvalidRequest, match=r"cannot \[username\] "):
        connect(client, "redis", host="db", port="x", username="parse", password="invalid")


def test_errors_hide_a_password_once(client: hvac.Client) -> None:
    with socket.socket() as unused:  # Bound and not listening: connections are refused.
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{unused.getsockname()[1]}/x"
        with pytest.raises(InvalidRequest) as refused:
            connect(client, "postgresql", connection_url=url, username="u", password="a")
    assert "di[password]l tcp" in str(refused.value)
    assert "[p[password]" not in str(refused.value)


@pytest.mark.flavors("openbao")
@pytest.mark.parametrize("plugin", ["valkey", "redis"])
def test_a_url_of_valkey_has_to_be_valid(client: hvac.Client, plugin: str) -> None:
    with pytest.raises(InvalidRequest, match="error creating database object: unable to parse connection url"):
        connect(client, plugin, connection_url="valkey://u:p@db:x")
