"""Our own workbook readers see what calamine sees in sound files, and more behind the cells.

calamine is trusted here only with files made by this test; on damaged ones it aborts the process.
"""

import io
import struct
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from shared.sheets.files import read_sheets
from shared.sheets.grid import Cell, clean, is_date_format

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(-1e12, 1e12, allow_nan=False),
    st.text(
        st.characters(min_codepoint=33, max_codepoint=0x2000, exclude_categories=["Cs", "Cc"]), max_size=12
    ),
    st.dates(date(1950, 1, 1), date(2100, 1, 1)),
)
TABLES = st.lists(st.lists(VALUES, min_size=1, max_size=5), min_size=1, max_size=8)
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def by_calamine(content: bytes) -> dict[tuple[int, int], Cell]:
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    return {
        (r, c): clean(value)
        for r, row in enumerate(rows.to_python(skip_empty_area=False))
        for c, value in enumerate(row)
        if clean(value) is not None
    }


def by_us(content: bytes, name: str) -> dict[tuple[int, int], Cell]:
    sheets = read_sheets(content, name)
    return {
        (r, c): value
        for sheet in sheets[:1]
        for r, row in enumerate(sheet.rows)
        for c, value in enumerate(row)
        if value is not None
    }


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def cell(kind: int, row: int, column: int, data: bytes, style: int = 0) -> bytes:
    return record(kind, struct.pack("<HHH", row, column, style) + data)


