"""Reading the post's answer: the result list as a spreadsheet, found by its column names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

from services.beneficiaries.reconciliation.model import UNSPECIFIED, Answer, Outcome
from shared.kernel.errors import Rejected
from shared.kernel.money import MAX_VND
from shared.kernel.names import search_key
from shared.sheets.files import read_sheets
from shared.sheets.grid import Cell, Limits, Sheet, SheetUnreadable, cell_text

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "reference": ("ma chi tra", "payment_id"),
    "amount": ("so tien (dong)", "so tien", "amount_vnd", "amount"),
    "result": ("ket qua", "result"),
    "reason": ("ly do", "reason"),
    "value_on": ("ngay chi tra", "paid_on"),
}
RESULTS = {
    "da tra": Outcome.SETTLED,
    "paid": Outcome.SETTLED,
    "chua tra": Outcome.RETURNED,
    "unpaid": Outcome.RETURNED,
}
HEADER_ROWS_MAX = 30
AMOUNT = re.compile(r"\d{1,16}|\d{1,3}(\.\d{3}){1,4}", re.ASCII)  # plain, or grouped as Vietnamese write it
FILE_BYTES_MAX = 20 * 1024 * 1024
LIMITS = Limits(bytes_max=FILE_BYTES_MAX, rows_max=100_100)


def read(content: bytes) -> Iterator[Answer]:
    """Every row that names a payment and a result; rows without a result are still unknown and left out.

    Bounds: 100,000 payments, 20 MiB.
    Raises: Rejected statement_broken where the file is no workbook or has no such columns.
    """
    try:
        sheets = read_sheets(content, "result.xlsx", LIMITS)
    except SheetUnreadable as error:
        raise _broken(
            f"The file cannot be read: {error.message} Or ask the post to send it again."
        ) from error
    if not sheets:
        raise _broken("The file holds no cell with anything in it; ask the post to send it again.")
    header, places = _find_header(sheets[0])
    for row in range(header + 1, len(sheets[0].rows) + 1):
        cells = {name: sheets[0].cell(row, place) for name, place in places.items()}
        outcome = RESULTS.get(search_key(cell_text(cells["result"])))
        if outcome is not None:
            yield _answer(row, cells, outcome)


def _find_header(sheet: Sheet) -> tuple[int, dict[str, int]]:
    for row, cells in enumerate(sheet.rows[:HEADER_ROWS_MAX], 1):
        keys = [search_key(cell_text(cell)) for cell in cells]
        places = {
            name: next((keys.index(known) for known in names if known in keys), -1)
            for name, names in COLUMNS.items()
        }
        if min(places.values()) >= 0:
            return row, places
    raise _broken("No row names the columns Mã chi trả, Số tiền, Kết quả, Lý do, Ngày chi trả.")


def _broken(message: str) -> Rejected:
    return Rejected("statement_broken", message)


def _answer(row: int, cells: Mapping[str, Cell], outcome: Outcome) -> Answer:
    reason = cell_text(cells["reason"]) or UNSPECIFIED
    return Answer(
        row=row,
        reference=cell_text(cells["reference"]),
        amount_vnd=_whole(cells["amount"]),
        currency="VND",
        outcome=outcome,
        reason_code=reason if outcome is Outcome.RETURNED else None,
        value_on=_date(cells["value_on"]),
    )


def _whole(value: Cell) -> int | None:
    """Whole đồng; None for anything that is not surely one."""
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and abs(value) <= MAX_VND and value % 1 == 0 else None
    if isinstance(value, str) and AMOUNT.fullmatch(value.strip()):
        amount = int(value.strip().replace(".", ""))
        return amount if amount <= MAX_VND else None
    return None


def _date(value: Cell) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(cell_text(value), form).date()  # noqa: DTZ007 - a date without a time
        except ValueError:
            continue
    return None
