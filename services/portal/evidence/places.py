"""Units to choose from: those of today and those before the mergers, named so that one knows which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.portal.calls import units
from services.portal.calls.services import Away, Caller, Refused
from services.portal.calls.units import BEFORE_MERGERS
from services.portal.look.formats import order_of


def choices(caller: Caller) -> list[tuple[str, str]]:
    """Ids of units with their names, in the order of a dictionary; none where allocation does not answer."""
    try:
        rows = [*units.of_day(caller, BEFORE_MERGERS), *units.of_day(caller)]
    except (Away, Refused):
        return []
    return named(rows)


def named(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The same for given rows: a commune is named with its district."""
    names = {str(row["id"]): str(row["name"]) for row in rows}
    above = {str(row["id"]): names.get(str(row["parent_id"]), "") for row in rows if row["level"] == 3}
    found = {key: f"{name} – {above[key]}" if above.get(key) else name for key, name in names.items()}
    return sorted(found.items(), key=lambda pair: order_of(pair[1]))
