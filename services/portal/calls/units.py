"""Names of units: what every page needs for the ids that services speak of.

They change with a resolution of the National Assembly and with nothing else, so a process asks once an hour.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from services.portal.calls.services import Away, Caller, Refused

KEPT_S = 3_600.0
DAYS_MAX = 64
BEFORE_MERGERS = "2024-01-15"  # a day on which the units stood that lists and roles of 2024 speak of

_kept: dict[str, tuple[float, list[Mapping[str, Any]]]] = {}


def of_day(caller: Caller, day: str = "") -> list[Mapping[str, Any]]:
    """All units of a business date, or of today. Raises: Refused, Away."""
    day = day or caller.headers.get("Business-Date", "")
    found = _kept.get(day)
    if found is None or time.monotonic() - found[0] > KEPT_S:
        rows = list(caller.pages("allocation", "/v1/units", {"on": day}))  # two at once ask twice, and agree
        if len(_kept) >= DAYS_MAX:
            _kept.clear()
        found = _kept[day] = (time.monotonic(), rows)
    return found[1]


def names(caller: Caller, days: Iterable[str] = ()) -> dict[str, str]:
    """The names of the units of today and of the given days, by id.

    A unit that was merged is called what it was called then. Where allocation does not answer, ids stay ids.
    """
    try:
        return {str(one["id"]): str(one["name"]) for day in {*days, ""} for one in of_day(caller, day)}
    except (Away, Refused):
        return {}
