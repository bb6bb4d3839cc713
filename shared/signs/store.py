"""Leaving and reading signs of life; the time is the database's, which all processes of a service share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, RowMapping, text

from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.kernel.errors import Unavailable

FORGOTTEN_AFTER = "1 day"  # a process that is gone for so long is missed no more
LEAVE = text(
    """
    INSERT INTO process_signs (role, member, started_at, seen_at, slowest)
    SELECT
        :role, :member, now() - make_interval(secs => :up_s), now() - make_interval(secs => :age_s), :slowest
    ON CONFLICT (role, member) DO UPDATE
    SET started_at = EXCLUDED.started_at, seen_at = EXCLUDED.seen_at, slowest = EXCLUDED.slowest
    """
)
FORGET = text(f"DELETE FROM process_signs WHERE seen_at < now() - interval '{FORGOTTEN_AFTER}'")
READ = text(
    """
    SELECT role, member, started_at, seen_at, slowest,
        CAST(greatest(extract(epoch FROM clock_timestamp() - seen_at), 0) AS integer) AS age_s
    FROM process_signs ORDER BY role, member
    """
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Signs:
    """Leaves the signs of one process; called from time to time, whatever its loops do."""

    unit_of_work: UnitOfWork
    role: str
    member: str

    def leave(self, up_s: float, age_s: float, slowest: str) -> None:
        """The process is up for so long, and its slowest loop went round so long ago. Units: seconds.

        A database that cannot be reached is told in the log, and asked again next time.
        """
        found = {"role": self.role, "member": self.member, "up_s": up_s, "age_s": age_s, "slowest": slowest}
        act = Act.system(self.role, self.unit_of_work.clock.now())
        try:
            with self.unit_of_work.begin(act, although_halted=True) as work:
                work.connection.execute(LEAVE, found)
                work.connection.execute(FORGET)
        except Unavailable as error:
            log.warning("no_sign_left", cause=error.message)


def read(connection: Connection) -> Sequence[RowMapping]:
    """The last sign of each process that was there within a day, with its age in seconds."""
    rows: Sequence[Any] = connection.execute(READ).mappings().all()
    return rows
