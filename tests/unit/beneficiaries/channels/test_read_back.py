"""What is written for a provider and comes back as its answer names the same payments and amounts."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from services.beneficiaries.channels import pain001, post_list
from services.beneficiaries.channels.lines import PayLine
from services.beneficiaries.lists.model import PaymentList, State, list_id_of
from services.beneficiaries.reconciliation import camt053, post_result
from services.beneficiaries.reconciliation.model import REASONS, Answer, Outcome
from shared.sheets.files import read_sheets
from tests.unit.beneficiaries.conftest import NUI_THANH, month

DAY = date(2024, 8, 5)
MADE_AT = datetime(2024, 7, 24, 5, tzinfo=UTC)
NAMES = st.text(st.characters(categories=["L", "M", "N", "P", "S"]), min_size=1, max_size=60)
LINES = st.lists(
    st.builds(
        PayLine,
        st.uuids(),
        st.from_regex(r"[A-Z0-9/-]{3,12}", fullmatch=True),
        NAMES,
        st.integers(1900, 2024),
        st.integers(1, 2**53 - 1),
        st.just("970436"),
        st.from_regex(r"[0-9]{6,19}", fullmatch=True),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda line: line.payment_id,
)
VERDICTS = st.lists(st.none() | st.sampled_from(sorted(REASONS)), min_size=8, max_size=8)
Verdict = str | None
N = {"p": pain001.NAMESPACE}


def listed(lines: Sequence[PayLine], provider: str) -> PaymentList:
    list_id, period = list_id_of(month("2024-08"), NUI_THANH, provider), month("2024-08")
    total = sum(line.amount_vnd for line in lines)
    channel = "bank" if provider.startswith("BANK") else "post"
    return PaymentList(
        list_id, period, NUI_THANH, provider, channel, State.INSTRUCTED, 1, len(lines), total, "h", "lan", 7
    )


def bank_says(order: bytes, verdict_of: Callable[[int], Verdict]) -> bytes:
    """The camt.053 that a bank makes of our order, from what stands in the order alone."""
    entries = []
    for place, transfer in enumerate(etree.fromstring(order).iterfind(".//p:CdtTrfTxInf", N)):
        amount = transfer.find("p:Amt/p:InstdAmt", N)
        why = verdict_of(place)
        returned = f"<RtrInf><Rsn><Cd>{why}</Cd></Rsn></RtrInf>" if why else ""
        assert amount is not None
        entries.append(
            f"<Ntry><CdtDbtInd>{'CRDT' if why else 'DBIT'}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
            f"<ValDt><Dt>{DAY}</Dt></ValDt><NtryDtls><TxDtls><Refs><EndToEndId>"
            f"{transfer.findtext('p:PmtId/p:EndToEndId', namespaces=N)}</EndToEndId></Refs>"
            f'<Amt Ccy="{amount.get("Ccy")}">{amount.text}</Amt>{returned}</TxDtls></NtryDtls></Ntry>'
        )
    body = f"<BkToCstmrStmt><Stmt>{''.join(entries)}</Stmt></BkToCstmrStmt>"
    return f'<Document xmlns="{camt053.NAMESPACE}">{body}</Document>'.encode()


def post_says(sheet_of_list: bytes, verdict_of: Callable[[int], Verdict]) -> bytes:
    """The list as the post fills it in: result, reason and day beside every payee."""
    (sheet,) = read_sheets(sheet_of_list, "list.xlsx")
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        page = book.add_worksheet()
        for row in range(1, len(sheet.rows) + 1):
            for column in range(10):
                page.write_string(row - 1, column, sheet.text(row, column))
            place = row - post_list.HEADER_ROW - 2
            if place >= 0 and sheet.text(row, 1):
                why = verdict_of(place)
                for column, text in ((6, "Chưa trả" if why else "Đã trả"), (7, why or ""), (8, f"{DAY}")):
                    page.write_string(row - 1, column, text)
    return buffer.getvalue()


def ensure_same(
    lines: Sequence[PayLine], answers: list[Answer], verdicts: Sequence[Verdict], dashes: str
) -> None:
    assert [one.reference.replace(dashes, "") for one in answers] == [one.payment_id.hex for one in lines]
    assert [one.amount_vnd for one in answers] == [one.amount_vnd for one in lines]
    assert [one.reason_code for one in answers] == list(verdicts[: len(lines)])
    assert all((one.outcome is Outcome.RETURNED) == (one.reason_code is not None) for one in answers)
    assert {(one.currency, one.value_on) for one in answers} == {("VND", DAY)}


@settings(max_examples=60, deadline=None)
@given(LINES, VERDICTS)
def test_what_the_bank_was_told_comes_back_as_it_was_told(
    lines: list[PayLine], verdicts: list[Verdict]
) -> None:
    order = pain001.write(listed(lines, "BANK-QNA"), "Núi Thành", lines, DAY, MADE_AT)
    answers = list(camt053.read(bank_says(order, lambda place: verdicts[place])))
    ensure_same(lines, answers, verdicts, "-")
    assert [one.row for one in answers] == list(range(1, len(lines) + 1))


@settings(max_examples=60, deadline=None)
@given(LINES, VERDICTS)
def test_what_the_post_was_told_comes_back_as_it_was_told(
    lines: list[PayLine], verdicts: list[Verdict]
) -> None:
    content = post_list.write(listed(lines, "POST-QNA"), "Núi Thành", lines)
    answers = list(post_result.read(post_says(content, lambda place: verdicts[place])))
    ensure_same(lines, answers, verdicts, "-")


@settings(max_examples=40, deadline=None)
@given(LINES)
def test_the_order_says_of_each_payee_what_the_list_says(lines: list[PayLine]) -> None:
    order = etree.fromstring(pain001.write(listed(lines, "BANK-QNA"), "Núi Thành", lines, DAY, MADE_AT))
    found = [
        (
            one.findtext("p:PmtId/p:EndToEndId", namespaces=N),
            one.findtext("p:Cdtr/p:Nm", namespaces=N),
            one.findtext("p:CdtrAcct/p:Id/p:Othr/p:Id", namespaces=N),
            one.findtext("p:Amt/p:InstdAmt", namespaces=N),
        )
        for one in order.iterfind(".//p:CdtTrfTxInf", N)
    ]
    assert found == [
        (one.payment_id.hex, one.full_name, one.account_number, str(one.amount_vnd)) for one in lines
    ]
    assert order.findtext(".//p:GrpHdr/p:CtrlSum", namespaces=N) == str(sum(one.amount_vnd for one in lines))


def test_a_silent_bank_and_a_silent_post_say_nothing() -> None:
    line = PayLine(NUI_THANH, "QN-1", "Hoà", 1948, 5, None, None)
    content = post_list.write(listed([line], "POST-QNA"), "Núi Thành", [line])
    assert list(post_result.read(content)) == [], "our own list, sent back as it was"
    assert list(camt053.read(bank_says(b"<Document/>", lambda _: None))) == []
