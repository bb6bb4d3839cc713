"""Cells in their one form, and tables of text: signs between cells, encodings, limits."""

from __future__ import annotations

import contextlib
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.sheets.files import read_sheets
from shared.sheets.grid import (
    Cell,
    Facts,
    Limits,
    Sheet,
    SheetUnreadable,
    cell_text,
    clean,
    from_serial,
    grid,
    is_date_format,
)

TABLE = "STT{0}Danh mục{0}Số tiền\n1{0}xã Quế Minh{0}1.466,875\n2{0}xã Ba{0}5\n"
FEW = settings(max_examples=50, deadline=None)


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_sign_between_cells_is_found(sign: str) -> None:
    text = TABLE.format(sign).replace("1.466,875", '"1.466,875"')
    (sheet,) = read_sheets(text.encode(), "a.csv")
    assert [sheet.text(row, 2) for row in (1, 2, 3)] == ["Số tiền", "1.466,875", "5"]
    assert sheet.facts.cells == 9


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_with_and_without_its_mark(encoding: str) -> None:
    (sheet,) = read_sheets(TABLE.format(";").encode(encoding), "a.csv")
    assert sheet.text(1, 0) == "STT"
    assert sheet.text(2, 1) == "xã Quế Minh"


def test_a_line_inside_quotes_is_one_cell() -> None:
    (sheet,) = read_sheets(b'a,b,"one\r\ntwo"\r\nc,d,e\r\n', "a.csv")
    assert sheet.text(1, 2) == "one two"
    assert len(sheet.rows) == 2


def test_an_ending_in_capitals_is_the_same_ending() -> None:
    assert read_sheets(b"a,b,c", "ANNEX.CSV")[0].text(1, 0) == "a"
    assert read_sheets(b"a,b,c", "annex.v2.txt")[0].text(1, 2) == "c"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.xls", "named .xls but holds a CSV table"),
        ("a.doc", '".doc" is no table'),
        ("annex", '"without an ending" is no table'),
    ],
)
def test_a_wrong_ending_is_told_from_a_wrong_content(name: str, said: str) -> None:
    with pytest.raises(SheetUnreadable) as caught:
        read_sheets(b"a,b,c", name)
    assert caught.value.code == "wrong_type"
    assert said in caught.value.message


def test_a_table_that_is_too_wide_or_too_long_is_refused() -> None:
    few = Limits(rows_max=2)
    assert len(read_sheets(b"a\nb\n", "a.csv", few)[0].rows) == 2
    for content in (b"a\nb\nc\n", b",".join([b"a"] * 101)):
        with pytest.raises(SheetUnreadable, match="sheet_too_large"):
            read_sheets(content, "a.csv", few)


@given(st.binary(max_size=300))
@FEW
def test_any_bytes_are_sheets_with_something_in_them_or_a_refusal(content: bytes) -> None:
    for name in ("a.csv", "a.xlsx", "a.xls"):
        with contextlib.suppress(SheetUnreadable):
            assert all(sheet.facts.cells for sheet in read_sheets(content, name))


@given(st.dictionaries(st.tuples(st.integers(1, 30), st.integers(0, 12)), st.integers(1).map(Decimal)))
@FEW
def test_a_grid_is_a_rectangle_that_holds_every_value_at_its_place(
    values: dict[tuple[int, int], Cell],
) -> None:
    rows = grid(values)
    assert len({len(row) for row in rows}) <= 1
    sheet = Sheet("x", rows, Facts())
    assert all(sheet.cell(*place) == value for place, value in values.items())
    assert sum(cell is not None for row in rows for cell in row) == len(values)


@pytest.mark.parametrize("place", [(0, 0), (2, 0), (1, 5), (1, None), (-1, 0)])
def test_outside_the_sheet_every_cell_is_empty(place: tuple[int, int | None]) -> None:
    sheet = Sheet("x", [["a", "b"]], Facts())
    assert sheet.cell(*place) is None
    assert sheet.text(*place) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (Decimal("3.0"), "3"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1466.875"), "1466.875"),
        (Decimal("1E+30"), "1E+30"),
        (Decimal("Infinity"), "Infinity"),
        (Decimal("NaN"), "NaN"),
        ("  xã \n Ba ", "xã Ba"),
        (date(2024, 7, 24), "2024-07-24"),
        (True, "True"),
    ],
)
def test_a_value_as_text_is_what_one_would_type(value: Cell, text: str) -> None:
    assert cell_text(value) == text


@given(st.integers(-(10**15), 10**15))
@FEW
def test_whole_numbers_are_kept_to_the_last_digit(number: int) -> None:
    assert cell_text(clean(number)) == str(number)


@given(st.decimals(-1_000_000, 1_000_000, places=3))
@FEW
def test_a_number_kept_as_a_double_comes_back_as_it_was_typed(typed: Decimal) -> None:
    assert clean(float(typed)) == typed


def test_letters_and_marks_typed_apart_are_put_together() -> None:
    assert clean("Que\u0302\u0301") == "Quế"
    assert clean("\ufeff\u200b") is None
    assert clean("x" * 5_000) == "x" * 4_000


@given(st.dates(date(1950, 1, 1), date(2150, 1, 1)))
@FEW
def test_a_day_is_found_from_its_number_under_both_counts(day: date) -> None:
    for first, since_1904 in ((datetime(1899, 12, 30), False), (datetime(1904, 1, 1), True)):  # noqa: DTZ001 - a day has no zone
        serial = Decimal((day - first.date()).days)
        assert from_serial(serial, since_1904=since_1904) == day
        assert from_serial(serial + Decimal("0.99"), since_1904=since_1904) == day


@pytest.mark.parametrize("number", ["1E+15", "-1E+15", "Infinity", "NaN"])
def test_a_number_that_is_no_day_stays_what_it_is(number: str) -> None:
    assert str(from_serial(Decimal(number), since_1904=False)) == number


@pytest.mark.parametrize("code", ["d", "MM/YYYY", "h:mm", "[h]:mm", '"ngày" dd', "yyyy\\-mm"])
def test_formats_of_days_and_times(code: str) -> None:
    assert is_date_format(code)


@pytest.mark.parametrize("code", ["", "General", "0", "#,##0", '0 "đ/ms"', "[Red]0", "0_d", "0*y", "@"])
def test_formats_of_numbers_and_texts(code: str) -> None:
    assert not is_date_format(code)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (-1, 0), (1, -1)])
def test_a_value_in_no_cell_is_not_counted(row: int, column: int) -> None:
    facts = Facts()
    with pytest.raises(SheetUnreadable, match="file_damaged"):
        facts.count(row, column)
    assert facts.cells == 0
