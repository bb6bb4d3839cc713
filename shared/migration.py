"""The role that brings a service's database to the newest state and loads what the service starts with.

The tables are made by the owner; what is loaded goes through handlers, as the service's own role.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import structlog
from sqlalchemy import MetaData, select

from shared.db.engine import make_engine
from shared.db.migrations import migrate
from shared.db.unit_of_work import UnitOfWork
from shared.journal.tables import journal_cursor
from shared.kernel.clock import SystemClock
from shared.settings import Settings, owner_database_url

log = structlog.get_logger(__name__)


def run(
    service: str,
    metadata: MetaData,
    settings: Settings,
    load: Callable[[UnitOfWork, Settings], None] = lambda *_: None,
) -> int:
    """The exit status: 0 once tables, grants and first rows are there."""
    owner = make_engine(owner_database_url(os.environ), application=f"{service}-migrate", pool_size=1)
    migrate(owner, service, metadata)
    owner.dispose()
    engine = make_engine(settings.database_url, application=f"{service}-load", pool_size=1)
    unit_of_work = UnitOfWork(engine, SystemClock())
    with unit_of_work.reading() as connection:
        halted = connection.scalar(select(journal_cursor.c.halted))
    if halted is None:
        load(unit_of_work, settings)
    else:  # it was loaded before the restore; the service starts, answers questions and refuses to write
        log.warning("load_left_out", service=service, cause=halted)
    engine.dispose()
    return 0
