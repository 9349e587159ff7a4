"""AWS auth in world files: settings, roles, lists, and the world's AWS: ``principals`` and ``instances``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.auth.cloud.aws.config import accounts, certificates, client, identity
from mockkms.vault.auth.cloud.aws.engine import AwsTidy, DeniedTag
from mockkms.vault.auth.cloud.aws.inventory import AwsCredential, AwsMachine, KnownMachine
from mockkms.vault.auth.cloud.aws.roles import roles
from mockkms.vault.framework.shapes.scalars import Boolean, Choice, Moment, Seconds
from mockkms.vault.kernel.plain_records import NAMES, TEXTS, in_order, listed, mapped, more_of_named, text
from mockkms.vault.kernel.record_section import named, one

if TYPE_CHECKING:
    pass

_STATES = ("pending", "running", "shutting-down", "terminated", "stopping", "stopped")


_OWN = {
    "role_id": text("id of the role; default: a new one"),
    "hmac_key": text("key that signs its role tags; default: a new one"),
    "principal_ids": text("unique ids of the bound principals; default: looked up", shape=NAMES),
}
_config = one("config", "how AWS is contacted", client, lambda state: state.config)
_identity = one("identity", "data of logins for the identity store", identity, lambda state: state.identity)
_roles = named("roles", "roles by name", roles, **more_of_named(roles, _OWN))
_accounts = named("sts", "roles in other accounts, by the number of the account", accounts)
_certificates = named("certificates", "certificates that verify identity documents, by name", certificates)
_principals = listed(
    "principals",
    "access keys of the world's AWS: requests that they sign log in",
    AwsCredential,
    {
        "access_key": text("id of the access key"),
        "secret_key": text("its secret"),
        "arn": text("its user, or session of a role, as `GetCallerIdentity` returns it"),
        "user_id": text("unique id of the user or role; default: made of the ARN"),
        "session_token": text("token of temporary credentials"),
        "full_arn": text("ARN with the path of the user or role, as IAM shows it; default: without a path"),
    },
    lambda state: state.principals,
)
_machines = listed(
    "instances",
    "machines of the world's AWS",
    AwsMachine,
    {
        "instance_id": text("id of the machine"),
        "account_id": text("number of its account"),
        "region": text("its region; default: any"),
        "ami_id": text("id of its image"),
        "subnet_id": text("id of its subnet"),
        "vpc_id": text("id of its network"),
        "instance_profile_arn": text("ARN of its instance profile"),
        "role_arn": text("ARN of the role of its instance profile"),
        "private_dns_name": text("its name in the network"),
        "state": text("its state", shape=Choice(_STATES)),
        "tags": text("its tags", shape=TEXTS),
    },
    lambda state: state.machines,
)
_known = mapped(
    "access_list",
    "machines that logged in, by id",
    KnownMachine,
    {
        "role": text("name of the role"),
        "client_nonce": text("nonce of the machine"),
        "created": text("time of the first login", shape=Moment()),
        "pending_time": text("`pendingTime` of the identity document"),
        "updated": text("time of the last login", shape=Moment()),
        "expires": text("when the entry expires", shape=Moment()),
        "disallow_reauthentication": text("whether the machine may not log in again", shape=Boolean()),
    },
    lambda state: state.known_machines,
)
_denied = mapped(
    "denied_tags",
    "role tags that are denied",
    DeniedTag,
    {
        "created": text("since when", shape=Moment()),
        "expires": text("when the denial ends", shape=Moment()),
    },
    lambda state: state.denied_tags,
)
_tidies = mapped(
    "tidy",
    "settings of the periodic tidies: `identity-accesslist`, `roletag-denylist`",
    AwsTidy,
    {
        "safety_buffer": text("how long entries stay after they expired", shape=Seconds()),
        "disable_periodic_tidy": text("tidy on request only", shape=Boolean()),
    },
    lambda state: state.tidies,
)
_lists = (_accounts, _certificates, _tidies, _known, _denied)

section = in_order(
    (_config, _identity, _roles, *_lists, _principals, _machines),
    # Roles are filled before the endpoints are known at which their principals would be looked up.
    (_principals, _machines, _roles, _config, _identity, *_lists),
)
