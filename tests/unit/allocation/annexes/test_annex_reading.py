"""Annexes as they are printed: real tables tie, and nothing is reported that is right."""

from collections.abc import Callable
from typing import Any

import pytest

from services.allocation.annexes.reading import read_annex
from services.allocation.annexes.report import AnnexReport
from services.allocation.units.snapshots import published_units
from shared.kernel.unit_names import UnitNames

HEADER = ("STT", "Danh mục", "Kế hoạch vốn", "Ghi chú")
HUONG_TRA: list[tuple[Any, ...]] = [
    ("Đơn vị tính: triệu đồng",),
    HEADER,
    ("", "TỔNG CỘNG", 17_500),
    ("A", "Vốn tỉnh", 15_000),
    ("A1", "Giao thông", 13_000),
    ("a", "Đường số 1", 6_000),
    ("b", "Đường số 2", 1_000),
    ("c", "Đường số 3", 5_000),
    ("d", "Đường số 4", 1_000),
    ("A2", "Thủy lợi", 2_000),
    ("a", "Kênh số 1", 1_000),
    ("b", "Kênh số 2", 1_000),
    ("B", "Vốn thị xã", 2_500),
    ("B1", "Trường học", 2_000),
    ("a", "Trường số 1", 1_500),
    ("b", "Trường số 2", 500),
    ("B2", "Trạm y tế", 500),
    ("a", "Trạm số 1", 350),
    ("b", "Trạm số 2", 150),
]
HELP = [
    ("Đại Lộc", 1_500), ("Phú Ninh", 300), ("Điện Bàn", 700), ("Duy Xuyên", 700), ("Hiệp Đức", 700),
    ("Tiên Phước", 800), ("Núi Thành", 500), ("Thăng Bình", 400), ("Quế Sơn", 400),
]  # fmt: skip
Read = Callable[..., AnnexReport]


def codes(report: AnnexReport) -> list[str]:
    return [problem.code for problem in report.problems]


def test_the_ten_billion_for_six_cemeteries_tie(read: Read, cemeteries: list[list[Any]]) -> None:
    report = read(cemeteries)
    assert report.problems == ()
    assert report.tied
    assert report.unit == "triệu đồng"
    assert report.total_vnd == 10_000_000_000
    assert [line.amount_vnd for line in report.lines][:2] == [3_000_000_000, 2_000_000_000]
    assert report.matched_units == 6
    assert report.unmatched == ()
    assert (report.lines[-1].label, report.lines[-1].note, report.lines[-1].row) == ("6", "đợt 1", 10)


def test_lines_are_the_rows_without_rows_below(read: Read) -> None:
    report = read(HUONG_TRA)
    assert report.problems == ()
    assert report.tied
    assert len(report.lines) == 10
    assert report.total_vnd == 17_500_000_000
    assert report.lines[0].headings == ("Vốn tỉnh", "Giao thông")
    assert report.lines[-1].headings == ("Vốn thị xã", "Trạm y tế")


def test_a_line_that_names_a_work_and_no_unit_is_no_problem(read: Read) -> None:
    report = read(HUONG_TRA)
    assert report.matched_units == 0
    assert len(report.unmatched) == 10


@pytest.mark.parametrize("level", ["A", "B", "A1", "A2", "B1", "B2", ""])
def test_every_level_of_a_tree_must_tie(read: Read, level: str) -> None:
    rows = [(*row[:2], row[2] + 1) if row[0] == level and len(row) == 3 else row for row in HUONG_TRA]
    report = read(rows)
    assert not report.tied
    assert "sums_do_not_tie" in codes(report)


def test_the_parent_row_of_a_wrong_sum_is_named_with_both_sums(read: Read) -> None:
    rows = [list(row) for row in HUONG_TRA]
    rows[4][2] = 13_500.25
    (first, second) = read(rows).problems
    assert (first.row, first.column, first.code) == (4, "C", "sums_do_not_tie")
    assert (second.row, second.column) == (5, "C")
    assert "states 13500,25" in second.message
    assert "add up to 13000" in second.message


