"""Reading a bank's answer: ISO 20022 camt.053.001.08, streamed, with no entity, DTD or network in the way.

A debit entry with an end-to-end id says that the payee was paid; a credit entry, or one with return
information, says that the money came back and why. An entry that is not booked says nothing yet.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from lxml import etree

from services.beneficiaries.reconciliation.model import UNSPECIFIED, Answer, Outcome
from shared.kernel.errors import Rejected
from shared.kernel.money import MAX_VND

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_N = f"{{{NAMESPACE}}}"
BOOKED = "BOOK"
CREDIT = "CRDT"
DIGITS_MAX = 16
DAYS_MAX = 4_096  # different days whose reading is kept
ENTRY, STATUS, VALUE_DATE, DETAILS = (f"{_N}{name}" for name in ("Ntry", "Sts", "ValDt", "TxDtls"))
AMOUNT, DIRECTION, REFERENCES, RETURN = (f"{_N}{name}" for name in ("Amt", "CdtDbtInd", "Refs", "RtrInf"))
REASON, CODE, DATE, END_TO_END_ID = (f"{_N}{name}" for name in ("Rsn", "Cd", "Dt", "EndToEndId"))


def read(content: bytes) -> Iterator[Answer]:
    """Every transaction of the statement; the row is its place in the file, counted from 1.

    Raises: Rejected statement_broken where the file is truncated, is no camt.053 or brings a DTD.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _declared()
    entries = etree.iterparse(
        io.BytesIO(content),
        tag=ENTRY,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    row = 0
    try:
        for _, entry in entries:
            # A document type stands before the first entry, or nowhere; this one came in another encoding.
            if row == 0 and entry.getroottree().docinfo.doctype:
                raise _declared()
            booked = _is_booked(entry)
            for details in entry.iter(DETAILS):
                row += 1
                if booked:
                    yield _answer(row, entry, details)
            entry.clear()
            while entry.getprevious() is not None:
                del entry.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise Rejected(
            "statement_broken", f"The file is not whole: {error.msg}. Ask the bank to send it again."
        ) from error
    root = entries.root
    if root is None or root.tag != f"{_N}Document":
        raise Rejected("statement_broken", "The file is no camt.053.001.08 statement.")


def _is_booked(entry: Any) -> bool:  # noqa: ANN401 - an lxml element
    status = _child(entry, STATUS)
    return (_text(_child(status, CODE)) or _text(status) or BOOKED) == BOOKED


def _child(parent: Any, tag: str) -> Any:  # noqa: ANN401 - an lxml element or None, as what it stands in
    """The first child of this name: a third of the time that a search by path takes."""
    return None if parent is None else next(parent.iterchildren(tag), None)


def _text(element: Any) -> str:  # noqa: ANN401 - as above
    return "" if element is None else (element.text or "").strip()


def _declared() -> Rejected:
    return Rejected(
        "statement_broken", "The file declares a DTD or entities, which a bank statement never does."
    )


def _answer(row: int, entry: Any, details: Any) -> Answer:  # noqa: ANN401 - lxml elements
    amount = _child(details, AMOUNT)
    if amount is None:
        amount = _child(entry, AMOUNT)
    direction = _text(_child(details, DIRECTION)) or _text(_child(entry, DIRECTION))
    information = _child(details, RETURN)
    returned = information is not None or direction == CREDIT
    reason = _text(_child(_child(information, REASON), CODE))
    return Answer(
        row=row,
        reference=_text(_child(_child(details, REFERENCES), END_TO_END_ID)),
        amount_vnd=_whole(_text(amount)),
        currency="" if amount is None else amount.get("Ccy", ""),
        outcome=Outcome.RETURNED if returned else Outcome.SETTLED,
        reason_code=(reason or UNSPECIFIED) if returned else None,
        value_on=_date(_text(_child(_child(entry, VALUE_DATE), DATE))),
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
