"""The place where backups stand: made under a name that nobody takes for a backup, renamed when whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.backup import manifest as manifests
from deploy.backup.manifest import Manifest
from shared.documents.keys import ensure_key
from shared.kernel.errors import Conflict, NotFound, Rejected, Unavailable

NAME = re.compile(r"backup-\d{8}T\d{6}Z")
NAME_FORMAT = "backup-%Y%m%dT%H%M%SZ"
PARTIAL = ".partial"
LOCK = ".lock"
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup in its folder; `fault` says why it is none, where it is none."""

    folder: Path
    manifest: Manifest | None
    fault: str | None = None

    @property
    def good(self) -> Manifest | None:
        """The manifest of a backup that can be used."""
        return self.manifest if self.fault is None else None


class Shelf:
    """A folder of backups and the key that seals them."""

    def __init__(self, folder: Path, key_file: Path) -> None:
        self.folder = folder
        self._key_file = key_file

    def key(self) -> bytes:
        """The backup key. Raises: NotFound backup_key_unknown; Rejected backup_key_malformed."""
        if not self._key_file.exists():
            raise NotFound(
                "backup_key_unknown",
                f"{self._key_file} is not there, and without it no backup can be opened. Bring it back from "
                "its copy (32 bytes, mode 0600).",
            )
        return _checked(self._key_file, self._key_file.read_bytes())

    def key_for_writing(self) -> bytes:
        """As `key`, made at the first backup of all; never beside backups that another key has sealed."""
        if not self._key_file.exists() and any(self._names()):
            return self.key()
        try:
            return _checked(self._key_file, ensure_key(self._key_file))
        except OSError as error:
            raise Unavailable(f"{self._key_file} cannot be made ({error.strerror}).") from error

    def backups(self) -> list[Backup]:
        """Everything that bears the name of a backup, oldest first."""
        key = self.key() if any(self._names()) else b""
        return [_look_at(self.folder / name, key) for name in self._names()]

    def newest(self, kind: str = manifests.DATABASES) -> Backup | None:
        """The newest good backup of a kind, or None."""
        good = [one for one in self.backups() if one.good and one.good.kind == kind]
        return good[-1] if good else None

    def age(self, now: datetime) -> timedelta | None:
        """How old the newest good backup is, or None where there is none."""
        made = [one.good.made_at for one in self.backups() if one.good]
        return now - max(made) if made else None

    def named(self, name: str) -> Backup:
        """One good backup, by its name, its folder, or `latest`.

        Raises: NotFound backup_unknown; Rejected with what is wrong with it.
        """
        if name == "latest":
            found = self.newest()
        else:
            path = Path(name) if "/" in name else self.folder / name
            found = _look_at(path, self.key()) if path.is_dir() else None
        if found is None:
            raise NotFound(
                "backup_unknown",
                f"{self.folder} holds no backup {name}; `fundtrail backup --list` names those it holds.",
            )
        if found.fault is not None:
            raise Rejected("backup_damaged", found.fault)
        return found

    def place_of(self, now: datetime) -> Path:
        """Where a backup that is taken now comes to stand."""
        return self.folder / f"{now.astimezone(UTC):{NAME_FORMAT}}"

    @contextlib.contextmanager
    def making(self, now: datetime) -> Iterator[Path]:
        """A folder to fill; it becomes a backup when the block ends, and is gone when it does not.

        Raises: Conflict backup_under_way; Unavailable where the place cannot be written or is full.
        """
        with _told(self.folder), self.held():
            for left in self.folder.glob(f".*{PARTIAL}"):
                shutil.rmtree(left)  # of a run that was killed
            partial = _hidden(self.place_of(now))
            partial.mkdir(mode=0o700)
            try:
                yield partial
                _ensure_on_disk(partial)
                partial.rename(self.place_of(now))
                _sync(self.folder)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The place is ours alone. Raises: Conflict backup_under_way."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(
                    "backup_under_way", f"Another backup is being made in {self.folder}; wait for its end."
                ) from None
            yield

    def keep_only(self, count: int, kind: str = manifests.DATABASES) -> list[Path]:
        """The folders that were removed: of the good backups of a kind all but the newest `count`."""
        good = [one for one in self.backups() if one.good and one.good.kind == kind]
        surplus = [one.folder for one in good[: max(0, len(good) - count)]]
        for folder in surplus:
            doomed = _hidden(folder)  # half removed it is no backup
            folder.rename(doomed)
            shutil.rmtree(doomed)
        return surplus

    def _names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        return sorted(one.name for one in self.folder.iterdir() if NAME.fullmatch(one.name))


def _hidden(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}{PARTIAL}")


def _look_at(folder: Path, key: bytes) -> Backup:
    try:
        found = manifests.read(folder, key)
        manifests.ensure_present(folder, found)
    except Rejected as error:
        return Backup(folder, None, error.message)
    return Backup(folder, found)


def _checked(path: Path, key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise Rejected(
            "backup_key_malformed",
            f"{path} holds {len(key)} bytes, a backup key has {KEY_BYTES}; bring the right file back.",
        )
    return key


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What the disk refuses is told in a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            cure = "Make room there or lower FUNDTRAIL_BACKUP_KEEP; no half backup stays behind."
            raise Unavailable(f"{folder} is full. {cure}") from error
        raise Unavailable(
            f"The backup could not be written to {folder} ({error.strerror}). Let this account write there, "
            "or name another folder with --to or FUNDTRAIL_BACKUP_DIR."
        ) from error


def _ensure_on_disk(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
