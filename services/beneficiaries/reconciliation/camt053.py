"""Reading a bank's answer: ISO 20022 camt.053.001.08, streamed, with no entity, DTD or network in the way.

A debit entry with an end-to-end id says that the payee was paid; a credit entry, or one with return
information, says that the money came back and why. An entry that is not booked says nothing yet.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
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


def read(content: bytes) -> Iterator[Answer]:
    """Every transaction of the statement; the row is its place in the file, counted from 1.

    Raises: Rejected statement_broken where the file is truncated, is no camt.053 or brings a DTD.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _declared()
    entries = etree.iterparse(
        io.BytesIO(content),
        tag=f"{_N}Ntry",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    row = 0
    try:
        for _, entry in entries:
            if entry.getroottree().docinfo.doctype:  # in an encoding that the bytes above did not show
                raise _declared()
            for details in entry.iter(f"{_N}TxDtls"):
                row += 1
                if _is_booked(entry):
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
    return (entry.findtext(f"{_N}Sts/{_N}Cd") or entry.findtext(f"{_N}Sts") or BOOKED).strip() in {BOOKED, ""}


def _declared() -> Rejected:
    return Rejected(
        "statement_broken", "The file declares a DTD or entities, which a bank statement never does."
    )


def _answer(row: int, entry: Any, details: Any) -> Answer:  # noqa: ANN401 - lxml elements
    amount = details.find(f"{_N}Amt")
    if amount is None:
        amount = entry.find(f"{_N}Amt")
    direction = details.findtext(f"{_N}CdtDbtInd") or entry.findtext(f"{_N}CdtDbtInd") or ""
    returned = details.find(f"{_N}RtrInf") is not None or direction.strip() == CREDIT
    reason = (details.findtext(f"{_N}RtrInf/{_N}Rsn/{_N}Cd") or "").strip()
    return Answer(
        row=row,
        reference=(details.findtext(f"{_N}Refs/{_N}EndToEndId") or "").strip(),
        amount_vnd=_whole(amount.text if amount is not None else None),
        currency=amount.get("Ccy", "") if amount is not None else "",
        outcome=Outcome.RETURNED if returned else Outcome.SETTLED,
        reason_code=(reason or UNSPECIFIED) if returned else None,
        value_on=_date(entry.findtext(f"{_N}ValDt/{_N}Dt")),
    )


def _whole(text: str | None) -> int | None:
    digits, _, fraction = (text or "").strip().partition(".")
    if not digits.isdecimal() or len(digits) > DIGITS_MAX or fraction.strip("0"):
        return None
    return int(digits) if int(digits) <= MAX_VND else None


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        return None
