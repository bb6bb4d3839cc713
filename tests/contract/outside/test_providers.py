"""What beneficiaries sends, the providers read; what they answer, beneficiaries and ISO 20022 read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
import xlsxwriter
from pyiso20022.camt.camt_053_001_08 import Document
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from deploy.outside import provider_bank, provider_post
from deploy.outside.iso20022 import read_order
from deploy.outside.outcomes import REASONS_OF_BANK, REASONS_OF_POST, Result, outcome_of
from deploy.outside.provider import Unreadable
from services.beneficiaries.channels import pain001, post_list
from services.beneficiaries.channels.lines import PayLine
from services.beneficiaries.lists.model import PaymentList, State
from services.beneficiaries.reconciliation import camt053, post_result
from services.beneficiaries.reconciliation.model import Outcome
from shared.kernel.ids import id_of
from shared.kernel.periods import Period

SEED = "fundtrail"
COUNT = 3_000
PAYMENTS = [
    PayLine(
        id_of("payment", n), f"HS-{n:05}", f"Nguyễn Thị {n}", 1950, 500_000 + 1000 * (n % 700), "VCB", str(n)
    )
    for n in range(COUNT)
]


def payment_list(channel: str, lines: list[PayLine]) -> PaymentList:
    return PaymentList(
        id=UUID(int=7),
        period=Period(2024, 8),
        unit_id=UUID(int=8),
        provider=f"{channel.upper()}-QNA",
        channel=channel,
        state=State.INSTRUCTED,
        submission=1,
        payment_count=len(lines),
        total_vnd=sum(line.amount_vnd for line in lines),
        content_sha256=None,
        prepared_by=None,
        version=1,
    )


def post_file(folder: Path, lines: list[PayLine]) -> Path:
    path = folder / "list.xlsx"
    path.write_bytes(post_list.write(payment_list("post", lines), "Điện Bàn", lines))
    return path


def bank_file(folder: Path, lines: list[PayLine]) -> Path:
    path = folder / "order.xml"
    made_at = datetime(2024, 7, 25, tzinfo=UTC)
    path.write_bytes(
        pain001.write(payment_list("bank", lines), "Điện Bàn", lines, date(2024, 7, 26), made_at)
    )
    return path


def expected(reasons: tuple[str, ...], ids: Iterable[str]) -> dict[str, str | None]:
    """The return reason of every payment that is not silent."""
    outcomes = {payment: outcome_of(SEED, payment, reasons) for payment in ids}
    return {name: one.reason for name, one in outcomes.items() if one.result is not Result.SILENT}


def test_the_post_answers_every_payment_but_the_silent_ones_with_its_amount(tmp_path: Path) -> None:
    result = tmp_path / "result.xlsx"
    provider_post.answer(post_file(tmp_path, PAYMENTS), result, SEED)
    answers = {answer.reference: answer for answer in post_result.read(result.read_bytes())}
    wanted = expected(REASONS_OF_POST, (str(line.payment_id) for line in PAYMENTS))
    amounts = {str(line.payment_id): line.amount_vnd for line in PAYMENTS}
    assert {name: answer.reason_code for name, answer in answers.items()} == wanted
    assert 0 < COUNT - len(answers) < 15
    assert all(answer.amount_vnd == amounts[name] for name, answer in answers.items())
    assert {answer.value_on for answer in answers.values()} == {date(2024, 8, 5)}
    assert {answer.outcome for answer in answers.values()} == {Outcome.SETTLED, Outcome.RETURNED}


def test_the_bank_answers_every_payment_but_the_silent_ones_with_its_amount(tmp_path: Path) -> None:
    result = tmp_path / "result.xml"
    provider_bank.answer(bank_file(tmp_path, PAYMENTS), result, SEED)
    answers = {answer.reference: answer for answer in camt053.read(result.read_bytes())}
    wanted = expected(REASONS_OF_BANK, (line.payment_id.hex for line in PAYMENTS))
    amounts = {line.payment_id.hex: line.amount_vnd for line in PAYMENTS}
    assert {name: answer.reason_code for name, answer in answers.items()} == wanted
    assert all(answer.amount_vnd == amounts[name] for name, answer in answers.items())
    assert {answer.currency for answer in answers.values()} == {"VND"}
    assert {answer.value_on for answer in answers.values()} == {date(2024, 7, 26)}


def test_the_statement_is_camt_053_and_its_balances_tie(tmp_path: Path) -> None:
    result = tmp_path / "result.xml"
    provider_bank.answer(bank_file(tmp_path, PAYMENTS[:400]), result, SEED)
    config = ParserConfig(fail_on_unknown_properties=True, fail_on_unknown_attributes=True)
    document = XmlParser(config=config).from_path(result, Document)
    (statement,) = document.bk_to_cstmr_stmt.stmt
    opening, closing = (int(balance.amt.value) for balance in statement.bal)
    moved = sum(
        int(entry.amt.value) * (1 if entry.cdt_dbt_ind.value == "CRDT" else -1) for entry in statement.ntry
    )
    assert opening + moved == closing
    assert len(statement.ntry) == len(
        expected(REASONS_OF_BANK, (line.payment_id.hex for line in PAYMENTS[:400]))
    )


def test_an_order_is_read_without_keeping_it(tmp_path: Path) -> None:
    transfers = list(read_order(bank_file(tmp_path, PAYMENTS[:5])))
    assert [transfer.end_to_end_id for transfer in transfers] == [
        line.payment_id.hex for line in PAYMENTS[:5]
    ]
    assert {transfer.execute_on for transfer in transfers} == {"2024-07-26"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[: len(data) // 2], "no order that can be carried out"),
        (lambda data: data.replace(b'Ccy="VND"', b'Ccy="USD"', 1), "is in VND, others in USD"),
        (lambda data: data.replace(b"InstdAmt", b"Other"), "has no amount"),
        (lambda data: data.replace(b"pain.001.001.09", b"pain.001.001.03"), "it holds no transfer"),
    ],
)
def test_the_bank_refuses_an_order_it_cannot_carry_out(tmp_path: Path, change: object, reason: str) -> None:
    assert callable(change)
    order = bank_file(tmp_path, PAYMENTS[:4])
    order.write_bytes(change(order.read_bytes()))
    with pytest.raises(Unreadable, match=reason):
        provider_bank.answer(order, tmp_path / "result.xml", SEED)


def test_the_bank_expands_no_entities(tmp_path: Path) -> None:
    order = bank_file(tmp_path, PAYMENTS[:1])
    text = order.read_text().replace("?>", '?><!DOCTYPE d [<!ENTITY a "VND">]>', 1)
    order.write_text(text.replace(PAYMENTS[0].payment_id.hex, "&a;"))
    with pytest.raises(Unreadable, match="declares a document type"):
        provider_bank.answer(order, tmp_path / "result.xml", SEED)


def test_the_post_refuses_what_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(b"no workbook")
    with pytest.raises(Unreadable, match="no XLSX"):
        list(provider_post.read_list(path))
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet().write_row(0, 0, ["Mã chi trả", "Họ và tên"])
    with pytest.raises(Unreadable, match="no row with the headings"):
        list(provider_post.read_list(path))


@pytest.mark.parametrize("amount", ["nhiều", 12.5, 0, -5, ""])
def test_the_post_refuses_an_amount_that_is_no_whole_number(tmp_path: Path, amount: object) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["payment_id", "amount"])
        sheet.write_row(1, 0, ["p-1", amount])
    with pytest.raises(Unreadable, match="row 2: the amount"):
        list(provider_post.read_list(path))


def test_the_post_takes_amounts_written_as_text(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["payment_id", "amount"])
        sheet.write_row(1, 0, ["p-1", "500000"])
    (line,) = provider_post.read_list(path)
    assert (line.payment_id, line.amount, line.list_id) == ("p-1", 500_000, "")
