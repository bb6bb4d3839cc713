"""Reading the post's answer: the result list as a spreadsheet, found by its column names."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from services.beneficiaries.reconciliation.model import UNSPECIFIED, Answer, Outcome
from shared.kernel.errors import Rejected
from shared.kernel.names import search_key

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


def read(content: bytes) -> Iterator[Answer]:
    """Every row that names a payment and a result; rows without a result are still unknown and left out.

    Raises: Rejected statement_broken where the file is no workbook or has no such columns.
    """
    try:
        rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    except (CalamineError, ValueError, IndexError, OSError) as error:
        raise Rejected(
            "statement_broken", "The file is no workbook that can be read; ask the post to send it again."
        ) from error
    header, places = _find_header(rows)
    for number, cells in enumerate(rows[header + 1 :], header + 2):
        row = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
        outcome = RESULTS.get(search_key(str(row["result"])))
        if outcome is not None:
            yield _answer(number, row, outcome)


def _find_header(rows: Sequence[Sequence[Any]]) -> tuple[int, dict[str, int]]:
    for number, cells in enumerate(rows[:HEADER_ROWS_MAX]):
        keys = [search_key(str(cell)) for cell in cells]
        places = {
            name: next((keys.index(known) for known in names if known in keys), -1)
            for name, names in COLUMNS.items()
        }
        if min(places.values()) >= 0:
            return number, places
    raise Rejected(
        "statement_broken", "No row names the columns Mã chi trả, Số tiền, Kết quả, Lý do, Ngày chi trả."
    )


def _answer(number: int, row: Mapping[str, Any], outcome: Outcome) -> Answer:
    reason = str(row["reason"]).strip() or UNSPECIFIED
    return Answer(
        row=number,
        reference=str(row["reference"]).strip(),
        amount_vnd=_whole(row["amount"]),
        currency="VND",
        outcome=outcome,
        reason_code=reason if outcome is Outcome.RETURNED else None,
        value_on=_date(row["value_on"]),
    )


def _whole(value: Any) -> int | None:  # noqa: ANN401 - a cell of a sheet
    if isinstance(value, int | float):
        return int(value) if value == int(value) else None
    text = str(value).strip().replace(".", "")
    return int(text) if text.isdecimal() else None


def _date(value: Any) -> date | None:  # noqa: ANN401 - a cell of a sheet
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(str(value).strip(), form).date()  # noqa: DTZ007 - a date without a time
        except ValueError:
            continue
    return None