def test_districts_by_their_bare_names(read: Read) -> None:
    lines = [(number, name, amount) for number, (name, amount) in enumerate(HELP, 1)]
    report = read([("ĐVT: triệu đồng",), HEADER, *lines, ("", "Tổng cộng", 6_000)])
    assert report.problems == ()
    assert report.matched_units == 9


def test_units_of_any_time_without_a_date(sheet: Callable[..., bytes]) -> None:
    lines = [(number, name, amount) for number, (name, amount) in enumerate(HELP, 1)]
    content = sheet([("ĐVT: triệu đồng",), HEADER, *lines, ("", "Tổng cộng", 6_000)])
    report = read_annex(content, "annex.xlsx", published_units().names())
    assert report.problems == ()
    assert report.matched_units == 9


def test_the_two_class_amounts_of_nui_thanh_in_vietnamese_writing(
    read_text: Callable[[str], AnnexReport],
) -> None:
    text = "PHỤ LỤC\n(ĐVT: triệu đồng)\nSTT;Nội dung;Số tiền\n;TỔNG SỐ;10.003,125\n"
    text += "".join(f"{n};Xã miền núi thứ {n};1.466,875\n" for n in range(1, 4))
    text += "".join(f"{n};Xã đồng bằng thứ {n};466,875\n" for n in range(4, 16))
    report = read_text(text)
    assert report.problems == ()
    assert report.tied
    assert len(report.lines) == 15
    assert report.total_vnd == 10_003_125_000


@pytest.mark.parametrize(
    ("said", "unit", "total"),
    [
        ("ĐVT: đồng", "đồng", 3),
        ("Đơn vị tính: nghìn đồng", "nghìn đồng", 3_000),
        ("(ĐVT: 1.000 đồng)", "nghìn đồng", 3_000),
        ("Đơn vị: ngàn đồng", "nghìn đồng", 3_000),
        ("Đvt : Triệu đồng", "triệu đồng", 3_000_000),
        ("ĐƠN VỊ TÍNH: TỶ ĐỒNG", "tỷ đồng", 3_000_000_000),
    ],
)
def test_amounts_are_in_what_the_sheet_says(read: Read, said: str, unit: str, total: int) -> None:
    report = read([(said,), HEADER, (None, "TỔNG SỐ", 3), (1, "Việc một", 1), (2, "Việc hai", 2)])
    assert report.problems == ()
    assert (report.unit, report.total_vnd) == (unit, total)


def test_the_unit_of_measure_may_stand_in_the_header(read: Read) -> None:
    header = ("TT", "Tên đơn vị", "Dự toán (nghìn đồng)", "Ghi chú")
    report = read([header, (None, "Tổng số", 5), (1, "Huyện Núi Thành", 5)])
    assert report.problems == ()
    assert report.total_vnd == 5_000


@pytest.mark.parametrize(
    "header",
    [
        ("STT", "Nội dung", "Số tiền", "Ghi chú"),
        ("TT", "Tên đơn vị", "Kinh phí", "Ghi chú"),
        ("Số TT", "Địa phương", "Dự toán năm 2024", "Ghi chú"),
        ("STT", "Danh mục công trình", "KẾ HOẠCH VỐN", "GHI CHÚ"),
    ],
)
def test_columns_are_known_by_their_usual_names(read: Read, header: tuple[str, ...]) -> None:
    report = read([("ĐVT: đồng",), header, (None, "Tổng số", 5), (1, "Xã Quế Minh", 5, "x")])
    assert report.problems == ()
    assert report.lines[0].note == "x"


def test_numbering_may_have_gaps_and_the_total_may_come_last(read: Read) -> None:
    rows = [("ĐVT: đồng",), HEADER, (1, "Một", 1), (3, "Hai", 2), (7, "Ba", 3), (None, "CỘNG:", 6)]
    report = read(rows)
    assert report.problems == ()
    assert len(report.lines) == 3


