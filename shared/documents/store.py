"""Documents on disk, named by the SHA-256 of their content and sealed under a key that is not beside them.

A document that names persons must not lie open on a disk; one that was stored twice is stored once.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.kernel.errors import NotFound, Rejected, Unavailable

NONCE_BYTES = 12


class DocumentStore:
    """Keeps documents under a folder, in sub-folders by the first two digits of their names."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._box = AESGCM(key)

    def put(self, content: bytes) -> str:
        """The SHA-256 of the content in hex, which is stored when this returns.

        Idempotent: the same content again changes nothing. Raises: Unavailable where the disk refuses it.
        """
        name = hashlib.sha256(content).hexdigest()
        path = self._path(name)
        if path.exists():
            return name
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._box.encrypt(nonce, content, name.encode())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, sealed)
        except OSError as error:
            raise Unavailable(
                f"The document could not be stored ({error.strerror}); nothing was changed."
            ) from error
        return name

    def get(self, name: str) -> bytes:
        """The content of a document.

        Raises: NotFound document_unknown; Rejected document_altered where the file is not what was stored;
        Unavailable where the disk does not give it.
        """
        try:
            sealed = self._path(name).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("document_unknown", f"There is no document {name}.") from error
        except OSError as error:
            raise Unavailable(f"The document {name} could not be read ({error.strerror}).") from error
        try:
            return self._box.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError) as error:  # a file that was cut off has not even a nonce
            raise Rejected(
                "document_altered", f"The file of document {name} is not what was stored."
            ) from error

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        draft = path.with_suffix(f".{os.getpid()}.draft")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
