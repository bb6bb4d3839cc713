"""Secret keys as files of mode 0600, outside every database, made once."""

from __future__ import annotations

import os
from pathlib import Path

KEY_BYTES = 32


def ensure_key(path: Path) -> bytes:
    """The 32 bytes in the file, which is made with random ones where it does not exist."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(path, os.urandom(KEY_BYTES))
    return path.read_bytes()


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file that only its owner can read. Raises: FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
