"""The RustFS admin KMS API, with no HTTP in it: ``RustfsAdmin.handle(AdminRequest) -> AdminReply``."""

from mockkms.rustfs.admin import RustfsAdmin
from mockkms.rustfs.message import RUSTFS_PREFIX, AdminReply, AdminRequest
from mockkms.rustfs.state import RustfsState

__all__ = ["RUSTFS_PREFIX", "AdminReply", "AdminRequest", "RustfsAdmin", "RustfsState"]
