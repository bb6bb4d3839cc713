"""Workbooks made in memory and the published units: what every annex test starts from."""

import io
import struct
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
import xlsxwriter

from services.allocation.annexes.reading import read_annex
from services.allocation.annexes.report import AnnexReport
from services.allocation.units.snapshots import published_units
from shared.kernel.unit_names import UnitNames

Rows = Sequence[Sequence[Any]]
HEADER = ("STT", "Danh mục", "Kế hoạch vốn", "Ghi chú")
CEMETERIES: Rows = [
    ("PHỤ LỤC: phân bổ kinh phí cải tạo nghĩa trang liệt sĩ",),
    (None, None, None, "ĐVT: triệu đồng"),
    HEADER,
    (None, "TỔNG SỐ", 10_000),
    (1, "Nghĩa trang liệt sĩ xã Quế Lâm", 3_000),
    (2, "Nghĩa trang liệt sĩ xã Đại Hồng", 2_000),
    (3, "Nghĩa trang liệt sĩ xã Quế Minh", 2_000),
    (4, "Nghĩa trang liệt sĩ xã Bình Sơn", 1_600),
    (5, "Nghĩa trang liệt sĩ xã Bình Hải", 500),
    (6, "Nghĩa trang liệt sĩ xã Duy Trinh", 900, "đợt 1"),
]


@pytest.fixture(scope="session")
def units() -> UnitNames:
    return published_units().names(date(2024, 8, 1))


@pytest.fixture
def cemeteries() -> list[list[Any]]:
    return [list(row) for row in CEMETERIES]


@pytest.fixture
def sheet() -> Callable[..., bytes]:
    return workbook


@pytest.fixture
def old_sheet() -> Callable[..., bytes]:
    return old_workbook


@pytest.fixture
def read(units: UnitNames) -> Callable[..., AnnexReport]:
    def reading(rows: Rows, **extra: Any) -> AnnexReport:  # noqa: ANN401 - handed to the workbook
        return read_annex(workbook(rows, **extra), "annex.xlsx", units)

    return reading


@pytest.fixture
def read_text(units: UnitNames) -> Callable[[str], AnnexReport]:
    return lambda text: read_annex(text.encode(), "annex.csv", units)


def workbook(rows: Rows, change: Callable[[Any, Any], None] | None = None, sheets: int = 1) -> bytes:
    """An XLSX of these rows; `change` gets the book and the sheet before they are closed."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    for number in range(sheets):
        page = book.add_worksheet(f"Sheet {number}")
        for row, cells in enumerate(rows):
            for column, value in enumerate(cells):
                if isinstance(value, date):
                    page.write_datetime(row, column, value, book.add_format({"num_format": "dd/mm/yyyy"}))
                elif value is not None:
                    page.write(row, column, value)
        if change is not None and number == 0:
            change(book, page)
    book.close()
    return target.getvalue()


def old_workbook(
    rows: Rows,
    formulas: Sequence[tuple[int, int]] = (),
    hidden_rows: Sequence[int] = (),
    merges: Sequence[tuple[int, int, int, int]] = (),
    *,
    encrypted: bool = False,
    more_globals: bytes = b"",
    more_cells: bytes = b"",
) -> bytes:
    """A minimal XLS (BIFF8 in a compound file), written record by record."""
    cells = b"".join(
        _old_cell(r, c, value, formula=(r, c) in formulas)
        for r, row in enumerate(rows)
        for c, value in enumerate(row)
        if value is not None
    )
    marks = b"".join(_record(0x0208, struct.pack("<HHHHHHI", r, 0, 4, 255, 0, 0, 0x20)) for r in hidden_rows)
    ranges = b"".join(struct.pack("<HHHH", r1, r2, c1, c2) for r1, c1, r2, c2 in merges)
    page = (
        _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 1996, 0, 0))
        + _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, 4, 0))
        + marks
        + cells
        + more_cells
        + (_record(0x00E5, struct.pack("<H", len(merges)) + ranges) if merges else b"")
        + _record(0x000A, b"")
    )
    name = b"Annex"
    start = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 1996, 0, 0))
    start += _record(0x002F, struct.pack("<HHH", 0, 1, 1)) if encrypted else b""
    start += more_globals
    sheet_bytes = 4 + 6 + 2 + len(name)
    offset = len(start) + sheet_bytes + 4
    head = (
        start
        + _record(0x0085, struct.pack("<IBBBB", offset, 0, 0, len(name), 0) + name)
        + _record(0x000A, b"")
    )
    return _compound(head + page)


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _old_cell(row: int, column: int, value: Any, *, formula: bool) -> bytes:  # noqa: ANN401 - text or number
    place = struct.pack("<HHH", row, column, 0)
    if formula:
        return _record(0x0006, place + struct.pack("<dHIH", float(value), 0, 0, 0))
    if isinstance(value, str):
        return _record(0x0204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
    return _record(0x0203, place + struct.pack("<d", float(value)))


def _compound(stream: bytes) -> bytes:
    """One stream "Workbook" of at least 4,096 bytes in a compound file with 512-byte sectors."""
    stream = stream.ljust(max(4_096, -(-len(stream) // 512) * 512), b"\0")
    sectors = len(stream) // 512
    chain = [*range(1, sectors), 0xFFFFFFFE, 0xFFFFFFFE, 0xFFFFFFFD]  # stream, directory, allocation table
    table = struct.pack("<128I", *chain, *[0xFFFFFFFF] * (128 - len(chain)))
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, sectors, 0, 4_096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, sectors + 1,
    )  # fmt: skip
    header += struct.pack("<108I", *[0xFFFFFFFF] * 108)
    directory = _entry("Root Entry", 5, 0xFFFFFFFE, 0, 1) + _entry("Workbook", 2, 0, len(stream), 0xFFFFFFFF)
    return header + stream + directory.ljust(512, b"\0") + table


def _entry(name: str, kind: int, start: int, size: int, child: int) -> bytes:
    text = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ",
        text, len(text) + 2, kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child, b"", 0, 0, 0, start, size,
    )  # fmt: skip
