from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter

from services.beneficiaries.channels import post_list
from services.beneficiaries.reconciliation.model import REASONS, UNMATCHED, UNSPECIFIED, Answer, Outcome
from services.beneficiaries.reconciliation.post_result import read
from shared.kernel.errors import Rejected

HEADER = ("Mã chi trả", "Mã danh sách", "Số tiền (đồng)", "Kết quả", "Lý do", "Ngày chi trả")
PAYMENT = "0191e0c4-0000-7000-8000-00000000000a"
DAY = date(2024, 8, 5)


def workbook(rows: Sequence[Sequence[Any]], before: int = 0) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"default_date_format": "dd/mm/yyyy"}) as book:
        sheet = book.add_worksheet("Kết quả")
        for number, row in enumerate(rows, before):
            sheet.write_row(number, 0, row)
    return buffer.getvalue()


def answers(*rows: Sequence[Any], header: Sequence[str] = HEADER) -> list[Answer]:
    return list(read(workbook([header, *rows])))


def row(
    amount: object = 2_055_000, result: str = "Đã trả", reason: str = "", day: object = "2024-08-05"
) -> tuple[object, ...]:
    return PAYMENT, "list", amount, result, reason, day


def test_a_paid_row_is_settled() -> None:
    assert answers(row()) == [Answer(2, PAYMENT, 2_055_000, "VND", Outcome.SETTLED, None, DAY)]


def test_an_unpaid_row_came_back_with_its_reason() -> None:
    (found,) = answers(row(result="Chưa trả", reason="MD07"))
    assert (found.outcome, found.reason_code) == (Outcome.RETURNED, "MD07")
    assert found.reason_code in REASONS


def test_an_unpaid_row_without_a_reason_is_unspecified() -> None:
    assert answers(row(result="Chưa trả"))[0].reason_code == UNSPECIFIED


@pytest.mark.parametrize("text", ["ĐÃ TRẢ", "đã trả", " Đã  trả ", "da tra", "PAID"])
def test_the_result_is_read_as_people_write_it(text: str) -> None:
    assert answers(row(result=text))[0].outcome is Outcome.SETTLED


@pytest.mark.parametrize("text", ["", "?", "chờ"])
def test_a_row_without_a_result_is_still_unknown(text: str) -> None:
    assert answers(row(result=text)) == []


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        (2_055_000, 2_055_000),
        (2_055_000.0, 2_055_000),
        ("2055000", 2_055_000),
        ("2.055.000", 2_055_000),
        (2**53 - 1, 2**53 - 1),
        (2_055_000.5, None),
        ("2.05", None),
        ("20.55.000", None),
        ("2,055,000", None),
        ("hai triệu", None),
        ("", None),
        (True, None),
        (datetime(2024, 8, 5), None),  # noqa: DTZ001 - a cell of a sheet
    ],
    ids=str,
)
def test_an_amount_is_whole_dong_or_unreadable(cell: object, amount: int | None) -> None:
    assert answers(row(amount=cell))[0].amount_vnd == amount


@pytest.mark.parametrize("cell", ["2024-08-05", "05/08/2024", DAY, datetime(2024, 8, 5)], ids=str)  # noqa: DTZ001
def test_a_day_is_read_in_every_form_that_is_sure(cell: object) -> None:
    assert answers(row(day=cell))[0].value_on == DAY


@pytest.mark.parametrize("cell", ["", "5 tháng 8", "2024-02-30", "08/2024"])
def test_a_day_that_is_none_is_missing(cell: str) -> None:
    assert answers(row(day=cell))[0].value_on is None


def test_columns_are_found_by_their_names_wherever_they_stand() -> None:
    turned = tuple(reversed(HEADER))
    content = workbook([("BƯU ĐIỆN TỈNH",), (), turned, tuple(reversed(row()))], before=3)
    (found,) = read(content)
    assert (found.row, found.reference, found.amount_vnd) == (7, PAYMENT, 2_055_000)


def test_our_own_list_can_come_back_filled_in() -> None:
    filled = (1, PAYMENT, "QN-1", "Nguyễn Thị Hoà", 1948, 2_055_000, "Đã trả", "", DAY, "")
    (found,) = answers(filled, header=post_list.HEADER)
    assert (found.reference, found.amount_vnd, found.value_on) == (PAYMENT, 2_055_000, DAY)


def test_the_row_of_the_sum_is_no_answer() -> None:
    assert len(answers(row(), ("", "", 2_055_000, "", "TỔNG CỘNG", ""))) == 1


def test_rows_are_counted_as_the_sheet_counts_them() -> None:
    found = answers(row(), ("",) * 6, row(result="Chưa trả"))
    assert [one.row for one in found] == [2, 4]


def test_a_formula_is_no_amount() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, row())
        sheet.write_formula(1, 2, "=1/0", value="#DIV/0!")
    (found,) = read(buffer.getvalue())
    assert found.amount_vnd is None


@pytest.mark.parametrize("missing", range(6))
def test_a_missing_column_is_refused(missing: int) -> None:
    header = [name for place, name in enumerate(HEADER) if place != missing]
    if HEADER[missing] == "Mã danh sách":
        assert answers(header=header) == [], "which list it was is nothing we need"
    else:
        with pytest.raises(Rejected, match="No row names the columns"):
            answers(header=header)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 cut off", b"<html/>", b"a,b\n1,2", workbook([row()])[:-200], workbook([])],
    ids=["empty", "cut zip", "html", "csv", "cut workbook", "no cells"],
)
def test_what_is_no_whole_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(Rejected, match="statement_broken"):
        list(read(content))


def test_every_fault_of_a_row_has_words() -> None:
    assert all(text.endswith(".") for text in UNMATCHED.values())
    assert UNSPECIFIED in REASONS


def test_a_list_of_a_thousand_is_read_whole() -> None:
    found = answers(*(row(amount=n) for n in range(1, 1001)))
    assert [one.amount_vnd for one in found] == list(range(1, 1001))
