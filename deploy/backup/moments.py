"""Any moment since a base backup: a private server replays the log up to it, and its databases are dumped.

The recovered server listens to nobody but its own account, in a folder of its own, for as long as the dumps
take. So one service can go back without the others, and what is restored takes the same way as any dump.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import RawIOBase
from pathlib import Path

from deploy.backup import manifest as manifests
from deploy.backup.manifest import Manifest
from deploy.backup.programs import Programs
from deploy.backup.restoring import Restored, bring_files_back, exchange, sealed
from deploy.backup.serving import Place
from deploy.backup.shelf import Backup, Shelf
from deploy.backup.taking import FILES, NAMES, archive_files, piece_of
from deploy.backup.write_ahead import SEGMENT, WriteAhead
from deploy.local.keeper import free_port
from deploy.local.postgres import SUPERUSER, Server, answers, postgres_home
from deploy.local.spawn import Program, spawn, stop, tail, unprivileged_account, wait_until
from shared.kernel.errors import NotFound, Rejected, Unavailable

BASE = "base"
SPOOL = "wal"
START = re.compile(rf"^START WAL LOCATION: \S+ \(file ({SEGMENT.pattern})\)$", re.MULTILINE)
LABEL = "backup_label"
RECOVERY_TIMEOUT_S = 1800.0
STOP_TIMEOUT_S = 30.0
TRUST_OWN_ACCOUNT = "local all all trust\n"  # the socket lies in a folder that nobody else can enter
SETTINGS = {
    "listen_addresses": "",
    "hot_standby": "off",
    "fsync": "off",
    "archive_mode": "off",
    "max_wal_senders": "0",
    "log_timezone": "UTC",
    "recovery_target_action": "promote",
    "dynamic_shared_memory_type": "posix",
}


def take_base(place: Place, shelf: Shelf, now: datetime) -> Path:
    """The folder of a new base backup: all databases at once, from which the log goes on.

    Raises: Conflict backup_under_way; Unavailable with what stood in the way.
    """
    key = shelf.key_for_writing()

    def fill(target: RawIOBase) -> None:
        options = ("--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast", "--no-manifest")
        with place.programs.output_of("pg_basebackup", *options) as source:
            shutil.copyfileobj(source, target, manifests.READ_BYTES)

    with shelf.making(now) as folder:
        pieces = (
            piece_of(folder, key, BASE, fill),
            piece_of(folder, key, FILES, lambda target: archive_files([place.home.root], target)),
        )
        manifest = Manifest(manifests.BASE, now, place.server.origin, pieces)
        manifests.write(folder, manifest, key)
        manifests.ensure_whole(folder, manifests.read(folder, key))
    return shelf.place_of(now)


def write_ahead_of(place: Place, shelf: Shelf) -> WriteAhead:
    """The write-ahead log of an instance in its second place."""
    return WriteAhead(shelf, place.home.root / SPOOL)


def forget_old(shelf: Shelf, log: WriteAhead, keep: int) -> list[Path]:
    """The bases that were removed, with the segments that only they needed."""
    removed = shelf.keep_only(keep, manifests.BASE)
    bases = [one for one in shelf.backups() if one.good and one.good.kind == manifests.BASE]
    if removed and bases:
        log.forget_before(_start_of(bases[0], shelf.key()))
    return removed


def base_before(shelf: Shelf, until: datetime) -> Backup:
    """The newest good base from before a moment. Raises: NotFound base_unknown."""
    bases = [one for one in shelf.backups() if one.good and one.good.kind == manifests.BASE]
    earlier = [one for one in bases if one.good and one.good.made_at <= until]
    if not earlier:
        raise NotFound(
            "base_unknown",
            f"{shelf.folder} holds no base from before {_told(until)}. Choose a later moment, "
            "or restore a backup of the databases.",
        )
    return earlier[-1]


def restore_to_moment(
    place: Place, shelf: Shelf, base: Backup, services: Sequence[str], until: datetime, now: datetime
) -> list[Restored]:
    """The services' databases as they were at a moment, halted; documents that are missing come back.

    Raises: Rejected wal_missing, moment_not_reached, or with what is wrong with the base; Conflict
    service_running; Unavailable.
    """
    if base.good is not None:
        manifests.ensure_whole(base.folder, base.good)
    with recovered(place, shelf, base, until) as source:

        def fill(service: str, database: str) -> None:
            with source.output_of("pg_dump", "--format=custom", "--compress=0", NAMES[service]) as dump:
                place.programs.restore(dump, database)

        origin = f"{base.folder.name} and the log up to {_told(until)}"
        restored = exchange(place, services, fill, origin, now, NAMES)
    bring_files_back(place.home.root, base.folder, services, shelf.key())
    return restored


@contextmanager
def recovered(place: Place, shelf: Shelf, base: Backup, until: datetime) -> Iterator[Programs]:
    """Client programs that speak to a server as it was at the moment; it is gone when the block ends."""
    account = unprivileged_account()
    home = postgres_home(place.home.root, account)
    folder = home / "recovering"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        data, log = folder / "data", folder / "segments"
        for one in (folder, data, log):
            one.mkdir(mode=0o700)
        with (
            sealed(base.folder, BASE, shelf.key()) as source,
            tarfile.open(mode="r|", fileobj=source) as archive,
        ):
            archive.extractall(data, filter="tar")
        _bring_log(write_ahead_of(place, shelf), data, log)
        (data / "recovery.signal").touch()
        (data / "pg_hba.conf").write_text(TRUST_OWN_ACCOUNT)
        if account is not None:
            _give(folder, account.uid, account.gid)
        with _running(place, folder, until) as server:
            yield Programs(place.programs.folder, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bring_log(log: WriteAhead, data: Path, target: Path) -> None:
    present = [path.name for path in (data / "pg_wal").iterdir() if SEGMENT.fullmatch(path.name)]
    log.bring_back(_start_in((data / LABEL).read_text()), present, target)


@contextmanager
def _running(place: Place, folder: Path, until: datetime) -> Iterator[Server]:
    port, log = free_port(), place.home.logs / "recovery.log"
    log.unlink(missing_ok=True)
    process = spawn(_program(place, folder, port, log, until))
    server = Server(str(folder), port, SUPERUSER, "", "recovered")
    try:
        wait_until(lambda: process.poll() is not None or answers(server), RECOVERY_TIMEOUT_S)
        if process.poll() is not None:
            raise _failure(log, until)
        yield server
    finally:
        stop(process, _program(place, folder, port, log, until).stop_signal, STOP_TIMEOUT_S)


def _program(place: Place, folder: Path, port: int, log: Path, until: datetime) -> Program:
    account = unprivileged_account()
    settings = {
        **SETTINGS,
        "unix_socket_directories": str(folder),
        "hba_file": str(folder / "data" / "pg_hba.conf"),
        "restore_command": f'cp "{folder}/segments/%f" "%p"',
        "recovery_target_time": until.astimezone(UTC).isoformat(),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    argv = (str(place.programs.folder / "postgres"), "-D", str(folder / "data"), "-p", str(port), *options)
    return Program(argv, log=log, account=account, folder=folder)


def _failure(log: Path, until: datetime) -> Exception:
    words = tail(log)
    if "before configured recovery target was reached" in words:
        return Rejected(
            "moment_not_reached",
            f"The log in the second place ends before {_told(until)}; choose an earlier moment.",
        )
    return Unavailable(f"The recovering server did not start; {log} ends with:\n{words}")


def _start_of(base: Backup, key: bytes) -> str:
    with sealed(base.folder, BASE, key) as source, tarfile.open(mode="r|", fileobj=source) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name == LABEL else None
            if content is not None:
                return _start_in(content.read().decode())
    raise Rejected("backup_damaged", f"{base.folder} holds no {LABEL}: it is no base backup.")


def _start_in(label: str) -> str:
    found = START.search(label)
    if found is None:
        raise Rejected("backup_damaged", f"The {LABEL} of the base does not say where its log begins.")
    return found[1]


def _told(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _give(folder: Path, uid: int, gid: int) -> None:
    os.chown(folder, uid, gid)
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(root) / name, uid, gid)
