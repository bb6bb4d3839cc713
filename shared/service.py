"""What every process of a service begins with: its database, seen as units of work."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Rejected
from shared.settings import Settings

Refusals = Mapping[str, Callable[[], Rejected]]


def make_unit_of_work(
    service: str, role: str, settings: Settings, refusals: Refusals | None = None
) -> UnitOfWork:
    """The unit of work of one process."""
    pool = settings.api_threads if role == "api" else 5
    engine = make_engine(settings.database_url, application=f"{service}-{role}", pool_size=pool)
    return UnitOfWork(engine, SystemClock(), refusals)
