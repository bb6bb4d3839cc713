"""Months as they stand in addresses: only those that benefits can have been paid for."""

from __future__ import annotations

from shared.kernel.errors import Rejected
from shared.kernel.periods import Period

FIRST, LAST = Period(1995, 1), Period(2099, 12)  # the first ordinance on merit came into force in 1995


def parse_month(text: str) -> Period:
    """The month written as YYYY-MM. Raises: Rejected period_invalid."""
    period = Period.parse(text)
    if not FIRST <= period <= LAST:
        raise Rejected("period_invalid", f"{period} is out of range; months go from {FIRST} to {LAST}.")
    return period
