"""A payment list as sheets of paper: rows, and what is carried from one sheet to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.portal.months.model import kinds_of
from shared.kernel.names import sort_key

# Rows that fit on A4 landscape beside the head, the signatures, or neither.
FIRST_ROWS, MIDDLE_ROWS, LAST_ROWS = 8, 14, 7
FIRST_LAST_ROWS = 2  # head and signatures on one sheet


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One payment on paper; what another list pays again is not signed for. Units: đồng, recoveries < 0.

    Who may not see the persons of a commune gets an id for the name, and neither dossier nor commune.
    """

    number: int
    person: str
    dossier: str
    commune: str
    monthly_vnd: int
    arrears_vnd: int
    recovery_vnd: int
    amount_vnd: int
    paid_again: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: what came from the sheets before, its rows, and the sum up to here. Units: đồng."""

    number: int
    carried_vnd: int
    rows: Sequence[PaperRow]
    sum_vnd: int
    last: bool


def rows_of(payments: Iterable[Mapping[str, Any]], units: Mapping[str, str]) -> Iterator[PaperRow]:
    """Payments as they stand on paper: commune by commune, by name, numbered from 1."""
    for number, one in enumerate(sorted(payments, key=lambda one: _order(one, units)), 1):
        kinds, person = kinds_of(one["obligations"]), one["person"] or {}
        yield PaperRow(
            number,
            person.get("full_name", str(one["person_id"])),
            person.get("number", ""),
            _commune(person, units),
            kinds["monthly"],
            kinds["arrears"],
            kinds["recovery"],
            int(one["amount_vnd"]),
            one.get("reissued_by") is not None,
        )


def _order(payment: Mapping[str, Any], units: Mapping[str, str]) -> tuple[str, str, str, str]:
    """Vietnamese names are in order of the given name, which stands last, then of the whole."""
    person = payment["person"]
    if person is None:
        return "", "", "", str(payment["person_id"])
    name = str(person["full_name"])
    given = sort_key(name.rpartition(" ")[2])
    return sort_key(_commune(person, units)), given, sort_key(name), str(person["number"])


def _commune(person: Mapping[str, Any], units: Mapping[str, str]) -> str:
    unit_id = str(person.get("commune_id", ""))
    return units.get(unit_id, unit_id)


def sheets_of(rows: Sequence[PaperRow]) -> list[Sheet]:
    """The sheets of a list; signatures never stand alone.

    Bounds: 8 rows on the first sheet, 14 on the next ones, 1 to 7 with the signatures.
    """
    sheets: list[Sheet] = []
    place, carried = 0, 0
    while True:
        left = len(rows) - place
        room = MIDDLE_ROWS if sheets else FIRST_ROWS
        last = left <= (LAST_ROWS if sheets else FIRST_LAST_ROWS)
        some = rows[place : place + (left if last else min(room, left - 1))]
        total = carried + sum(row.amount_vnd for row in some)
        sheets.append(Sheet(len(sheets) + 1, carried, some, total, last))
        if last:
            return sheets
        place, carried = place + len(some), total
