"""Old workbooks, record by record: what is cut off or points nowhere is damage, and is said so."""

from __future__ import annotations

import struct
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.sheets.compound import stream_of
from shared.sheets.files import read_sheets
from shared.sheets.grid import Limits, Merge, Sheet, SheetUnreadable
from shared.sheets.xls import STREAMS, read_xls
from shared.sheets.xls_strings import plain_string, shared_strings
from tests.unit.sheets.conftest import END, Book, cell, compound, record

ONE = struct.pack("<d", 1.0)
NUMBER, SHORT_NUMBERS, FORMULA, SHARED, TRUTH, TEXT = 0x0203, 0x00BD, 0x0006, 0x00FD, 0x0205, 0x0204
FEW = settings(max_examples=50, deadline=None)


def only(content: bytes) -> Sheet:
    (sheet,) = read_sheets(content, "a.xls")
    return sheet


def refusal(content: bytes) -> str:
    with pytest.raises(SheetUnreadable) as caught:
        read_xls(content, Limits())
    return caught.value.code


def test_a_number_stands_where_its_record_says(xls: Book) -> None:
    sheet = only(xls(cell(NUMBER, 4, 2, struct.pack("<d", 1466.875))))
    assert sheet.cell(5, 2) == Decimal("1466.875")
    assert sheet.rows[0] == [None] * 3
    assert sheet.name == "Trang"


@pytest.mark.parametrize("size", [512, 4096])
def test_both_sizes_of_sectors_are_read(xls: Book, size: int) -> None:
    assert only(xls(cell(NUMBER, 0, 0, ONE), size=size)).cell(1, 0) == 1


@pytest.mark.parametrize(("state", "hidden"), [(0, False), (1, True), (2, True)])
def test_a_hidden_sheet_is_told_from_a_visible_one(xls: Book, state: int, hidden: object) -> None:
    assert only(xls(cell(NUMBER, 0, 0, ONE), state=state)).hidden is hidden


def test_days_of_old_macintosh_books_begin_in_1904(xls: Book) -> None:
    styles = record(0x0022, struct.pack("<H", 1)) + record(0x00E0, struct.pack("<HH", 0, 14) + bytes(16))
    found = only(xls(cell(NUMBER, 0, 0, struct.pack("<d", 0.0)), start=styles)).cell(1, 0)
    assert str(found) == "1904-01-01"


def test_merged_ranges_and_hidden_places_are_told(xls: Book) -> None:
    merges = record(0x00E5, struct.pack("<HHHHH", 1, 0, 1, 0, 2))
    row = record(0x0208, struct.pack("<HHHHHHI", 3, 0, 4, 255, 0, 0, 0x20))
    column = record(0x007D, struct.pack("<HHHHHH", 1, 0xFFFF, 0, 0, 1, 0))
    facts = only(xls(cell(NUMBER, 0, 0, ONE) + merges + row + column)).facts
    assert facts.merges == [Merge(1, 0, 2, 2)]
    assert facts.hidden_rows == {4}
    assert max(facts.hidden_columns) == 100  # no more than a table may have


def test_a_chart_inside_a_sheet_brings_no_cells(xls: Book) -> None:
    chart = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x20, 0, 1996, 0, 0))
    chart += cell(NUMBER, 9, 9, ONE) + record(0x000A)
    assert len(only(xls(cell(NUMBER, 0, 0, ONE) + chart + cell(NUMBER, 1, 0, ONE))).rows) == 2


@pytest.mark.parametrize(
    ("result", "value"),
    [
        (struct.pack("<d", 7.5), Decimal("7.5")),
        (b"\x01\0\1\0\0\0\xff\xff", True),
        (b"\x02\0\x07\0\0\0\xff\xff", None),
        (b"\x03\0\0\0\0\0\xff\xff", None),
    ],
)
def test_a_formula_shows_its_last_result(xls: Book, result: bytes, value: object) -> None:
    sheet = only(xls(cell(FORMULA, 0, 0, result + bytes(8)) + cell(NUMBER, 0, 1, ONE)))
    assert sheet.cell(1, 0) == value
    assert sheet.facts.formulas == {(1, 0)}


def test_a_text_that_belongs_to_no_formula_is_left_aside(xls: Book) -> None:
    stray = record(0x0207, struct.pack("<HB", 2, 0) + b"ok")
    assert only(xls(stray + cell(NUMBER, 0, 0, ONE))).rows == [[Decimal(1)]]


