"""A payment list as sheets of paper: which lines stand on which, and what is carried from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

# Rows that fit on A4 landscape beside the head, the signatures, or neither.
FIRST_ROWS, MIDDLE_ROWS, LAST_ROWS = 8, 14, 7
FIRST_LAST_ROWS = 2  # head and signatures on one sheet
PART_SHEETS = 16  # printed at a time: a page of some 120 KB


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of one sheet: the number of sheet and first line, both from 1, and how many there are."""

    sheet: int
    first: int
    count: int
    last: bool


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


def plan_of(count: int) -> list[Span]:
    """Which lines of a list stand on which sheet; signatures never stand alone.

    Bounds: 8 rows on the first sheet, 14 on the next ones, 1 to 7 with the signatures.
    """
    spans: list[Span] = []
    place = 0
    while True:
        left = count - place
        room = MIDDLE_ROWS if spans else FIRST_ROWS
        last = left <= (LAST_ROWS if spans else FIRST_LAST_ROWS)
        rows = left if last else min(room, left - 1)
        spans.append(Span(len(spans) + 1, place + 1, rows, last))
        if last:
            return spans
        place += rows


def parts_of(plan: Sequence[Span]) -> list[Sequence[Span]]:
    """The sheets as they are printed, some at a time."""
    return [plan[start : start + PART_SHEETS] for start in range(0, len(plan), PART_SHEETS)]


def rows_of(signatures: Iterable[Mapping[str, Any]], units: Mapping[str, str]) -> Iterator[PaperRow]:
    """Lines as they stand on paper."""
    for one in signatures:
        person = one["person"] or {}
        unit_id = str(person.get("commune_id", ""))
        yield PaperRow(
            one["number"],
            person.get("full_name", str(one["person_id"])),
            person.get("number", ""),
            units.get(unit_id, unit_id),
            one["monthly_vnd"],
            one["arrears_vnd"],
            one["recovery_vnd"],
            one["amount_vnd"],
            one["reissued_by"] is not None,
        )


def sheets_of(part: Iterable[Span], rows: Iterable[PaperRow], before_vnd: int) -> Iterator[Sheet]:
    """The sheets of a part, of their rows and the sum of all lines before them. Units: đồng."""
    left, carried = iter(rows), before_vnd
    for span in part:
        some = list(islice(left, span.count))
        total = carried + sum(row.amount_vnd for row in some)
        yield Sheet(span.sheet, carried, some, total, span.last)
        carried = total
