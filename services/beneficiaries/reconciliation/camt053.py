"""Reading a bank's answer: ISO 20022 camt.053.001.08, streamed, with no entity, DTD or network in the way.

A debit entry with an end-to-end id says that the payee was paid; a credit entry, or one with return
information, says that the money came back and why. An entry that is not booked says nothing yet.
Which element says what stands in camt053.xsl, which is applied to some entries at a time.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from services.beneficiaries.reconciliation.model import UNSPECIFIED, Answer, Outcome
from shared.kernel.errors import Rejected
from shared.kernel.money import MAX_VND

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
DOCUMENT, ENTRY = (f"{{{NAMESPACE}}}{name}" for name in ("Document", "Ntry"))
BOOKED = ("BOOK", "")  # an entry without a status is one that was made
DIGITS_MAX = 16
DAY_CHARS = len("2024-08-05")
DAYS_MAX = 4_096  # different days whose reading is kept
ENTRIES_AT_ONCE = 500

_transactions = etree.XSLT(etree.parse(Path(__file__).with_suffix(".xsl")))


class _Entries(NamedTuple):
    """Entries that are read whole: the first so many of their parent, down to the last one."""

    parent: Any
    number: int
    last: Any


def read(content: bytes) -> Iterator[Answer]:
    """Every transaction of the statement; the row is its place in the file, counted from 1.

    Raises: Rejected statement_broken where the file is truncated, is no camt.053 or brings a DTD.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _declared()
    parsed = etree.iterparse(
        io.BytesIO(content),
        tag=ENTRY,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    row = 0
    try:
        for entries in _some_at_a_time(element for _, element in parsed):
            for line in _lines(entries):
                row += 1
                status, *fields = line.split("\t")
                if status in BOOKED:
                    yield _answer(row, *fields)
            del entries.parent[: entries.parent.index(entries.last) + 1]
    except etree.XMLSyntaxError as error:
        raise Rejected(
            "statement_broken", f"The file is not whole: {error.msg}. Ask the bank to send it again."
        ) from error
    root = parsed.root
    if root is None or root.tag != DOCUMENT:
        raise Rejected("statement_broken", "The file is no camt.053.001.08 statement.")


def _some_at_a_time(elements: Iterable[Any]) -> Iterator[_Entries]:
    """Entries of one parent, ENTRIES_AT_ONCE at most; the parser may be amid the one behind them."""
    parent, number, last = None, 0, None
    for element in elements:
        # A document type stands before the first entry, or nowhere; this one came in another encoding.
        if last is None and element.getroottree().docinfo.doctype:
            raise _declared()
        if number == ENTRIES_AT_ONCE or element.getparent() is not parent:
            if parent is not None:
                yield _Entries(parent, number, last)
            number = 0
        parent, number, last = element.getparent(), number + 1, element
    if parent is not None:
        yield _Entries(parent, number, last)


def _lines(entries: _Entries) -> list[str]:
    """What the stylesheet makes of them: a line for each transaction."""
    text = str(_transactions(entries.parent, whole=str(entries.number)))
    return text.split("\n")[:-1]


def _declared() -> Rejected:
    return Rejected(
        "statement_broken", "The file declares a DTD or entities, which a bank statement never does."
    )


def _answer(
    row: int, reference: str, amount: str, currency: str, returned: str, reason: str, value_on: str
) -> Answer:
    came_back = returned == "true"
    return Answer(
        row=row,
        reference=reference,
        amount_vnd=_whole(amount),
        currency=currency,
        outcome=Outcome.RETURNED if came_back else Outcome.SETTLED,
        reason_code=(reason or UNSPECIFIED) if came_back else None,
        value_on=_date(value_on[: DAY_CHARS + 1]),  # what is longer is no day, and is not kept
    )


def _whole(text: str) -> int | None:
    digits, _, fraction = text.partition(".")
    if not digits.isdecimal() or len(digits) > DIGITS_MAX or fraction.strip("0"):
        return None
    return amount if (amount := int(digits)) <= MAX_VND else None


@lru_cache(DAYS_MAX)
def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