@pytest.mark.parametrize(
    "cells",
    [
        cell(SHARED, 0, 0, struct.pack("<I", 5)),  # no such text
        cell(NUMBER, 0, 0, b"\0\0"),  # half a number
        cell(TRUTH, 0, 0, b""),
        cell(TEXT, 0, 0, b"\5"),
        record(NUMBER, b"\0"),
        record(SHORT_NUMBERS, struct.pack("<HH", 0, 0) + b"\0\0\0\0\0\0\0"),
        record(0x0208, b"\0\0"),
        record(0x007D, b"\0\0"),
    ],
)
def test_a_record_that_is_too_short_or_points_nowhere_is_damage(xls: Book, cells: bytes) -> None:
    assert refusal(xls(cells)) == "file_damaged"


def test_a_book_older_than_excel_97_is_named(xls: Book) -> None:
    assert refusal(xls(cell(NUMBER, 0, 0, ONE), version=0x0500)) == "wrong_type"


def test_a_sheet_that_begins_outside_the_file_is_empty(xls: Book) -> None:
    content = xls(b"")
    place = content.index(b"Trang") - 8
    moved = content[:place] + struct.pack("<I", 0x7FFFFFFF) + content[place + 4 :]
    assert read_xls(moved, Limits()) == []


def test_more_than_fifty_sheets_are_refused(xls: Book) -> None:
    assert refusal(xls(b"", sheets=51)) == "sheet_too_large"


@pytest.mark.parametrize(("row", "column"), [(20_000, 0), (65_535, 0), (0, 100), (0, 65_535)])
def test_a_cell_beyond_the_limits_is_refused(xls: Book, row: int, column: int) -> None:
    assert refusal(xls(cell(NUMBER, row, column, ONE))) == "sheet_too_large"


def test_sectors_that_lead_in_a_circle_end() -> None:
    content = compound(b"x" * 4_096, chain=[0, 0, 0, 0, 0, 0, 0, 0, END])
    stream = stream_of(content, STREAMS)
    assert stream is not None
    assert stream == b"x" * 4_096


def test_a_sector_beyond_the_table_is_damage() -> None:
    assert refusal(compound(b"x" * 4_096, chain=[500, *range(2, 8), END, END])) == "file_damaged"


@pytest.mark.parametrize("shift", [0, 3, 10, 0xFFFF])
def test_a_container_with_sectors_of_no_known_size_is_damage(xls: Book, shift: int) -> None:
    content = bytearray(xls(b""))
    content[30:32] = struct.pack("<H", shift)
    assert refusal(bytes(content)) == "file_damaged"


def test_a_stream_among_the_small_ones_holds_no_table(xls: Book) -> None:
    content = bytearray(xls(cell(NUMBER, 0, 0, ONE)))
    content[56:60] = struct.pack("<I", 1_000_000)
    assert stream_of(bytes(content), STREAMS) == b""
    assert read_xls(bytes(content), Limits()) == []


def test_plain_texts_are_narrow_or_wide() -> None:
    assert plain_string(b"\2\0\0Ba", 0) == "Ba"
    assert plain_string(b"\3\0\1" + "Quế".encode("utf-16-le"), 0) == "Quế"
    assert plain_string(b"\2\0Ba", 0, short=True) == "Ba"


@given(
    st.lists(
        st.text(st.characters(max_codepoint=0x1FFF, exclude_categories=["Cs"]), max_size=30), max_size=8
    ),
    st.data(),
)
@FEW
def test_shared_texts_are_found_wherever_their_records_are_cut(texts: list[str], data: st.DataObject) -> None:
    records = [struct.pack("<II", len(texts), len(texts))]
    for text in texts:
        records[-1] += struct.pack("<HB", len(text), 1)
        cut = data.draw(st.integers(0, len(text)))
        records[-1] += text[:cut].encode("utf-16-le")
        if cut < len(text):  # what goes on in the next record says anew how wide its letters are
            records.append(b"\1" + text[cut:].encode("utf-16-le"))
    assert shared_strings(records) == texts


def test_a_table_that_announces_more_texts_than_it_has_ends_with_the_last() -> None:
    assert shared_strings([struct.pack("<II", 9, 0xFFFFFFFF) + b"\2\0\0Ba"]) == ["Ba"]
    assert shared_strings([]) == []


@pytest.mark.parametrize(
    "cut", [b"\0\0\0\0", struct.pack("<II", 1, 1) + b"\5\0\0Ba", struct.pack("<II", 1, 1) + b"\5"]
)
def test_a_table_that_is_cut_off_raises_what_the_reader_calls_damage(cut: bytes) -> None:
    with pytest.raises((IndexError, struct.error)):
        shared_strings([cut])
