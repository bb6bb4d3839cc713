"""Time is passed in: instants are aware and in UTC, business dates are those of Vietnam."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class Clock(Protocol):
    """Whatever tells the time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def now(self) -> datetime:
        """The instant it was set to."""
        return self._instant

    def advance(self, by: timedelta) -> None:
        """Move forward by the given span."""
        self._instant += by


def business_date(instant: datetime) -> date:
    """The date in Vietnam at an instant."""
    return instant.astimezone(VIETNAM).date()


def at_business_noon(day: date) -> datetime:
    """Noon in Vietnam of a business date, as a UTC instant; used for acts that carry a date only."""
    return datetime.combine(day, time(12), tzinfo=VIETNAM).astimezone(UTC)
