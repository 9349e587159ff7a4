"""Archives of raft snapshots: the files of the real server's (``physical/raft/snapshot/archive.go``), in a gzipped tar.

``meta.json``, ``state.bin``, ``SHA256SUMS`` of both, and ``SHA256SUMS.sealed``, which only the keys that sealed it can
verify. The state is not the real server's: it is a world of mockkms in YAML, which loads without running any code.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import io
import json
import tarfile
import zlib
from collections.abc import Mapping

from mockkms.json_reading import read_json

META, STATE, SUMS, SEALED = "meta.json", "state.bin", "SHA256SUMS", "SHA256SUMS.sealed"
MOST_BYTES = 512 * 1024 * 1024
"""Bytes of an unpacked archive: more is a bomb, not a snapshot."""
FORMAT = "mockkms-world-1"


class SealMismatch(ValueError):
    """The archive was sealed with other keys."""


def pack(state: bytes, key: bytes, *, index: int, moment: float) -> bytes:
    """Return an archive of a state, sealed with ``key``. ``moment``: epoch seconds, the time of its files."""
    meta = {
        "Version": 1, "ID": "bolt-snapshot", "Index": index, "Term": 3, "Size": len(state), "Format": FORMAT,
    }  # fmt: skip
    files = {META: json.dumps(meta).encode() + b"\n", STATE: state}
    files[SUMS] = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()
    ).encode()
    files[SEALED] = _seal(files[SUMS], key)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(content), 0o600, int(moment)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def _seal(sums: bytes, key: bytes) -> bytes:
    return hmac.digest(key, sums, "sha256").hex().encode()


def unpack(packed: bytes, key: bytes | None) -> bytes:
    """Return the state of an archive; without ``key``, the key that sealed it is not checked. Raises ValueError."""
    files = _files(packed)
    for name in (META, STATE, SUMS):
        if name not in files:
            raise ValueError(f"failed to read snapshot file: file missing for {name!r}")
    _verify(files)
    if key is not None and not hmac.compare_digest(files.get(SEALED, b""), _seal(files[SUMS], key)):
        raise SealMismatch("failed to open the sealed hashes")
    try:
        meta = read_json(files[META])
    except ValueError:
        meta = None
    if not isinstance(meta, dict) or meta.get("Format") != FORMAT:
        raise ValueError("this is not a snapshot of mockkms: those of a real server hold its encrypted storage")
    return files[STATE]


def _files(packed: bytes) -> Mapping[str, bytes]:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            raw = stream.read(MOST_BYTES + 1)
    except gzip.BadGzipFile:
        raise ValueError("failed to decompress snapshot: gzip: invalid header") from None
    except EOFError:
        raise ValueError("failed to decompress snapshot: unexpected EOF") from None
    except zlib.error:
        raise ValueError("failed to decompress snapshot: flate: corrupt input") from None
    if len(raw) > MOST_BYTES:
        raise ValueError(f"the snapshot has more than {MOST_BYTES // 1024 // 1024} MiB")
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            for info in archive:
                # The parts that a sparse file lacks are not among the bytes counted above.
                content = archive.extractfile(info) if info.isfile() and not info.issparse() else None
                if content is not None:
                    found[info.name] = content.read()
    except RecursionError:
        raise ValueError("failed to read snapshot file: too many headers for one file") from None
    except (tarfile.TarError, ValueError) as error:
        raise ValueError(f"failed to read snapshot file: {error}") from None
    return found


def _verify(files: Mapping[str, bytes]) -> None:
    """Check the sums. Raises ValueError with the text of ``DecodeAndVerify``."""
    lines = files[SUMS].decode("ascii", "replace").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in (META, STATE):
        if name not in sums:
            raise ValueError(f'failed checking integrity of snapshot: file missing for "{name}"')
        if sums[name] != hashlib.sha256(files[name]).hexdigest():
            raise ValueError(f'failed checking integrity of snapshot: hash check failed for "{name}"')
