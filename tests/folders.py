"""Where the servers of tests keep what they are given."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folders within it have names that nobody can foresee
MEMORY_MIN_BYTES = 4 * 1024**3


def fastest_folder() -> Path:
    """Memory where there is enough of it: a database for each test is made of some hundred small files."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_MIN_BYTES:
        return MEMORY
    return Path(tempfile.gettempdir())


def fresh_folder(purpose: str) -> Path:
    """A new folder there that `nobody` can reach, as PostgreSQL runs so where we are root."""
    folder = Path(tempfile.mkdtemp(prefix=f"fundtrail-{purpose}-", dir=fastest_folder()))
    folder.chmod(0o755)
    return folder
