"""A mockkms server elsewhere, held as one in this process is: the same API over ``/_mockkms/``."""

from mockkms.remote.server import RemoteKMS, RemoteSnapshot
from mockkms.remote.wire import NotMockKMS, RemoteError

__all__ = ["NotMockKMS", "RemoteError", "RemoteKMS", "RemoteSnapshot"]
