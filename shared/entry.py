"""`python -m services.<name> api|worker|jobs|migrate`: one way in for every process of every service."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from flask import Flask
from sqlalchemy import MetaData

from shared.db.engine import make_engine
from shared.db.migrations import migrate
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.clock import SystemClock
from shared.settings import SettingMissing, Settings, owner_database_url
from shared.telemetry.logs import configure
from shared.web.server import Server

Role = Callable[[Settings], int]


def main(service: str, roles: Mapping[str, Role]) -> int:
    """The exit status of the role that the command line names."""
    arguments = sys.argv[1:]
    if len(arguments) != 1 or arguments[0] not in roles:
        sys.stderr.write(f"Usage: python -m services.{service} {'|'.join(roles)}\n")
        return 2
    try:
        settings = Settings.from_environment(os.environ)
    except SettingMissing as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure(service, arguments[0], settings.log_level)
    return roles[arguments[0]](settings)


def api(create_app: Callable[[Settings], Flask]) -> Role:
    """The role that answers HTTP."""

    def serve(settings: Settings) -> int:
        sys.argv = sys.argv[:1]  # gunicorn reads the command line too, and ours is none of its business
        Server(settings, lambda: create_app(settings)).run()
        return 0

    return serve


def migration(
    service: str, metadata: MetaData, after: Callable[[UnitOfWork, Settings], None] = lambda *_: None
) -> Role:
    """The role that brings the database to the newest state and then loads what the service starts with.

    The tables are made by the owner; what is loaded goes through handlers, as the service's own role.
    """

    def run(settings: Settings) -> int:
        owner = make_engine(owner_database_url(os.environ), application=f"{service}-migrate", pool_size=1)
        migrate(owner, service, metadata)
        owner.dispose()
        engine = make_engine(settings.database_url, application=f"{service}-load", pool_size=1)
        after(UnitOfWork(engine, SystemClock()), settings)
        engine.dispose()
        return 0

    return run
