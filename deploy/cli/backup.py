"""`fundtrail backup`: keep every database and document, sealed, in a second place."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from datetime import datetime, timedelta

from sqlalchemy.exc import OperationalError

from deploy.backup.configuration import BackupSettings, settings_of
from deploy.backup.moments import forget_old, take_base, write_ahead_of
from deploy.backup.serving import reached
from deploy.backup.shelf import Backup
from deploy.backup.taking import back_up
from deploy.local.spawn import CannotStart
from deploy.local.state import Home, home_of
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Rejected, Unavailable

MIB = 1 << 20


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command with its arguments."""
    parser = subparsers.add_parser("backup", help="keep databases and documents in a second place")
    parser.add_argument("--to", metavar="FOLDER", help="the second place; else FUNDTRAIL_BACKUP_DIR")
    parser.add_argument(
        "--at-most-every", metavar="HOURS", type=float, help="nothing, where the last is newer"
    )
    parser.add_argument(
        "--list", action="store_true", help="show the backups there are, and how old the last is"
    )
    parser.add_argument(
        "--base", action="store_true", help="all databases at once, for restoring to a moment"
    )
    parser.add_argument("--follow", action="store_true", help="receive the write-ahead log until stopped")
    parser.add_argument("--niceness", type=int, default=0, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit status: 0 where there is a good backup now, 1 where not."""
    home = home_of(os.environ)
    os.nice(arguments.niceness)
    now = SystemClock().now()
    try:
        settings = settings_of(home, os.environ, arguments.to)
        if arguments.list:
            return _list(settings, now)
        if _is_recent(settings, now, arguments.at_most_every):
            sys.stdout.write("The last good backup is recent enough; nothing was done.\n")
            return 0
        if arguments.follow:
            return _follow(home, settings)
        return _take(home, settings, now.replace(microsecond=0), base=arguments.base)
    except (Rejected, Unavailable) as error:
        sys.stderr.write(f"{error.message}\n")
    except (CannotStart, OperationalError) as error:
        sys.stderr.write(f"{str(error).splitlines()[0]}\n")
    return 1


def _follow(home: Home, settings: BackupSettings) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings.shelf.key_for_writing()
    with reached(home, os.environ) as place:
        write_ahead_of(place, settings.shelf).follow(place.programs, stop)
    return 0


def _take(home: Home, settings: BackupSettings, now: datetime, *, base: bool) -> int:
    with reached(home, os.environ) as place:
        take = take_base if base else back_up
        folder = take(place, settings.shelf, now)
        log = write_ahead_of(place, settings.shelf)
    removed = (
        forget_old(settings.shelf, log, settings.keep) if base else settings.shelf.keep_only(settings.keep)
    )
    sys.stdout.write(f"{folder}\n")
    sys.stdout.write("".join(f"Removed {one}: only {settings.keep} are kept.\n" for one in removed))
    if settings.warning:
        sys.stderr.write(f"{settings.warning}\n")
    return 0


def _is_recent(settings: BackupSettings, now: datetime, hours: float | None) -> bool:
    age = settings.shelf.age(now) if hours else None
    return age is not None and age < timedelta(hours=hours or 0)


def _list(settings: BackupSettings, now: datetime) -> int:
    for one in settings.shelf.backups():
        sys.stdout.write(f"{_line(one)}\n")
    age = settings.shelf.age(now)
    told = "there is none" if age is None else f"{age.total_seconds() / 3600:.1f} hours old"
    sys.stdout.write(f"Last good backup: {told}.\n")
    return 0 if age is not None else 1


def _line(one: Backup) -> str:
    if one.good is None:
        return f"{one.folder.name}\tNOT GOOD\t{one.fault}"
    size = sum(piece.size_bytes for piece in one.good.pieces)
    return f"{one.folder.name}\t{one.good.kind}\t{size / MIB:.1f} MiB"
