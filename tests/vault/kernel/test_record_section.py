"""Sections of world files made of records: a record that was written, and in which nothing differs from a new one."""

from __future__ import annotations

from typing import Any

import hvac
import pytest
import yaml

from mockkms import MockKMS
from tests.vault.secrets.standin import round_trip


@pytest.mark.parametrize(
    ("mount", "described"),
    [
        ({"type": "azure", "config": {}}, {}),
        ({"type": "gcp", "config": {}}, {}),
        ({"type": "gcpkms", "config": {}}, {}),
        ({"type": "terraform", "config": {}}, {}),
        ({"type": "nomad", "lease": {}}, {}),
        ({"type": "rabbitmq", "lease": {}}, {}),
    ],
)
def test_settings_with_only_defaults_are_described(mount: dict[str, Any], described: dict[str, Any]) -> None:
    key = next(key for key in mount if key != "type")
    assert round_trip(mount) == {**mount, key: described}


def test_settings_that_were_never_written_are_not() -> None:
    with MockKMS() as kms:
        client = hvac.Client(kms.url, token=kms.token)
        client.sys.enable_secrets_engine("terraform")
        before = yaml.safe_load(kms.dump())["vault"]["mounts"]["terraform/"]
        client.write_data("terraform/config", data={})
        after = yaml.safe_load(kms.dump())["vault"]["mounts"]["terraform/"]
    assert "config" not in before
    assert after["config"] == {}


def test_settings_that_need_a_parameter_are_not_written_without_one() -> None:
    mount = {"type": "alicloud", "config": {}}
    assert round_trip(mount) == {"type": "alicloud"}
