"""The write-ahead log in the second place: received as it is written, sealed segment by segment.

With a base backup it brings every database to any moment since, all of them to the same one.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from deploy.backup.programs import Programs
from deploy.backup.sealing import SealedReader, SealedWriter
from deploy.backup.shelf import Shelf
from shared.kernel.errors import Rejected, Unavailable

FOLDER = "wal"
SUFFIX = ".gz.sealed"
PARTIAL = ".partial"
SEGMENT = re.compile(r"[0-9A-F]{24}")
SEGMENT_BYTES = 1 << 24  # as initdb makes them
SEGMENTS_IN_A_FILE = 0x100
GZIP_LEVEL = 1
LOOK_EVERY_S = 5.0
STOP_TIMEOUT_S = 20.0
COPY_BYTES = 1 << 20


class WriteAhead:
    """The segments in the second place, and those that were received and are not there yet."""

    def __init__(self, shelf: Shelf, spool: Path) -> None:
        self._shelf = shelf
        self._spool = spool
        self.folder = shelf.folder / FOLDER
        self._seen: dict[str, tuple[int, int]] = {}

    def follow(self, programs: Programs, stop: threading.Event) -> None:
        """Receive and seal until `stop` is set; what was received by then is sealed.

        Raises: Unavailable where the server does not send.
        """
        for folder in (self._spool, self.folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._unfilled():
            path.unlink()  # the receiver was killed there, and would not go on with it
        options = ("--directory", str(self._spool), "--no-loop", "--synchronous")
        with programs.running("pg_receivewal", *options) as receiver:
            while receiver.poll() is None and not stop.wait(LOOK_EVERY_S):
                self.seal_new()
            status = _ended(receiver)
        self.seal_new()
        if status != 0 and not stop.is_set():
            raise Unavailable(
                f"pg_receivewal ended with status {status}: the server went away, or no longer has what is "
                "due. Start it again; where it still ends, take a new base with `fundtrail backup --base`."
            )

    def seal_new(self) -> int:
        """How many segments came to the second place, the open one with what it has so far."""
        key, count = self._shelf.key(), 0
        unfilled = self._unfilled()
        received = sorted(
            path for path in self._spool.iterdir() if SEGMENT.match(path.name) and path not in unfilled
        )
        for path in received:
            with contextlib.suppress(FileNotFoundError):  # finished meanwhile, and renamed: the next round's
                count += self._sealed_anew(path, key)
        finished = [path for path in received if SEGMENT.fullmatch(path.name)]
        for path in finished[:-1]:  # by the last one the receiver knows where to go on
            path.unlink()
            (self.folder / (path.name + PARTIAL + SUFFIX)).unlink(missing_ok=True)
            self._seen.pop(path.name, None)
        return count

    def segments(self) -> list[str]:
        """The names of the segments in the second place, the open one without its suffix."""
        if not self.folder.is_dir():
            return []
        names = {path.name.removesuffix(SUFFIX).removesuffix(PARTIAL) for path in self.folder.iterdir()}
        return sorted(name for name in names if SEGMENT.fullmatch(name))

    def bring_back(self, first: str, present: Iterable[str], target: Path) -> int:
        """How many segments from `first` on came into the folder; those `present` need not.

        Raises: Rejected wal_missing where one between the first and the last is nowhere.
        """
        wanted = [name for name in self.segments() if name >= first]
        ensure_without_gap(first, sorted({*wanted, *present}))
        key = self._shelf.key()
        for name in wanted:
            self._open(name, key, target / name)
        return len(wanted)

    def forget_before(self, first: str) -> int:
        """How many segments were removed: those that no base needs."""
        surplus = [path for path in self.folder.glob(f"*{SUFFIX}") if path.name[: len(first)] < first]
        for path in surplus:
            path.unlink()
        return len(surplus)

    def _unfilled(self) -> set[Path]:
        """The open segment while the receiver still fills it with zeros: no log is in it yet."""
        opened = self._spool.glob(f"*{PARTIAL}")
        return {path for path in opened if path.exists() and path.stat().st_size < SEGMENT_BYTES}

    def _sealed_anew(self, path: Path, key: bytes) -> bool:
        """Whether the segment was newer than what was sealed of it; an open one has its full size already."""
        found = path.stat()
        mark = (found.st_size, found.st_mtime_ns)
        if self._seen.get(path.name) == mark:
            return False
        self._seal(path, key)
        self._seen[path.name] = mark
        return True

    def _seal(self, path: Path, key: bytes) -> None:
        target = self.folder / (path.name + SUFFIX)
        draft = target.with_name(f".{target.name}")
        with draft.open("wb") as file:
            with (
                path.open("rb") as plain,
                SealedWriter(file, key, target.name) as sealed,
                gzip.GzipFile(fileobj=sealed, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as packed,
            ):
                shutil.copyfileobj(plain, packed, COPY_BYTES)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)

    def _open(self, name: str, key: bytes, target: Path) -> None:
        source = self.folder / (name + SUFFIX)
        if not source.exists():
            source = self.folder / (name + PARTIAL + SUFFIX)
        with (
            source.open("rb") as file,
            target.open("wb") as plain,
            gzip.GzipFile(fileobj=io.BufferedReader(SealedReader(file, key, source.name))) as packed,
        ):
            shutil.copyfileobj(packed, plain, COPY_BYTES)


def ensure_without_gap(first: str, names: Sequence[str]) -> None:
    """Nothing, where the names follow each other from the first on. Raises: Rejected wal_missing."""
    due = first
    for name in names:
        if name != due:
            raise Rejected(
                "wal_missing",
                f"Segment {due} of the write-ahead log is in no backup, so nothing after it can be brought "
                "back. Choose an earlier moment, another base, or a backup of the databases.",
            )
        due = successor(name)


def successor(name: str) -> str:
    """The segment that follows."""
    timeline, number = name[:8], int(name[8:16], 16) * SEGMENTS_IN_A_FILE + int(name[16:], 16) + 1
    return f"{timeline}{number // SEGMENTS_IN_A_FILE:08X}{number % SEGMENTS_IN_A_FILE:08X}"


def _ended(receiver: subprocess.Popen[bytes]) -> int:
    if receiver.poll() is None:
        receiver.terminate()
        try:
            receiver.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            receiver.kill()
    return receiver.wait()
