"""Backups of the containers: taken when they are due, with their age at /metrics for pages and alarms.

`python -m deploy.images.backups` stays and takes them; with `--now` it takes one and ends. Databases are
reached as superuser over the network, and documents lie in the services' own volumes, seen read-only.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from sqlalchemy.exc import OperationalError

from deploy.backup.configuration import settings_of
from deploy.backup.programs import Programs
from deploy.backup.schedule import Schedule
from deploy.backup.serving import Place
from deploy.backup.taking import back_up
from deploy.local.postgres import SUPERUSER, Server
from deploy.local.postgres_binaries import find_binaries
from deploy.local.spawn import CannotStart, Program
from deploy.local.state import Home, home_of
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Rejected, Unavailable

TICK_S = 1.0
NICENESS = 10
LOG = "backup.log"


def main() -> int:
    """The exit status: 0 after a stop signal or a good backup, 1 where something was in the way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="host:port")
    parser.add_argument("--superuser-password", type=Path, required=True, help="a file that holds it")
    parser.add_argument("--states", type=Path, required=True, help="a folder with the state of each service")
    parser.add_argument("--host", default="127.0.0.1", help="where the age can be read")
    parser.add_argument("--port", type=int, default=0, help="as above")
    parser.add_argument("--now", action="store_true", help="take one backup and end")
    options = parser.parse_args()
    home = home_of(os.environ)
    try:
        return _take(home, options) if options.now else _stay(home, options)
    except (Rejected, Unavailable) as error:
        sys.stderr.write(f"{error.message}\n")
    except (CannotStart, OSError, OperationalError) as error:
        sys.stderr.write(f"{str(error).splitlines()[0]}\n")
    return 1


def _stay(home: Home, options: argparse.Namespace) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    argv = (sys.executable, "-m", "deploy.images.backups", *sys.argv[1:], "--now")
    log = Path(os.environ.get("TMPDIR", "/tmp")) / LOG  # noqa: S108 - what a container of ours may write
    schedule = Schedule(home, os.environ, SystemClock(), Program(argv, log, os.environ))
    with schedule.served(options.host, options.port):
        while not stop.wait(TICK_S):
            if (news := schedule.tick()) is not None:
                sys.stdout.write(f"{news}\n")
    return 0


def _take(home: Home, options: argparse.Namespace) -> int:
    os.nice(NICENESS)
    settings = settings_of(home, os.environ)
    host, _, port = options.server.rpartition(":")
    password = options.superuser_password.read_text().strip()
    server = Server(host, int(port), SUPERUSER, password, "container")
    place = Place(home, server, Programs(find_binaries(os.environ).folder, server))
    states = sorted(path for path in options.states.iterdir() if path.is_dir())
    folder = back_up(place, settings.shelf, SystemClock().now().replace(microsecond=0), states=states)
    settings.shelf.keep_only(settings.keep)
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
