"""Months as values: benefits, lists and ledgers are counted by the month."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from shared.kernel.errors import Rejected

_TEXT = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
MONTHS = 12
PARSED_MAX = 2_400  # two hundred years of months


class Period(NamedTuple):
    """One calendar month, ordered by time."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """The period written as YYYY-MM.

        Raises: Rejected period_invalid.
        """
        return _parse(text)

    @classmethod
    def of(cls, day: date) -> Period:
        """The month a day lies in."""
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return _written(self)

    def next(self) -> Period:
        """The month after this one."""
        return self._shifted(1)

    def previous(self) -> Period:
        """The month before this one."""
        return self._shifted(-1)

    def months_until(self, last: Period) -> list[Period]:
        """Every month from this one to the last, both included; empty when the last lies before."""
        months = []
        period = self
        while period <= last:
            months.append(period)
            period = period.next()
        return months

    @property
    def first_day(self) -> date:
        """The first day of the month."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """The last day of the month."""
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    @property
    def fiscal_year(self) -> int:
        """The budget year, which is the calendar year. Source: Law 83/2015/QH13 Art. 14."""
        return self.year

    def _shifted(self, months: int) -> Period:
        index = self.year * MONTHS + (self.month - 1) + months
        return Period(index // MONTHS, index % MONTHS + 1)


@lru_cache(maxsize=PARSED_MAX)
def _parse(text: str) -> Period:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise Rejected("period_invalid", f'"{text}" is not a month; write year and month as 2024-08.')
    return Period(int(match[1]), int(match[2]))


@lru_cache(maxsize=PARSED_MAX)
def _written(period: Period) -> str:
    return f"{period.year:04d}-{period.month:02d}"
