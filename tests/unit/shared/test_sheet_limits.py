from __future__ import annotations

import io

import pytest
import xlsxwriter

from shared.sheets.files import read_sheets
from shared.sheets.grid import Limits, SheetUnreadable

FEW = Limits(bytes_max=100_000, rows_max=5)


def workbook(rows: int) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        for row in range(rows):
            sheet.write_row(row, 0, [f"hàng {row}", row])
    return buffer.getvalue()


def table(rows: int) -> bytes:
    return "".join(f"hàng {row},{row}\n" for row in range(rows)).encode()


@pytest.mark.parametrize(("name", "make"), [("a.xlsx", workbook), ("a.csv", table)])
def test_a_table_of_as_many_rows_as_allowed_is_read(name: str, make: object) -> None:
    assert callable(make)
    (sheet,) = read_sheets(make(5), name, FEW)
    assert [sheet.text(row, 0) for row in range(1, 6)] == [f"hàng {row}" for row in range(5)]
    assert [sheet.text(row, 1) for row in range(1, 6)] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(("name", "make"), [("a.xlsx", workbook), ("a.csv", table)])
def test_one_row_more_is_refused(name: str, make: object) -> None:
    assert callable(make)
    with pytest.raises(SheetUnreadable, match="sheet_too_large"):
        read_sheets(make(6), name, FEW)


def test_a_file_of_too_many_bytes_is_refused_before_it_is_opened() -> None:
    with pytest.raises(SheetUnreadable, match="file_too_large"):
        read_sheets(b"x" * 100_001, "a.xlsx", FEW)


def test_a_caller_may_allow_more_rows_than_usual() -> None:
    (sheet,) = read_sheets(workbook(20_001), "a.xlsx", Limits(rows_max=30_000))
    assert len(sheet.rows) == 20_001
