"""The two messages of a bank, read and written as streams: an order of a million lines needs no memory.

Source: ISO 20022 message definitions pain.001.001.09 and camt.053.001.08.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree

PAIN = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
TRANSFER = f"{{{PAIN}}}CdtTrfTxInf"
PAYMENT_INFORMATION = f"{{{PAIN}}}PmtInf"
NAMES = {"p": PAIN}
DEFAULT: Any = {None: CAMT}  # lxml takes None for the default namespace, which its stubs do not know


@dataclass(frozen=True, slots=True)
class Transfer:
    """One credit transfer of an order."""

    end_to_end_id: str
    instruction_id: str | None
    payment_information_id: str
    amount: str
    currency: str
    execute_on: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One booking about a transfer: paid out, or come back with a reason."""

    transfer: Transfer
    reason: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """What heads a statement: its id, the account's currency, and the balances before and after."""

    id: str
    currency: str
    booked_on: str
    opening: int
    closing: int


def read_order(path: Path) -> Iterator[Transfer]:
    """The transfers of a pain.001.001.09; nothing is fetched and no entity is expanded.

    Raises: lxml.etree.XMLSyntaxError where it is no whole XML; ValueError where a needed field is missing.
    """
    with path.open("rb") as file:
        context = etree.iterparse(
            file,
            events=("end",),
            tag=(TRANSFER, PAYMENT_INFORMATION),
            resolve_entities=False,
            no_network=True,
        )
        for _, element in context:
            if element.tag == TRANSFER:
                _refuse_declarations(element)
                yield _transfer(element)
            element.clear(keep_tail=False)
            while element.tag == TRANSFER and _is_transfer(element.getprevious()):
                element.getparent().remove(element.getprevious())


def write_statement(path: Path, statement: Statement, entries: Iterable[Entry]) -> None:
    """A camt.053.001.08 with one entry for each transfer that has an outcome."""
    with etree.xmlfile(str(path), encoding="UTF-8") as file:
        file.write_declaration()
        with file.element("Document", nsmap=DEFAULT), file.element("BkToCstmrStmt"):
            made_at = datetime.now(UTC).isoformat(timespec="seconds")
            file.write(_tree("GrpHdr", ("MsgId", statement.id), ("CreDtTm", made_at)))
            with file.element("Stmt"):
                _write_head(file, statement, made_at)
                for number, entry in enumerate(entries, 1):
                    file.write(_entry(entry, statement, number))


def _refuse_declarations(element: etree._Element) -> None:
    if element.getroottree().docinfo.doctype:  # type: ignore[attr-defined] # the stubs lack it
        raise ValueError("it declares a document type, which an order never does")


def _is_transfer(element: etree._Element | None) -> bool:
    return element is not None and element.tag == TRANSFER


def _transfer(element: etree._Element) -> Transfer:
    parent = element.getparent()
    amount = element.find("p:Amt/p:InstdAmt", NAMES)
    if parent is None or amount is None or amount.text is None:
        raise ValueError("a transfer has no amount")
    end_to_end_id = element.findtext("p:PmtId/p:EndToEndId", namespaces=NAMES)
    day = parent.findtext("p:ReqdExctnDt/p:Dt", namespaces=NAMES)
    group = parent.findtext("p:PmtInfId", namespaces=NAMES)
    if end_to_end_id is None or day is None or group is None:
        raise ValueError("a transfer lacks EndToEndId, ReqdExctnDt or PmtInfId")
    instruction_id = element.findtext("p:PmtId/p:InstrId", namespaces=NAMES)
    return Transfer(end_to_end_id, instruction_id, group, amount.text.strip(), amount.get("Ccy", ""), day)


def _write_head(file: etree._IncrementalFileWriter, statement: Statement, made_at: str) -> None:
    for name, text in (("Id", statement.id), ("ElctrncSeqNb", "1"), ("CreDtTm", made_at)):
        file.write(_tree(name, text))
    account = _tree("Acct")
    account.append(_tree("Id", ("Othr", ("Id", "0000000000"))))
    account.append(_tree("Ccy", statement.currency))
    file.write(account)
    for code, amount in (("OPBD", statement.opening), ("CLBD", statement.closing)):
        balance = _tree("Bal", ("Tp", ("CdOrPrtry", ("Cd", code))))
        balance.append(_amount(str(amount), statement.currency))
        balance.append(_tree("CdtDbtInd", "CRDT"))
        balance.append(_tree("Dt", ("Dt", statement.booked_on)))
        file.write(balance)


def _entry(entry: Entry, statement: Statement, number: int) -> etree._Element:
    transfer = entry.transfer
    booked = _tree("Ntry", ("NtryRef", str(number)))
    booked.append(_amount(transfer.amount, transfer.currency))
    booked.append(_tree("CdtDbtInd", "CRDT" if entry.reason else "DBIT"))
    booked.append(_tree("Sts", ("Cd", "BOOK")))
    booked.append(_tree("BookgDt", ("Dt", transfer.execute_on)))
    booked.append(_tree("ValDt", ("Dt", transfer.execute_on)))
    booked.append(_tree("AcctSvcrRef", f"{statement.id}/{number}"[-35:]))
    family = (
        "Fmly",
        ("Cd", "RCDT" if entry.reason else "ICDT"),
        ("SubFmlyCd", "RRTN" if entry.reason else "DMCT"),
    )
    booked.append(_tree("BkTxCd", ("Domn", ("Cd", "PMNT"), family)))
    details = _tree("TxDtls")
    references = [("InstrId", transfer.instruction_id)] if transfer.instruction_id else []
    details.append(
        _tree(
            "Refs",
            ("PmtInfId", transfer.payment_information_id),
            *references,
            ("EndToEndId", transfer.end_to_end_id),
        )
    )
    details.append(_amount(transfer.amount, transfer.currency))
    details.append(_tree("CdtDbtInd", "CRDT" if entry.reason else "DBIT"))
    if entry.reason:
        details.append(_tree("RtrInf", ("Rsn", ("Cd", entry.reason))))
    wrapped = _tree("NtryDtls")
    wrapped.append(details)
    booked.append(wrapped)
    return booked


def _amount(text: str, currency: str) -> etree._Element:
    element = _tree("Amt", text)
    element.set("Ccy", currency)
    return element


def _tree(name: str, *content: object) -> etree._Element:
    """An element from its name and either a text or (name, content...) tuples."""
    element = etree.Element(f"{{{CAMT}}}{name}", nsmap=DEFAULT)
    for part in content:
        if isinstance(part, tuple):
            element.append(_tree(*part))
        else:
            element.text = str(part)
    return element
