"""Where the servers of tests keep what they are given."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folders within it have names that nobody can foresee
DISK = Path("/var/tmp")  # noqa: S108 - as above
MEMORY_MIN_BYTES = 4 * 1024**3


def fastest_folder() -> Path:
    """Memory where there is enough of it: a database for each test is made of some hundred small files."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_MIN_BYTES:
        return MEMORY
    return Path(tempfile.gettempdir())


def real_disk() -> Path:
    """A disk, not memory: what is committed there is written."""
    return DISK if DISK.is_dir() else Path(tempfile.gettempdir())


def fresh_folder(purpose: str, within: Path | None = None) -> Path:
    """A new folder, in the fastest place unless told, that `nobody` can reach, as whom root runs servers."""
    folder = Path(tempfile.mkdtemp(prefix=f"fundtrail-{purpose}-", dir=within or fastest_folder()))
    folder.chmod(0o755)
    return folder
