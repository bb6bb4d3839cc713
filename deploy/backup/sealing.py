"""Files sealed in chunks: read and written as they stream, in constant memory; no altered one is believed.

Each file has a key of its own, derived from the backup key and a random salt, and each chunk is AES-256-GCM
under a counter that also says whether it is the last one. So a chunk that was altered, moved, repeated, taken
from another file or cut off is refused. Source: the STREAM construction of Hoang, Reyhanitabar, Rogaway and
Vizár (2015), section 7.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.kernel.errors import Rejected

MAGIC = b"fundtrail-sealed-1\n"
KEY_BYTES = 32
SALT_BYTES = 32
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
COUNTER_BYTES = 11
CHUNKS_MAX = 1 << 40


class SealedWriter(io.RawIOBase):
    """A file that takes plain bytes and keeps sealed ones, with their number and digest, until closed."""

    def __init__(self, file: BinaryIO, key: bytes, name: str) -> None:
        self._file = file
        self._rest = bytearray()
        self._counter = 0
        self._digest = hashlib.sha256()
        self.size_bytes = 0
        salt = os.urandom(SALT_BYTES)
        self._box, self._name = AESGCM(derived(key, salt, MAGIC)), name.encode()
        self._keep(MAGIC + salt)

    @property
    def sha256(self) -> str:
        """The digest of what was kept so far."""
        return self._digest.hexdigest()

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def write(self, data: object) -> int:
        """Take plain bytes; a chunk is sealed once it is known not to be the last."""
        plain = memoryview(data).cast("B")  # type: ignore[arg-type] # whatever holds bytes
        self._rest += plain
        while len(self._rest) > CHUNK_BYTES:
            self._seal(bytes(self._rest[:CHUNK_BYTES]), last=False)
            del self._rest[:CHUNK_BYTES]
        return len(plain)

    def close(self) -> None:
        """Seal the last chunk; without it the file is refused."""
        if not self.closed:
            self._seal(bytes(self._rest), last=True)
        super().close()

    def abandon(self) -> None:
        """End without the last chunk: what was written so far can never be taken for the whole."""
        super().close()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        self._keep(self._box.encrypt(nonce_of(self._counter, last=last), plain, self._name))
        self._counter += 1

    def _keep(self, sealed: bytes) -> None:
        self._file.write(sealed)
        self._digest.update(sealed)
        self.size_bytes += len(sealed)


def opened(file: BinaryIO, key: bytes, name: str) -> Iterator[bytes]:
    """The plain chunks of a sealed file, each only after it was found to be what was sealed.

    Raises: Rejected backup_damaged at the first chunk that is not.
    """
    head = file.read(len(MAGIC) + SALT_BYTES)
    if len(head) < len(MAGIC) + SALT_BYTES or not head.startswith(MAGIC):
        raise Rejected(
            "backup_damaged", f"{name} is no sealed file of a backup, or was cut off; use another backup."
        )
    box = AESGCM(derived(key, head[len(MAGIC) :], MAGIC))
    sealed, counter = file.read(CHUNK_BYTES + TAG_BYTES), 0
    while sealed or counter == 0:
        following = file.read(CHUNK_BYTES + TAG_BYTES)
        try:
            yield box.decrypt(nonce_of(counter, last=not following), sealed, name.encode())
        except (InvalidTag, ValueError) as error:
            raise Rejected(
                "backup_damaged",
                f"Chunk {counter + 1} of {name} is not what was sealed: it was altered or cut off, or the "
                "key is another one. Use another backup, or bring the right key back.",
            ) from error
        sealed, counter = following, counter + 1


class SealedReader(io.RawIOBase):
    """A sealed file as a file of plain bytes, for those who read files."""

    def __init__(self, file: BinaryIO, key: bytes, name: str) -> None:
        self._chunks = opened(file, key, name)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """How many plain bytes the buffer got; 0 at the end."""
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type] # whatever holds bytes
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    """A key for one purpose."""
    return HKDF(SHA256(), KEY_BYTES, salt, purpose).derive(key)


def nonce_of(counter: int, *, last: bool) -> bytes:
    """The nonce of a chunk: its number, and whether it is the last."""
    if counter >= CHUNKS_MAX:
        raise OverflowError(f"A sealed file has at most {CHUNKS_MAX} chunks.")
    return counter.to_bytes(COUNTER_BYTES, "big") + bytes([last])
