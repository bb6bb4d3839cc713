"""`fundtrail restore SERVICE|all --from BACKUP`: a database as it was, beside the one it replaces."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.exc import OperationalError

from deploy.backup.configuration import settings_of
from deploy.backup.moments import base_before, restore_to_moment
from deploy.backup.restoring import restore
from deploy.backup.serving import Place, stopped
from deploy.backup.shelf import Backup, Shelf
from deploy.cli.epoch import begin_epoch
from deploy.cli.operating import operator_act
from deploy.local.provisioning import SERVICES
from deploy.local.spawn import CannotStart
from deploy.local.state import home_of
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.clock import VIETNAM, SystemClock
from shared.kernel.errors import Rejected, Unavailable

ALL = "all"


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command with its arguments."""
    parser = subparsers.add_parser("restore", help="bring a database back as it was in a backup")
    parser.add_argument("service", choices=(*SERVICES, ALL))
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--from", dest="backup", help="the backup: its name, its folder, or `latest`")
    wanted.add_argument(
        "--until", type=_moment, metavar="TIME", help="a moment since a base: 2024-08-05T11:30+07:00"
    )
    parser.add_argument("--place", metavar="FOLDER", help="where backups are; else FUNDTRAIL_BACKUP_DIR")
    parser.add_argument(
        "--begin-epoch", metavar="REASON", help="let the services write again at their next start"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit status: 0 where everything was restored, 1 where nothing was."""
    home = home_of(os.environ)
    services = SERVICES if arguments.service == ALL else (arguments.service,)
    if not (arguments.backup or arguments.until or arguments.begin_epoch):
        sys.stderr.write("Say from where: --from BACKUP, or --until TIME.\n")
        return 2
    try:
        shelf = settings_of(home, os.environ, arguments.place).shelf
        backup = _chosen(shelf, arguments.backup, arguments.until)
        with stopped(home, os.environ) as place:
            if backup is not None:
                _restore(place, shelf, backup, services, arguments.until)
            if arguments.begin_epoch:
                _begin_epochs(place, services, arguments.begin_epoch)
                return 0
    except (Rejected, Unavailable) as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    except (CannotStart, OperationalError) as error:
        sys.stderr.write(f"{str(error).splitlines()[0]}\n")
        return 1
    sys.stdout.write(
        "They write nothing until each has begun a new epoch: see which rows are lost (`GET /v1/log/sources` "
        "of audit), then run `fundtrail epoch begin SERVICE --reason ...` where its database runs, or "
        "`fundtrail restore SERVICE --begin-epoch ...` where the instance is stopped.\n"
    )
    return 0


def _chosen(shelf: Shelf, name: str | None, until: datetime | None) -> Backup | None:
    if name is not None:
        return shelf.named(name)
    return None if until is None else base_before(shelf, until)


def _restore(
    place: Place, shelf: Shelf, backup: Backup, services: Sequence[str], until: datetime | None
) -> None:
    now = SystemClock().now()
    if until is None:
        restored = restore(place, backup, services, shelf.key(), now)
    else:
        restored = restore_to_moment(place, shelf, backup, services, until, now)
    was = f"in {backup.folder.name}" if until is None else f"at {until.isoformat()}"
    for one in restored:
        sys.stdout.write(
            f"{one.service} is as it was {was}, with {one.journal_rows} journal rows; the one before "
            f"it is kept as {one.former}.\n"
        )


def _moment(text: str) -> datetime:
    """A time as it is written; without a zone it is that of Vietnam."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=VIETNAM)


def _begin_epochs(place: Place, services: Sequence[str], reason: str) -> None:
    for service in services:
        engine = make_engine(place.server.url(service), application="fundtrail-operator", pool_size=1)
        try:
            unit_of_work = UnitOfWork(engine, SystemClock())
            epoch = begin_epoch(unit_of_work, operator_act(unit_of_work, reason))
        finally:
            engine.dispose()
        sys.stdout.write(f"Epoch {epoch.epoch} of {service} begins at position {epoch.first_position}.\n")
