"""The tests' processes one after the other, where they would be in each other's way."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def in_turn(home: Path, name: str) -> Iterator[Path]:
    """A file of the instance that is nobody else's while the block runs; empty at first."""
    path = home / f"{name}.turn"
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield path
