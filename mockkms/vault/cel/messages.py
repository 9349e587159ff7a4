"""The messages that a program may construct, such as ``pb.Auth``."""

from __future__ import annotations

from typing import Final

STRING, INT, UINT, BOOL, STRINGS, MAP = "string", "int64", "uint32", "bool", "list", "map"

MESSAGES: Final[dict[str, dict[str, str]]] = {
    "pb.Auth": {
        "lease_options": "pb.LeaseOptions",
        "internal_data": STRING,
        "display_name": STRING,
        "policies": STRINGS,
        "metadata": MAP,
        "client_token": STRING,
        "accessor": STRING,
        "period": INT,
        "num_uses": INT,
        "entity_id": STRING,
        "alias": "logical.Alias",
        "group_aliases": "[logical.Alias]",
        "bound_cidrs": STRINGS,
        "token_policies": STRINGS,
        "identity_policies": STRINGS,
        "explicit_max_ttl": INT,
        "token_type": UINT,
        "no_default_policy": BOOL,
    },
    "pb.LeaseOptions": {
        "TTL": INT,
        "renewable": BOOL,
        "increment": INT,
        "issue_time": "timestamp",
        "MaxTTL": INT,
    },
    "logical.Alias": {
        "mount_type": STRING,
        "mount_accessor": STRING,
        "name": STRING,
        "metadata": MAP,
        "ID": STRING,
        "namespace_id": STRING,
        "custom_metadata": MAP,
        "local": BOOL,
    },
}
"""Field names and their kinds; durations are nanoseconds."""
