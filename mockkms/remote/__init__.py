"""Control a mockkms server in another process: the API of MockKMS over ``/_mockkms/``."""

from mockkms.remote.document import NotMockKMS, RemoteError
from mockkms.remote.server import RemoteKMS, RemoteSnapshot

__all__ = ["NotMockKMS", "RemoteError", "RemoteKMS", "RemoteSnapshot"]
