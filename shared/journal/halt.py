"""A restored database must not write before an operator says so: others know more than it does."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from shared.journal.tables import journal_cursor
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable

CHECK_EVERY = timedelta(seconds=1)
RETRY_AFTER_S = 60


class Watch:
    """Looks at most once a second whether the journal is halted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._checked_at: datetime | None = None

    def ensure_running(self, connection: Connection) -> None:
        """Nothing, where the journal may grow.

        Raises: Unavailable with the way out, where the bus holds facts that this database has lost.
        """
        now = self._clock.now()
        if self._checked_at is not None and timedelta(0) <= now - self._checked_at < CHECK_EVERY:
            return
        self._checked_at = None
        halted = connection.scalar(select(journal_cursor.c.halted))
        if halted is not None:
            raise Unavailable(
                f"Writing is halted: {halted} Run `fundtrail epoch begin --reason ...` to go on.",
                RETRY_AFTER_S,
            )
        self._checked_at = now
