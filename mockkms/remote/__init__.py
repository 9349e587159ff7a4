"""Control a mockkms server in another process: the API of MockKMS over ``/_mockkms/``."""

from mockkms.remote.server import RemoteKMS, RemoteSnapshot
from mockkms.remote.wire import NotMockKMS, RemoteError

__all__ = ["NotMockKMS", "RemoteError", "RemoteKMS", "RemoteSnapshot"]
