"""A decision on sheets of A4: which rows fit on which, what is carried forward, the code on each. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.portal.decisions.model import Row
from shared.kernel import canonical, money

# Units: tenths of a millimetre on A4 landscape, as look/styles/paper.css sets it.
ROW, MORE = 86, 58  # a row of one line, and each further line in it
FIRST, OTHER = 800, 1_360  # what is free for rows under the head of a decision, and on the sheets after it
TITLE_CHARS, TITLE = 70, 62  # of the title in one line, and the height of each further one
CLOSING = 560  # total in words and signatures
CARRY = 2 * ROW
CHARS = 40  # of a text in one line of its column
BASIS_CHARS, NOTE_CHARS = 24, 14
# What is signed of a decision. Its number and day are written on the signed paper before they are entered.
HEADER = (
    "id",
    "title",
    "fiscal_year",
    "component",
    "source",
    "capital_kind",
    "issuing_unit_id",
    "total_vnd",
    "arithmetic",
)
LINE = ("position", "label", "text", "unit_id", "article_id", "amount_vnd", "quantity", "note")
MARK_CHARS = 12  # 48 bits: two contents of one decision are told apart, and a person can compare them by eye


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. Units: đồng. Shape: `brought_vnd` is on the sheets before it, `carried_vnd` with it."""

    number: int
    rows: Sequence[Row]
    brought_vnd: int
    carried_vnd: int
    first: bool
    last: bool


def mark_of(decision: Mapping[str, Any]) -> str:
    """What a paper bears to tell its content from any other, whichever desk the decision has come to.

    Shape: the first 12 hexadecimal digits of the SHA-256 of what is printed.
    """
    header = {name: decision[name] for name in HEADER}
    lines = [{name: line[name] for name in LINE} for line in decision["lines"]]
    content = canonical.encode({**header, "lines": sorted(lines, key=lambda line: line["position"])})
    return hashlib.sha256(content).hexdigest()[:MARK_CHARS]


def sheets(rows: Sequence[Row], citations: Mapping[str, str], title: str = "") -> list[Sheet]:
    """The rows on as many sheets as they need; the closing stands with at least one row.

    The row over the whole is left out: the total stands at the end.
    """
    first = FIRST - TITLE * (max(len(title) - 1, 0) // TITLE_CHARS)
    parts = list(_parts([(row, height(row, citations)) for row in rows if row.depth], first))
    found: list[Sheet] = []
    brought = 0
    for number, part in enumerate(parts, 1):
        carried = brought + sum(row.amount_vnd for row in part if row.line)
        found.append(Sheet(number, part, brought, carried, number == 1, number == len(parts)))
        brought = carried
    return found


def _parts(rows: Sequence[tuple[Row, int]], room: int) -> Iterator[list[Row]]:
    part: list[tuple[Row, int]] = []
    for row, high in rows:
        if part and high > room:
            moved = [part.pop()] if part[-1][0].line is None and len(part) > 1 else []
            yield [one for one, _ in part]
            part, room = moved, OTHER - CARRY - sum(above for _, above in moved)
        part.append((row, high))
        room -= high
    last = [one for one, _ in part]
    if len(last) > 1 and room < CLOSING:
        keep = _kept_with_the_end(last)
        yield last[:-keep]
        last = last[-keep:]
    yield last


def _kept_with_the_end(part: Sequence[Row]) -> int:
    """How many rows go over to the sheet of the signatures: the last line, with its heading."""
    return 2 if len(part) > 2 and part[-2].line is None else 1


def height(row: Row, citations: Mapping[str, str]) -> int:
    """How high a row is printed, by the length of its texts."""
    line = row.line or {"note": "", "article_id": ""}
    basis = citations.get(str(line["article_id"]), "")
    texts = ((row.name, CHARS), (basis, BASIS_CHARS), (str(line["note"]), NOTE_CHARS))
    lines = max(-(-max(len(text), 1) // width) for text, width in texts)
    return ROW + (lines - 1) * MORE


def in_words(total_vnd: int) -> str:
    """The total as it is written out at the foot of a decision."""
    return money.in_words(money.Money(total_vnd))
