"""Taking a backup: every database as it was at one moment, and the files that a restore needs beside them.

All snapshots are taken first, within milliseconds, and then dumped one after another: what lies between two
databases is what was under way at that moment, not what happened during the backup.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import RawIOBase
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

from deploy.backup import manifest as manifests
from deploy.backup.manifest import Manifest, Piece
from deploy.backup.sealing import SealedWriter
from deploy.backup.serving import Place
from deploy.backup.shelf import Shelf
from deploy.local.provisioning import SERVICES
from shared.journal import positions
from shared.kernel.errors import Unavailable

FILES = "files"
SUFFIX = ".sealed"
KEPT_FILES = ("documents", "notifications-account.json", "first-administrator.json")
NAMES = {service: service for service in SERVICES}

Fill = Callable[[RawIOBase], None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One database at one moment: the name by which pg_dump finds it, and how far its journal had come."""

    name: str
    journal_rows: int
    epoch: int


def back_up(
    place: Place,
    shelf: Shelf,
    now: datetime,
    names: Mapping[str, str] = NAMES,
    states: Sequence[Path] = (),
) -> Path:
    """The folder of a new backup, whole and read back.

    `names` says which database holds each service, and `states` where its files lie, where that is not the
    state folder of the place. Raises: Conflict backup_under_way; Unavailable with what
    stood in the way. In either case nothing is left behind.
    """
    key, roots = shelf.key_for_writing(), states or [place.home.root]
    with shelf.making(now) as folder, snapshots(place, names) as taken:
        pieces = [
            piece_of(folder, key, service, _dump_of(place, names[service], one), one)
            for service, one in taken.items()
        ]
        pieces.append(piece_of(folder, key, FILES, lambda target: archive_files(roots, target)))
        manifest = Manifest(manifests.DATABASES, now, place.server.origin, tuple(pieces))
        manifests.write(folder, manifest, key)
        manifests.ensure_whole(folder, manifests.read(folder, key))
    return shelf.place_of(now)


@contextmanager
def snapshots(place: Place, names: Mapping[str, str]) -> Iterator[dict[str, Snapshot]]:
    """A snapshot of each database until the block ends; they take no transaction id, so no relay waits."""
    with ExitStack() as stack:
        yield {service: _snapshot(stack, place, name) for service, name in names.items()}


def _snapshot(stack: ExitStack, place: Place, database: str) -> Snapshot:
    engine = create_engine(place.server.url(database), connect_args={"application_name": "fundtrail-backup"})
    stack.callback(engine.dispose)
    connection = stack.enter_context(engine.connect())
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    name = str(connection.scalar(text("SELECT pg_export_snapshot()")))
    if not _has_journal(connection):
        raise Unavailable(
            f"The database {database} holds no tables: its service never started. Start the instance once."
        )
    return Snapshot(name, positions.head(connection), positions.epochs(connection)[-1].epoch)


def _has_journal(connection: Connection) -> bool:
    return connection.scalar(text("SELECT to_regclass('journal')")) is not None


def _dump_of(place: Place, database: str, snapshot: Snapshot) -> Fill:
    return lambda target: place.programs.dump(database, snapshot.name, target)


def piece_of(folder: Path, key: bytes, holds: str, fill: Fill, snapshot: Snapshot | None = None) -> Piece:
    """A new sealed file of a backup, filled and closed."""
    name = holds + SUFFIX
    with (folder / name).open("xb") as file:
        sealed = SealedWriter(file, key, name)
        try:
            fill(sealed)
        except BaseException:
            sealed.abandon()
            raise
        sealed.close()
    known = (snapshot.journal_rows, snapshot.epoch) if snapshot else (None, None)
    return Piece(name, holds, sealed.size_bytes, sealed.sha256, *known)


def archive_files(roots: Sequence[Path], target: RawIOBase) -> None:
    """The files of all roots as a tar, sealed documents as they lie; one that comes meanwhile may be in."""
    with tarfile.open(mode="w|", fileobj=target) as archive:
        for path, name in ((root / name, name) for root in roots for name in KEPT_FILES):
            if path.exists():
                archive.add(path, arcname=name, filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """The member without its owner's name; drafts of documents are left out."""
    if member.name.endswith(".draft"):
        return None
    member.uname = member.gname = ""
    return member
