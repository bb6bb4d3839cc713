"""What pages show of decisions: the annex as a tree, and how each line stands. Pure; it decides nothing.

Whether an article holds on a day is what allocation answers; here that answer and the amounts stand side by
side.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

Item = Mapping[str, Any]

PROVINCE, DISTRICT = 1, 2
ROWS_SHOWN = 100
STATES = ("draft", "submitted", "sent_back", "approved", "issued", "withdrawn")
KINDS = ("appropriation", "allocation", "supplement")
CAPITAL_KINDS = ("recurrent", "development")
COMPONENTS = (
    "merit-371",
    "new-rural",
    "cemetery-works",
    "cemetery-donor",
    "poverty-P1.1",
    "poverty-P1.2",
    "poverty-P2",
    "poverty-P3.1",
    "poverty-P3.2",
    "poverty-P4.1",
    "poverty-P4.2",
    "poverty-P4.3",
    "poverty-P5",
    "poverty-P6.1",
    "poverty-P6.2",
    "poverty-P7.1",
    "poverty-P7.2",
)
SOURCES = ("central", "province", "donor-da-nang")

_WITHDRAWAL = ("withdrawal", "decisions.draft")
_OF_ITS_MAKERS = (("revision", "decisions.draft"), _WITHDRAWAL)
# What may be done with a decision that stands so, and the permission for it; allocation has the last word.
STEPS: Mapping[str, Sequence[tuple[str, str]]] = {
    "draft": (("submission", "decisions.submit"), *_OF_ITS_MAKERS),
    "sent_back": (("submission", "decisions.submit"), *_OF_ITS_MAKERS),
    "submitted": (("approval", "decisions.approve"), ("return", "decisions.approve"), _WITHDRAWAL),
    "approved": (("issue", "decisions.issue"), ("return", "decisions.approve"), _WITHDRAWAL),
}
DRAWS_NOTHING = ("issued", "withdrawn")  # its money has moved, or never will


@dataclass(frozen=True, slots=True)
class Law:
    """The article of a line. Shape: `in_force` is None where allocation did not say."""

    citation: str
    title: str
    in_force: bool | None


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most an article permits a line. Units: đồng; `limit_vnd` is None where the quantity is missing."""

    each_vnd: int
    per: str
    quantity: int | None

    @property
    def limit_vnd(self) -> int | None:
        """The ceiling of the article times the quantity of the line."""
        return None if self.quantity is None else self.each_vnd * self.quantity


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the tree: a heading with its subtotal, or a line of the decision.

    Units: đồng. Shape: `left_vnd` is what the account holds once this line and those before it are paid from
    it, None where that is not known or the decision has moved its money already.
    """

    depth: int
    name: str
    amount_vnd: int
    line: Item | None = None
    lines: int = 1
    law: Law | None = None
    ceiling: Ceiling | None = None
    left_vnd: int | None = None

    @property
    def within(self) -> bool | None:
        """Whether the line keeps to its ceiling; None where there is none or the quantity is missing."""
        limit = self.ceiling.limit_vnd if self.ceiling else None
        return None if limit is None else self.amount_vnd <= limit


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands in the tree: under a district, under works, or under nothing. `key` tells apart."""

    key: str
    name: str


def tree(lines: Sequence[Item], units: Mapping[str, Item], works: str, all_: str) -> list[Row]:
    """The lines under their districts with subtotals, in the order in which the decision names them.

    `works` and `all_` are the words over lines without a unit and over the whole.
    """
    groups: dict[Place | None, list[Item]] = {}
    for line in lines:
        groups.setdefault(_place(line, units, works), []).append(line)
    if len(groups) == 1 and not any(line["unit_id"] for line in lines):
        groups = {None: list(lines)}
    rows = [Row(0, all_, sum(line["amount_vnd"] for line in lines), lines=len(lines))]
    for place, members in groups.items():
        rows += _group(place, members, units)
    return rows


def _place(line: Item, units: Mapping[str, Item], works: str) -> Place | None:
    unit = units.get(str(line["unit_id"])) if line["unit_id"] else None
    if unit is None:
        return None if line["unit_id"] else Place("works", works)
    parent = units.get(str(unit["parent_id"]))
    if unit["level"] <= DISTRICT or parent is None or parent["level"] < DISTRICT:
        return None
    return Place(str(parent["id"]), str(parent["name"]))


def _group(place: Place | None, members: Sequence[Item], units: Mapping[str, Item]) -> Iterator[Row]:
    depth = 1
    if place is not None:
        yield Row(1, place.name, sum(line["amount_vnd"] for line in members), lines=len(members))
        depth = 2
    for line in members:
        yield Row(depth, _name(line, units), line["amount_vnd"], line)


def _name(line: Item, units: Mapping[str, Item]) -> str:
    """The text of the line, with the name of its unit where that says more."""
    text, unit = str(line["text"]), units.get(str(line["unit_id"]))
    if unit is None:
        return text
    said, name = text.lower(), str(unit["name"])
    if said in name.lower():
        return name
    return text if name.lower() in said else f"{text} – {name}"


def day_of_units(one: Item, today: date) -> date:
    """The day as of which a decision names units: that of its issue, else one of its year, at most today."""
    if one["issued_on"]:
        return date.fromisoformat(one["issued_on"])
    return min(today, date(one["fiscal_year"], 12, 31))


