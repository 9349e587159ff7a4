"""What ``vault pki health-check`` reads: internal/command/healthcheck of OpenBao (command/healthcheck of Vault).

The checks themselves ran against these answers; here is what they need of them.
"""

from __future__ import annotations

import pytest

from tests.vault.secrets.pki.authority import Authority

pytestmark = pytest.mark.flavors("openbao", "vault", "vault-1.21")


def test_its_paths_answer(pki: Authority) -> None:
    leaf = pki.issue()
    issuers = pki.data("pki/issuers/", "list")["keys"]
    keys = pki.data("pki/keys/", "list")["keys"]
    assert {"certificate", "ca_chain"} <= pki.data(f"pki/issuer/{issuers[0]}/json", "read").keys()
    assert {"key_id", "key_type"} <= pki.data(f"pki/key/{keys[0]}", "read").keys()
    assert "crl_signing" not in pki.data(f"pki/issuer/{issuers[0]}", "read")
    assert pki.data(f"pki/issuer/{issuers[0]}", "read")["usage"]
    for path in (f"pki/issuer/{issuers[0]}/crl", f"pki/issuer/{issuers[0]}/crl/delta"):
        assert pki.data(path, "read")["crl"].startswith("-----BEGIN X509 CRL-----")
    assert len(pki.data("pki/certs/", "list")["keys"]) == 2
    assert pki.data(f"pki/cert/{leaf['serial_number']}", "read")["certificate"]
    for name in pki.data("pki/roles/", "list")["keys"]:
        role = pki.data(f"pki/roles/{name}", "read")
        assert {"allow_localhost", "allowed_domains", "allow_glob_domains", "no_store"} <= role.keys()
    assert {"enabled", "interval_duration", "tidy_cert_store"} <= pki.data("pki/config/auto-tidy", "read").keys()
    assert "time_finished" in pki.data("pki/tidy-status", "read")
    assert {"expiry", "enable_delta", "delta_rebuild_interval"} <= pki.data("pki/config/crl", "read").keys()
    assert pki.data("pki/config/acme", "read")["enabled"] is False
    assert pki.data("pki/config/cluster", "read")["path"] == ""
    assert "default_lease_ttl" in pki.data("sys/mounts/pki/tune", "read")
