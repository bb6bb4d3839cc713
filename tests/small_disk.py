"""A small disk of its own, which a test fills to the brim and frees again; only root may mount one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.spawn import unprivileged_account
from shared.testing.waiting import wait_until

LARGE_BYTES = 4 * 1024**3
LEFT_BYTES = 256 * 1024
PATIENCE_S = 30


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A disk in memory that belongs to the account of the test servers."""

    folder: Path

    def fill(self) -> None:
        """Hardly anything more finds room. What is written meanwhile may leave less than that: then again."""
        wait_until(self._shrink, PATIENCE_S, "the small disk to be full")

    def free(self) -> None:
        """There is room again."""
        assert _mount(self.folder, f"remount,size={LARGE_BYTES}")

    def _shrink(self) -> bool:
        return _mount(self.folder, f"remount,size={shutil.disk_usage(self.folder).used + LEFT_BYTES}")

    @property
    def left_bytes(self) -> int:
        """What still finds room."""
        return shutil.disk_usage(self.folder).free


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """One at a folder that is made for it; the test is skipped where nobody may mount it."""
    folder.mkdir()
    account = unprivileged_account()
    if account is None or not _mount(folder, f"size={LARGE_BYTES}", "-t", "tmpfs", "none"):
        pytest.skip("a disk of its own can be mounted by root only")
    os.chown(folder, account.uid, account.gid)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=False)


def _mount(folder: Path, options: str, *more: str) -> bool:
    return (
        os.geteuid() == 0
        and not subprocess.run(["mount", "-o", options, *more, str(folder)], check=False).returncode
    )
