"""A server with something of most kinds, and the secrets in it."""

from __future__ import annotations

from typing import Any

SECRETS = ("hunter2-of-anna", "kv-value-of-app", "db-root-password-1", "smtp-secret-value", "approle-secret-id-9")
_POLICY = 'path "secret/data/app/*" { capabilities = ["read"] }\n'
_PASSWORDS = 'length = 12\nrule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" }\n'
_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nbW9ja2ttcw==\n-----END CERTIFICATE-----"
WORLD: dict[str, Any] = {
    "vault": {
        "policies": {"app": _POLICY},
        "password_policies": {"short": _PASSWORDS},
        "mounts": {
            "transit/": {
                "type": "transit",
                "default_lease_ttl": "1h",
                "keys": {
                    "orders": {"versions": 3, "min_decryption_version": 2, "exportable": True},
                    "tokens": {"derived": True, "convergent": True},
                    "signer": {"type": "ed25519"},
                },
            },
            "secret/": {
                "type": "kv",
                "version": 2,
                "config": {"max_versions": 7},
                "secrets": {"app/db": {"password": SECRETS[1]}, "app/deep/er": {"a": "b"}, "top": {"a": "b"}},
            },
            "old/": {"type": "kv", "version": 1, "secrets": {"smtp/mail": {"password": SECRETS[3]}}},
            "pki/": {
                "type": "pki",
                "max_lease_ttl": "87600h",
                "issuers": [{"name": "root", "generate": {"common_name": "Root CA", "ttl": "80000h"}}],
                "roles": {"web": {"allowed_domains": ["example.test"], "allow_subdomains": True, "ttl": "1h"}},
                "cluster": {"path": "https://vault.example.test/v1/pki"},
                "acme": {"enabled": True, "eab_policy": "not-required", "allowed_roles": ["web"]},
            },
            "ssh/": {"type": "ssh", "roles": {"otp": {"key_type": "otp", "default_user": "ubuntu"}}},
            "totp/": {"type": "totp", "keys": {"anna": {"key": "GEZDGNBVGY3TQOJQ", "digits": 8}}},
            "database/": {
                "type": "database",
                "config": {
                    "orders": {
                        "plugin_name": "postgresql-database-plugin",
                        "allowed_roles": ["app"],
                        "connection_details": {
                            "connection_url": "postgresql://{{username}}:{{password}}@db.example.org:5432/orders",
                            "username": "root",
                            "password": SECRETS[2],
                        },
                    }
                },
                "roles": {"app": {"db_name": "orders", "default_ttl": "1h", "creation_statements": ["SELECT 1"]}},
            },
            "rabbit/": {"type": "rabbitmq"},
        },
        "auth": {
            "approle/": {
                "type": "approle",
                "roles": {"web": {"token_policies": ["app"], "token_ttl": "1h", "secret_ids": [SECRETS[4]]}},
            },
            "userpass/": {"type": "userpass", "users": {"anna": {"password": SECRETS[0], "token_policies": ["app"]}}},
            "kubernetes/": {
                "type": "kubernetes",
                "config": {"kubernetes_host": "https://cluster.test", "kubernetes_ca_cert": _CERTIFICATE},
                "roles": {"app": {"bound_service_account_names": ["app"], "bound_service_account_namespaces": ["*"]}},
            },
            "jwt/": {
                "type": "jwt",
                "config": {"jwks_url": "https://issuer.test/keys", "keys": []},
                "roles": {"ci": {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["a"]}},
            },
            "token/": {"type": "token", "roles": {"ci": {"allowed_policies": ["app"], "orphan": True}}},
        },
        "identity": {
            "entities": {"anna": {"metadata": {"team": "x"}, "aliases": [{"mount": "auth/userpass/", "name": "anna"}]}},
            "groups": {
                "payments": {"policies": ["app"], "members": ["anna"]},
                "all": {"groups": ["payments"]},
                "outside": {"type": "external", "alias": {"mount": "auth/jwt/", "name": "ops"}},
            },
        },
    }
}