@given(TABLES)
@FEW
def test_reads_new_workbooks_as_calamine_does(
    sheet: Callable[..., bytes], rows: Sequence[Sequence[Any]]
) -> None:
    def write_text(_: Any, page: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if isinstance(value, str):  # never a formula or an address
                    page.write_string(r, c, value)

    plain = [[None if isinstance(value, str) else value for value in row] for row in rows]
    content = sheet(plain, change=write_text)
    assert by_us(content, "a.xlsx") == by_calamine(content)


@given(
    st.lists(
        st.lists(
            st.floats(-1e12, 1e12)
            | st.text(
                st.characters(min_codepoint=33, max_codepoint=0x2000, exclude_categories=["Cs", "Cc"]),
                min_size=1,
                max_size=9,
            ),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=9,
    )
)
@FEW
def test_reads_old_workbooks_as_calamine_does(
    old_sheet: Callable[..., bytes], rows: Sequence[Sequence[float | str]]
) -> None:
    content = old_sheet(rows)
    assert by_us(content, "a.xls") == by_calamine(content)


def test_reads_rich_and_inline_text(sheet: Callable[..., bytes]) -> None:
    def rich(book: Any, page: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        bold = book.add_format({"bold": True})
        page.write_rich_string(0, 0, "Xã ", bold, "Quế", " Minh")

    assert by_us(sheet([], change=rich), "a.xlsx") == {(0, 0): "Xã Quế Minh"}


def test_reads_packed_numbers_of_old_workbooks(old_sheet: Callable[..., bytes]) -> None:
    def packed(number: int, *, hundredths: bool = False) -> int:
        return (number << 2 | 2 | hundredths) & 0xFFFFFFFF

    half = struct.unpack("<II", struct.pack("<d", 0.5))[1]
    several = struct.pack("<HH", 1, 0) + b"".join(struct.pack("<HI", 0, packed(n)) for n in (7, -7)) + b"\1\0"
    content = old_sheet(
        [],
        more_cells=cell(0x027E, 0, 0, struct.pack("<I", packed(1466)))
        + cell(0x027E, 0, 1, struct.pack("<I", packed(146_688, hundredths=True)))
        + cell(0x027E, 0, 2, struct.pack("<I", half))
        + record(0x00BD, several),
    )
    expected = {(0, 0): 1466, (0, 1): Decimal("1466.88"), (0, 2): Decimal("0.5"), (1, 0): 7, (1, 1): -7}
    assert by_us(content, "a.xls") == expected == by_calamine(content)


def test_reads_shared_texts_of_old_workbooks_across_records(old_sheet: Callable[..., bytes]) -> None:
    long = "Nghĩa trang liệt sĩ " * 10
    wide = long.encode("utf-16-le")
    first = struct.pack("<II", 4, 4) + struct.pack("<HB", 2, 0) + b"Ba"
    first += struct.pack("<HBH", 3, 9, 1) + "Quế".encode("utf-16-le") + bytes(4)  # rich: one run to pass over
    first += struct.pack("<HB", len(long), 1) + wide[:100]
    second = b"\1" + wide[100:] + struct.pack("<HBI", 4, 5, 6) + "Minh".encode("utf-16-le") + bytes(6)
    table = record(0x00FC, first) + record(0x003C, second)
    cells = b"".join(cell(0x00FD, n, 0, struct.pack("<I", n)) for n in range(4))
    content = old_sheet([], more_globals=table, more_cells=cells)
    assert by_us(content, "a.xls") == {(0, 0): "Ba", (1, 0): "Quế", (2, 0): long.strip(), (3, 0): "Minh"}


def test_reads_days_truths_errors_and_computed_texts_of_old_workbooks(
    old_sheet: Callable[..., bytes],
) -> None:
    code = "dd/mm/yyyy"
    formats = record(0x041E, struct.pack("<HHB", 164, len(code), 0) + code.encode())
    styles = record(0x00E0, struct.pack("<HH", 0, 0) + bytes(16)) + record(
        0x00E0, struct.pack("<HH", 0, 164) + bytes(16)
    )
    text = record(0x0207, struct.pack("<HB", 2, 0) + b"ok")
    content = old_sheet(
        [],
        more_globals=formats + styles,
        more_cells=cell(0x0203, 0, 0, struct.pack("<d", 45_497), style=1)
        + cell(0x0205, 1, 0, b"\1\0")
        + cell(0x0205, 2, 0, b"\7\1")
        + cell(0x0006, 3, 0, b"\0\0\0\0\0\0\xff\xff" + bytes(8))
        + text,
    )
    (found,) = read_sheets(content, "a.xls")
    assert by_us(content, "a.xls") == {(0, 0): date(2024, 7, 24), (1, 0): True, (3, 0): "ok"}
    assert found.facts.errors == {(3, 0)}
    assert found.facts.formulas == {(4, 0)}


def test_a_workbook_that_announces_billions_of_texts_is_read_all_the_same(
    sheet: Callable[..., bytes],
) -> None:
    content = sheet([("Xã Quế Minh", 5)])
    assert by_us(content.replace(b'uniqueCount="1"', b'uniqueCount="4294967295"'), "a.xlsx")


def test_hidden_columns_of_old_workbooks_are_known(old_sheet: Callable[..., bytes]) -> None:
    content = old_sheet([("x", 1)], more_cells=record(0x007D, struct.pack("<HHHHHH", 1, 1, 0, 0, 1, 0)))
    assert read_sheets(content, "a.xls")[0].facts.hidden_columns == {1}


def test_a_number_beyond_all_days_stays_a_number(sheet: Callable[..., bytes]) -> None:
    def far(book: Any, page: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        page.write_number(0, 0, 1e15, book.add_format({"num_format": "dd/mm/yyyy"}))

    assert by_us(sheet([], change=far), "a.xlsx") == {(0, 0): Decimal("1E+15")}


def test_number_formats_that_show_days() -> None:
    assert is_date_format("dd/mm/yyyy")
    assert is_date_format("[$-42A]d mmmm")
    assert not is_date_format('#,##0 "đồng"')
    assert not is_date_format("[Red]0.00;General")
    assert not is_date_format(r"0\d")


def test_a_cell_is_cleaned_to_one_form() -> None:
    assert clean(1466.8699999999999) == Decimal("1466.87")
    assert clean("  x\u200b \u0000") == "x"
    assert clean(" ") is None
    assert clean(datetime(2024, 7, 1)) == datetime(2024, 7, 1)  # noqa: DTZ001 - sheets know no zones
