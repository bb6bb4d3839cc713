"""The list as the post takes it: a spreadsheet laid out as printed, written row by row.

Columns follow Circulars 44/2022 and 55/2023/TT-BTC: who, how much, and room for result and signature.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import xlsxwriter

from services.beneficiaries.channels.lines import PayLine
from services.beneficiaries.lists.model import PaymentList

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADER = (
    "STT",
    "Mã chi trả",
    "Số hồ sơ",
    "Họ và tên",
    "Năm sinh",
    "Số tiền (đồng)",
    "Kết quả",
    "Lý do",
    "Ngày chi trả",
    "Ký nhận",
)
HEADER_ROW = 4  # counted from 0; above it stand title, list, unit and unit of measure


def write(found: PaymentList, unit_name: str, lines: Iterable[PayLine]) -> bytes:
    """The spreadsheet of a list. Its last row holds count and sum, which tie with the list."""
    buffer = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet("Danh sách")
        for row, text in enumerate(_title(found, unit_name)):
            sheet.write_string(row, 0, text)
        for column, text in enumerate(HEADER):
            sheet.write_string(HEADER_ROW, column, text)
        row, total = HEADER_ROW, 0
        for number, line in enumerate(lines, 1):
            row += 1
            total += line.amount_vnd
            sheet.write_number(row, 0, number)
            for column, text in enumerate((str(line.payment_id), line.number, line.full_name), 1):
                sheet.write_string(row, column, text)
            sheet.write_number(row, 4, line.birth_year)
            sheet.write_number(row, 5, line.amount_vnd)
        sheet.write_string(row + 1, 3, "TỔNG CỘNG")
        sheet.write_number(row + 1, 5, total)
    return buffer.getvalue()


def _title(found: PaymentList, unit_name: str) -> tuple[str, ...]:
    return (
        f"DANH SÁCH CHI TRẢ TRỢ CẤP ƯU ĐÃI NGƯỜI CÓ CÔNG THÁNG {found.period.month:02d}/{found.period.year}",
        f"Mã danh sách: {found.id}",
        f"Đơn vị: {unit_name}",
        "ĐVT: đồng",
    )
