"""The list as a bank takes it: ISO 20022 pain.001.001.09, written as a stream.

Object models of the message need minutes for a million payments; lxml's incremental writer needs seconds.
Source: ISO 20022 CustomerCreditTransferInitiationV09.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from lxml import etree

from services.beneficiaries.channels.lines import PayLine
from services.beneficiaries.lists.model import PaymentList

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
MEDIA_TYPE = "application/xml"
DEFAULT: Any = {None: NAMESPACE}  # lxml takes None for the default namespace, which its stubs do not know
CURRENCY = "VND"
DEBTOR = "Sở Lao động - Thương binh và Xã hội tỉnh Quảng Nam"
DEBTOR_ACCOUNT = "3713000000000"
DEBTOR_AGENT = "KBNNQNA"
NAME_CHARS_MAX = 140


def write(found: PaymentList, unit_name: str, lines: Iterable[PayLine], on: date, made_at: datetime) -> bytes:
    """The message for one list: one payment information block, one transaction per payee.

    Bounds: amounts are whole đồng; the end-to-end id is the payment id without dashes (32 characters).
    """
    buffer = io.BytesIO()
    with etree.xmlfile(buffer, encoding="UTF-8") as file:
        file.write_declaration()
        with file.element("Document", nsmap=DEFAULT), file.element("CstmrCdtTrfInitn"):
            file.write(_group_header(found, made_at))
            with file.element("PmtInf"):
                for element in _information(found, unit_name, on):
                    file.write(element)
                for line in lines:
                    file.write(_transaction(line))
    return buffer.getvalue()


def _group_header(found: PaymentList, made_at: datetime) -> Any:  # noqa: ANN401 - an lxml element
    return _element(
        "GrpHdr",
        _element("MsgId", text=f"{found.id.hex}"),
        _element("CreDtTm", text=made_at.strftime("%Y-%m-%dT%H:%M:%SZ")),
        _element("NbOfTxs", text=str(found.payment_count)),
        _element("CtrlSum", text=str(found.total_vnd)),
        _element("InitgPty", _element("Nm", text=DEBTOR)),
    )


def _information(found: PaymentList, unit_name: str, on: date) -> list[Any]:
    return [
        _element("PmtInfId", text=f"{found.period}-{found.submission}-{found.id.hex[:16]}"),
        _element("PmtMtd", text="TRF"),
        _element("NbOfTxs", text=str(found.payment_count)),
        _element("CtrlSum", text=str(found.total_vnd)),
        _element("ReqdExctnDt", _element("Dt", text=on.isoformat())),
        _element("Dbtr", _element("Nm", text=f"{DEBTOR} - {unit_name}"[:NAME_CHARS_MAX])),
        _element("DbtrAcct", _other_id(DEBTOR_ACCOUNT)),
        _element("DbtrAgt", _element("FinInstnId", _member(DEBTOR_AGENT))),
    ]


def _transaction(line: PayLine) -> Any:  # noqa: ANN401 - an lxml element
    amount = _element("InstdAmt", text=str(line.amount_vnd))
    amount.set("Ccy", CURRENCY)
    return _element(
        "CdtTrfTxInf",
        _element("PmtId", _element("EndToEndId", text=line.payment_id.hex)),
        _element("Amt", amount),
        _element("CdtrAgt", _element("FinInstnId", _member(line.bank_code or ""))),
        _element("Cdtr", _element("Nm", text=line.full_name[:NAME_CHARS_MAX])),
        _element("CdtrAcct", _other_id(line.account_number or "")),
    )


def _member(code: str) -> Any:  # noqa: ANN401 - an lxml element
    return _element("ClrSysMmbId", _element("MmbId", text=code))


def _other_id(number: str) -> Any:  # noqa: ANN401 - an lxml element
    return _element("Id", _element("Othr", _element("Id", text=number)))


def _element(name: str, *children: Any, text: str | None = None) -> Any:  # noqa: ANN401 - lxml elements
    element = etree.Element(f"{{{NAMESPACE}}}{name}", nsmap=DEFAULT)
    element.text = text
    element.extend(children)
    return element
