"""Annexes as they are printed, as spreadsheets that come out the same each time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import xlsxwriter

HEADER = ("STT", "Danh mục", "Kế hoạch vốn", "Ghi chú")
MADE_AT = datetime(2024, 1, 2, tzinfo=UTC)

# QNO: 10 billion of the city of Đà Nẵng for six martyrs' cemeteries, in million đồng as printed.
CEMETERIES = (
    ("Quế Lâm", 3000),
    ("Đại Hồng", 2000),
    ("Quế Minh", 2000),
    ("Bình Sơn", 1600),
    ("Bình Hải", 500),
    ("Duy Trinh", 900),
)


def annex(title: str, lines: Sequence[tuple[str, int]], total: int) -> bytes:
    """A spreadsheet laid out as printed: title, unit of measure, header, the total first, numbered lines."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        book.set_properties({"created": MADE_AT.replace(tzinfo=None)})
        sheet = book.add_worksheet("Phụ lục")
        sheet.write_string(0, 0, title)
        sheet.write_string(1, 0, "ĐVT: triệu đồng")
        for column, text in enumerate(HEADER):
            sheet.write_string(2, column, text)
        sheet.write_string(3, 1, "TỔNG SỐ")
        sheet.write_number(3, 2, total)
        for number, (text, amount) in enumerate(lines, 1):
            sheet.write_number(3 + number, 0, number)
            sheet.write_string(3 + number, 1, text)
            sheet.write_number(3 + number, 2, amount)
    return buffer.getvalue()


def cemeteries() -> bytes:
    """The six cemeteries, which tie."""
    return annex(
        "PHỤ LỤC: VỐN HỖ TRỢ NGHĨA TRANG LIỆT SĨ", CEMETERIES, sum(amount for _, amount in CEMETERIES)
    )


def untied() -> bytes:
    """The same table with a total that its lines do not add up to."""
    return annex("PHỤ LỤC: VỐN HỖ TRỢ NGHĨA TRANG LIỆT SĨ", CEMETERIES, 10_500)
