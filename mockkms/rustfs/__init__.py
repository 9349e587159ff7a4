"""The RustFS admin KMS API, with no HTTP in it: ``RustfsAdmin.handle(AdminRequest) -> AdminReply``."""

from mockkms.rustfs.admin import RustfsAdmin
from mockkms.rustfs.message import ADMIN_PREFIXES, AdminReply, AdminRequest
from mockkms.rustfs.state import RustfsState

__all__ = ["ADMIN_PREFIXES", "AdminReply", "AdminRequest", "RustfsAdmin", "RustfsState"]
