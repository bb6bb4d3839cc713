"""Restoring: into fresh databases, which take the names of the old ones together and only when all is well.

The old databases stay under another name. A restored one is halted: others know more than it does, so it
writes nothing until an operator has begun a new epoch.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import psycopg
from alembic.script import ScriptDirectory
from psycopg import sql

from deploy.backup import manifest as manifests
from deploy.backup.sealing import SealedReader
from deploy.backup.serving import Place
from deploy.backup.shelf import Backup
from deploy.backup.taking import FILES, NAMES, SUFFIX
from deploy.local.provisioning import ensure_database, grant_schema
from shared.db.migrations import config_for
from shared.kernel.errors import Conflict, Rejected

FRESH = "{name}_restored"
FORMER = "{name}_before_{now:%Y%m%dt%H%M%S}"
DOCUMENT = re.compile(r"documents/[a-z]+/[0-9a-f]{2}/[0-9a-f]{64}")
ACCOUNT_FILE = re.compile(r"(notifications-account|first-administrator)\.json")

Fill = Callable[[str, str], None]
Admin = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of one service: how much its journal holds now, and where the former database is."""

    service: str
    journal_rows: int
    former: str


def restore(
    place: Place,
    backup: Backup,
    services: Sequence[str],
    key: bytes,
    now: datetime,
    names: Mapping[str, str] = NAMES,
) -> list[Restored]:
    """The services' databases and documents as they were when the backup was taken; the databases are halted.

    The backup is checked before anything is touched. Where any service fails, none has changed.
    Raises: Rejected with what is wrong with the backup; Conflict service_running; Unavailable.
    """
    manifest = backup.good
    if manifest is None:
        raise Rejected("backup_damaged", backup.fault or f"{backup.folder} is no backup.")
    for service in services:
        manifest.piece(service)
    manifests.ensure_whole(backup.folder, manifest)

    def fill(service: str, database: str) -> None:
        with sealed(backup.folder, service, key) as source:
            place.programs.restore(source, database)

    restored = exchange(place, services, fill, backup.folder.name, now, names)
    bring_files_back(place.home.root, backup.folder, services, key)
    return restored


def exchange(
    place: Place, services: Sequence[str], fill: Fill, origin: str, now: datetime, names: Mapping[str, str]
) -> list[Restored]:
    """Fresh databases, filled, have taken the services' names; all of them or none.

    Raises: Conflict service_running where somebody works on one of the databases; whatever `fill` raises.
    """
    with place.server.connect() as admin:
        _ensure_idle(admin, [names[service] for service in services])
        fresh = {service: FRESH.format(name=names[service]) for service in services}
        try:
            for service in services:
                _drop(admin, fresh[service])
                ensure_database(admin, service, fresh[service])
                grant_schema(place.server, service, fresh[service])
                fill(service, fresh[service])
                _ensure_known_schema(place, service, fresh[service])
                _halt(place, names[service], fresh[service], origin)
            rows = {service: _journal_rows(place, fresh[service]) for service in services}
            former = _swap(admin, {names[service]: fresh[service] for service in services}, now)
        except BaseException:
            for name in fresh.values():
                _drop(admin, name)
            raise
    return [Restored(service, rows[service], former[names[service]]) for service in services]


def bring_files_back(root: Path, folder: Path, services: Sequence[str], key: bytes) -> int:
    """How many files came back: those of the services that are not there; none is ever replaced."""
    count = 0
    with sealed(folder, FILES, key) as source, tarfile.open(mode="r|", fileobj=source) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is not None and _belongs(member.name, services):
                count += _brought_back(root / member.name, content.read(), member.mode)
    return count


@contextmanager
def sealed(folder: Path, holds: str, key: bytes) -> Iterator[IO[bytes]]:
    """The plain content of one piece of a backup."""
    name = holds + SUFFIX
    with (folder / name).open("rb") as file:
        yield io.BufferedReader(SealedReader(file, key, name))


def _belongs(name: str, services: Sequence[str]) -> bool:
    if DOCUMENT.fullmatch(name):
        return name.split("/")[1] in services
    return "portal" in services and ACCOUNT_FILE.fullmatch(name) is not None


def _brought_back(path: Path, content: bytes, mode: int) -> bool:
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_bytes(content)
    draft.chmod(mode & 0o777)
    draft.replace(path)
    return True


def _ensure_idle(admin: Admin, names: Sequence[str]) -> None:
    found = admin.execute(
        "SELECT DISTINCT datname, application_name FROM pg_stat_activity WHERE datname = ANY(%s) "
        "AND backend_type = 'client backend' ORDER BY 1, 2",
        (list(names),),
    ).fetchall()
    if found:
        at_work = ", ".join(f"{name or 'somebody'} on {database}" for database, name in found)
        raise Conflict(
            "service_running",
            f"Sessions are open: {at_work}. What they write now would be lost; stop these processes first.",
        )


def _ensure_known_schema(place: Place, service: str, database: str) -> None:
    """An older schema is brought up to date at the next start; a newer one cannot be taken back."""
    script = ScriptDirectory.from_config(config_for(service))
    with place.server.connect(database) as connection:
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    known = {revision.revision for revision in script.walk_revisions()}
    if unknown := [str(version) for (version,) in rows if version not in known]:
        raise Rejected(
            "schema_unknown",
            f"The backup of {service} was made by a newer release (schema {', '.join(unknown)}), which this "
            "one cannot read. Install that release, then restore.",
        )


def _halt(place: Place, name: str, fresh: str, origin: str) -> None:
    """The restored journal stands still, and knows the epochs that the database before it knew.

    An epoch's number must never be given twice, and the former database may have begun some since the backup.
    """
    with place.server.connect(name) as connection:
        present = connection.execute("SELECT to_regclass('journal_epochs')").fetchone() != (None,)
        epochs = connection.execute("SELECT epoch, reason FROM journal_epochs").fetchall() if present else []
    reason = f"the database was restored from {origin}; what was recorded since is lost to it."
    with place.server.connect(fresh) as connection, connection.transaction():
        for epoch, why in epochs:
            connection.execute(
                "INSERT INTO journal_epochs (epoch, first_position, reason) "
                "SELECT %s, count(*) + 1, %s FROM journal ON CONFLICT DO NOTHING",
                (epoch, f"of the database before this one: {why}"),
            )
        connection.execute("UPDATE journal_cursor SET halted = %s", (reason,))


def _journal_rows(place: Place, database: str) -> int:
    with place.server.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM journal").fetchone()
    return int(str(row[0])) if row else 0


def _swap(admin: Admin, fresh: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The name of each former database, after all names were exchanged in one transaction."""
    former = {name: FORMER.format(name=name, now=now) for name in fresh}
    renamed = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    try:
        with admin.transaction():
            for name, other in fresh.items():
                admin.execute(renamed.format(sql.Identifier(name), sql.Identifier(former[name])))
                admin.execute(renamed.format(sql.Identifier(other), sql.Identifier(name)))
    except psycopg.errors.ObjectInUse as error:
        raise Conflict(
            "service_running",
            f"Somebody came to work on a database meanwhile ({error}); stop them and repeat.",
        ) from error
    return former


def _drop(admin: Admin, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
