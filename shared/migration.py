"""The role that brings a service's database to the newest state and loads what the service starts with.

The tables are made by the owner; what is loaded goes through handlers, as the service's own role.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from sqlalchemy import MetaData

from shared.db.engine import make_engine
from shared.db.migrations import migrate
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.clock import SystemClock
from shared.settings import Settings, owner_database_url


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
    load(UnitOfWork(engine, SystemClock()), settings)
    engine.dispose()
    return 0