def test_roman_groups_numbers_and_bullets_nest(read: Read) -> None:
    rows = [
        ("ĐVT: đồng",), HEADER, (None, "TỔNG SỐ", 100),
        ("I", "Huyện Quế Sơn", 60), (1, "Nghĩa trang", 50), ("-", "Xã Quế Minh", 20), ("-", "Xã Quế An", 30),
        (2, "Nhà bia", 10), ("II", "Huyện Thăng Bình", 40), ("1.", "Xã Bình Hải", 40),
    ]  # fmt: skip
    report = read(rows)
    assert report.problems == ()
    assert [line.text for line in report.lines] == ["Xã Quế Minh", "Xã Quế An", "Nhà bia", "Xã Bình Hải"]
    assert report.lines[0].headings == ("Huyện Quế Sơn", "Nghĩa trang")


def test_a_heading_without_amount_counts_as_the_sum_below(read: Read) -> None:
    rows = [("ĐVT: đồng",), HEADER, (None, "TỔNG SỐ", 3), ("I", "Nhóm", None), (1, "a", 1), (2, "b", 2)]
    assert read(rows).problems == ()


def test_rows_that_are_no_lines_are_passed_over(read: Read) -> None:
    rows = [
        ("ĐVT: đồng",), HEADER, ("(1)", "(2)", "(3)", "(4)"), (None, "TỔNG SỐ", 3), (1, "Một", 1),
        (None, "trong đó có phần của năm trước"), HEADER, (2, "Hai", 2), (None, "Bằng chữ: Ba đồng"), (),
        (None, "NGƯỜI LẬP BIỂU", "CHỦ TỊCH"),
    ]  # fmt: skip
    report = read(rows)
    assert report.problems == ()
    assert len(report.lines) == 2


def test_a_table_without_numbering_is_read_line_by_line(read: Read) -> None:
    rows = [("ĐVT: đồng",), ("Nội dung", "Số tiền"), ("Một", 1), ("Hai", None), ("Tổng số", 1), ("Ba", None)]
    report = read(rows)
    assert codes(report) == ["amount_missing", "amount_missing"]
    assert [problem.row for problem in report.problems] == [4, 6]


def test_zero_is_an_amount_and_so_is_a_dash(read: Read) -> None:
    rows = [("ĐVT: đồng",), HEADER, (None, "TỔNG SỐ", 1), (1, "Một", 0), (2, "Hai", " - "), (3, "Ba", 1)]
    report = read(rows)
    assert report.problems == ()
    assert [line.amount_vnd for line in report.lines] == [0, 0, 1]


def test_a_byte_order_mark_and_decomposed_letters_are_no_obstacle(units: UnitNames) -> None:
    text = "ĐVT: triệu đồng\nSTT,Danh mục,Kế hoạch vốn\n,TỔNG SỐ,5\n1,Xã Quế Minh,5\n"
    plain = read_annex(text.encode(), "a.csv", units)
    marked = read_annex(b"\xef\xbb\xbf" + text.encode(), "a.csv", units)
    wide = read_annex(text.encode("utf-16"), "a.csv", units)
    assert plain == marked == wide
    assert plain.problems == ()


def test_titles_may_be_merged(read: Read, cemeteries: list[list[Any]]) -> None:
    def merge_title(_: Any, page: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        page.merge_range(0, 0, 0, 3, "PHỤ LỤC")

    assert read(cemeteries, change=merge_title).problems == ()


def test_old_workbooks_are_read_alike(
    old_sheet: Callable[..., bytes], read: Read, cemeteries: list[list[Any]], units: UnitNames
) -> None:
    old = read_annex(old_sheet(cemeteries), "annex.xlsx".replace("xlsx", "xls"), units)
    new = read(cemeteries)
    assert old.problems == ()
    assert (old.lines, old.total_vnd, old.tied) == (new.lines, new.total_vnd, new.tied)