def judged(rows: Iterable[Row], laws: Mapping[str, Item], in_force: set[str] | None) -> list[Row]:
    """The rows with the article of each line and the ceiling it sets."""
    return [_judged(row, laws, in_force) for row in rows]


def _judged(row: Row, laws: Mapping[str, Item], in_force: set[str] | None) -> Row:
    article = laws.get(str(row.line["article_id"])) if row.line else None
    if row.line is None or article is None:
        return row
    holds = None if in_force is None else str(article["id"]) in in_force
    ceiling = None
    if article["ceiling_vnd"] is not None:
        ceiling = Ceiling(article["ceiling_vnd"], str(article["ceiling_per"]), row.line["quantity"])
    return replace(row, law=Law(article["citation"], article["title"], holds), ceiling=ceiling)


def drawn_down(rows: Iterable[Row], available_vnd: int | None) -> list[Row]:
    """The rows with what is left on the account after each line, in the order of the tree."""
    if available_vnd is None:
        return list(rows)
    left, found = available_vnd, []
    for row in rows:
        left -= row.amount_vnd if row.line else 0
        found.append(replace(row, left_vnd=left) if row.line else row)
    return found


def steps(state: str, may: Iterable[str]) -> list[str]:
    """What may be done next by somebody who holds these permissions."""
    held = set(may)
    return [step for step, permission in STEPS.get(state, ()) if permission in held]


@dataclass(frozen=True, slots=True)
class Account:
    """The account that a decision draws on. Shape: `bounded` is False for a source outside the ledger."""

    role: str
    bounded: bool
    available_vnd: int | None


def account_query(decision: Item) -> dict[str, Any]:
    """Which account a decision draws on: the source of its money, or the envelope of who issues it."""
    query = {name: decision[name] for name in ("fiscal_year", "component", "source", "capital_kind")}
    if decision["kind"] == "appropriation":
        return query | {"role": "source"}
    return query | {"role": "envelope", "unit_id": decision["issuing_unit_id"]}


def account_of(decision: Item, found: Sequence[Item]) -> Account:
    """The account with what is on it; nothing is where no money has come yet."""
    if decision["kind"] == "appropriation":
        return Account("source", bounded=False, available_vnd=None)
    return Account("envelope", bounded=True, available_vnd=sum(one["available_vnd"] for one in found))


@dataclass(frozen=True, slots=True)
class Window:
    """A part of many rows, and where those before and after it begin."""

    rows: Sequence[Row]
    before: int | None
    after: int | None


def window(rows: Sequence[Row], start: int, size: int = ROWS_SHOWN) -> Window:
    """The rows from a place on. Bounds: `size` rows; a place that does not exist is the first."""
    start = start if 0 <= start < len(rows) else 0
    after = start + size if start + size < len(rows) else None
    return Window(rows[start : start + size], max(start - size, 0) if start else None, after)


@dataclass(frozen=True, slots=True)
class Reckoned:
    """How one amount of a formula came about. Units: đồng. Shape: classes, or a count of a whole."""

    unit_id: str
    classes: Sequence[str]
    count: int
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The whole calculation, so that a person can do it again. Units: đồng."""

    instrument: str
    total_vnd: int
    whole: int
    by_count: bool
    parts: Sequence[Reckoned]

    def behind(self, rows: Iterable[Row]) -> list[Reckoned]:
        """How the amounts of these rows came about, in their order."""
        by_unit = {part.unit_id: part for part in self.parts}
        units = [str(row.line["unit_id"]) for row in rows if row.line]
        return [by_unit[unit] for unit in units if unit in by_unit]


def arithmetic(text: str | None) -> Arithmetic | None:
    """The calculation that a decision was made from; None where it was made otherwise."""
    if not text:
        return None
    kept = json.loads(text)
    computed, shares = kept["computed"], kept["shares"]
    parts = [
        Reckoned(str(part["unit_id"]), share["classes"], share["count"], part["amount"])
        for part, share in zip(computed["parts"], shares, strict=True)
    ]
    whole = sum(part.count for part in parts)
    return Arithmetic(computed["instrument"], computed["total"], whole, whole > 0, parts)


@dataclass(frozen=True, slots=True)
class RowFaults:
    """All that is wrong with one row of an annex. Shape: `row` is None for what concerns the whole file.

    `may_be_work`: the row names no unit, so an officer may confirm that it means a work.
    """

    row: int | None
    faults: Sequence[Item]
    value: str
    cure: str
    may_be_work: bool


def faults_by_row(faults: Sequence[Item]) -> list[RowFaults]:
    """The faults of an annex, row by row as they stand in the sheet; those of the whole file first."""
    rows: dict[int | None, list[Item]] = {}
    for fault in faults:
        rows.setdefault(fault.get("row"), []).append(fault)
    return [_of_row(row, rows[row]) for row in sorted(rows, key=lambda row: row or 0)]


def _of_row(row: int | None, faults: Sequence[Item]) -> RowFaults:
    codes = {fault["code"] for fault in faults}
    return RowFaults(
        row,
        [fault for fault in faults if fault["code"] != "unit_unconfirmed" or len(codes) == 1],
        next((str(fault["value"]) for fault in faults if fault.get("value")), ""),
        next((str(fault["cure"]) for fault in faults if fault.get("cure")), ""),
        "unit_unconfirmed" in codes and not codes & {"unit_unknown", "unit_ambiguous"},
    )
