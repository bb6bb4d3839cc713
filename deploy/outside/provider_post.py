"""The post, simulated: reads a pay list as XLSX, pays over the counter, answers with a result list as XLSX.

It finds its columns by their headings, wherever the heading row stands, and the list's id and month in the
lines above. It pays on a fixed day of that month and reports what was not collected on the same day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook

from deploy.outside.outcomes import REASONS, REASONS_OF_POST, Result, outcome_of
from deploy.outside.provider import Unreadable, run_provider

PAYMENT = ("Mã chi trả", "payment_id")
AMOUNT = ("Số tiền (đồng)", "amount")
LIST_ID = re.compile(r"Mã danh sách:\s*(\S+)")
MONTH = re.compile(r"THÁNG\s+(\d{2})/(\d{4})")
PAY_DAY = 5
RESULT_HEADINGS = ("Mã chi trả", "Mã danh sách", "Số tiền (đồng)", "Kết quả", "Lý do", "Ngày chi trả")
WORDS = {Result.PAID: "Đã trả", Result.RETURNED: "Chưa trả"}
HEADING_ROWS_MAX = 30

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One person's line of a pay list."""

    payment_id: str
    list_id: str
    amount: int
    pay_on: date


def answer(source: Path, target: Path, seed: str) -> None:
    """The result list for a pay list."""
    write_results(target, results(read_list(source), seed))


def read_list(path: Path) -> Iterator[Line]:
    """The lines of a pay list, one by one.

    Raises: Unreadable where it is no XLSX, lacks a column, names no real month, or pays no whole amount.
    """
    try:
        rows: list[list[Any]] = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    except (CalamineError, OSError, IndexError) as error:
        raise Unreadable(f"{path.name} is no XLSX that can be read: {error}") from error
    heading, places = _headings(path, rows)
    list_id, pay_on = _about(path, rows[:heading])
    for number, row in enumerate(rows[heading + 1 :], heading + 2):
        payment_id = str(row[places["payment"]]).strip()
        if payment_id:  # the row of the sum has none
            yield Line(payment_id, list_id, _amount(path, number, row[places["amount"]]), pay_on)


def results(lines: Iterable[Line], seed: str) -> Iterator[tuple[str, str, int, str, str, str]]:
    """A result row for each line that the post has something to say about."""
    for line in lines:
        outcome = outcome_of(seed, line.payment_id, REASONS_OF_POST)
        if outcome.result is not Result.SILENT:
            words, reason = WORDS[outcome.result], outcome.reason or ""
            yield line.payment_id, line.list_id, line.amount, words, reason, line.pay_on.isoformat()


def write_results(path: Path, rows: Iterable[Sequence[str | int]]) -> None:
    """The result list; nothing in it can become a formula or a link."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet("Kết quả")
        sheet.write_row(0, 0, RESULT_HEADINGS)
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, row)
        legend = book.add_worksheet("Lý do")
        for number, (code, words) in enumerate(REASONS.items()):
            legend.write_row(number, 0, (code, words))


def _headings(path: Path, rows: Sequence[Row]) -> tuple[int, Mapping[str, int]]:
    for number, row in enumerate(rows[:HEADING_ROWS_MAX]):
        texts = [str(cell).strip() for cell in row]
        payment = next((texts.index(name) for name in PAYMENT if name in texts), None)
        amount = next((texts.index(name) for name in AMOUNT if name in texts), None)
        if payment is not None and amount is not None:
            return number, {"payment": payment, "amount": amount}
    raise Unreadable(f"{path.name} has no row with the headings {PAYMENT[0]} and {AMOUNT[0]}.")


def _about(path: Path, title: Sequence[Row]) -> tuple[str, date]:
    """The list's id and the day of payment, from the lines above the headings."""
    text = "\n".join(str(cell) for row in title for cell in row)
    list_id, month = LIST_ID.search(text), MONTH.search(text)
    try:
        pay_on = date(int(month[2]), int(month[1]), PAY_DAY) if month else datetime.now(UTC).date()
    except ValueError as error:
        raise Unreadable(f"{path.name} is a list for a month that does not exist: {error}.") from error
    return list_id[1] if list_id else "", pay_on


def _amount(path: Path, number: int, cell: object) -> int:
    if isinstance(cell, str) and cell.isdecimal() and int(cell) > 0:
        return int(cell)
    if isinstance(cell, int | float) and cell > 0 and cell % 1 == 0:
        return int(cell)
    raise Unreadable(f"{path.name}, row {number}: the amount {cell!r} is no whole number of đồng above 0.")


if __name__ == "__main__":
    run_provider(__doc__, ".xlsx", answer)
