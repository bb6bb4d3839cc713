"""Every fault is named with its row, column and cure, and all faults of a file come at once."""

import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from services.allocation.annexes.reading import read_annex
from services.allocation.annexes.report import PROBLEMS_MAX, AnnexReport, column_letters
from shared.kernel.unit_names import UnitNames

HEADER = ("STT", "Danh mục", "Kế hoạch vốn", "Ghi chú")
TITLE = ("ĐVT: triệu đồng",)
Read = Callable[..., AnnexReport]


def found(report: AnnexReport) -> list[tuple[int | None, str | None, str]]:
    return [(problem.row, problem.column, problem.code) for problem in report.problems]


def one_line(read: Read, amount: object, text: str = "Xã Quế Minh", total: object = 5) -> AnnexReport:
    return read([TITLE, HEADER, (None, "TỔNG SỐ", total), (1, text, amount)])


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("ba tỷ", "amount_not_a_number"),
        ("12%", "amount_not_a_number"),
        ("1e9", "amount_not_a_number"),
        (True, "amount_not_a_number"),
        ("3 tỷ", "unit_of_measure_mixed"),
        ("500 triệu đồng", "unit_of_measure_mixed"),
        (0.0000001, "amount_fraction_of_dong"),
        ("0,0000005", "amount_fraction_of_dong"),
        (-5, "amount_negative"),
        ("-1.500", "amount_negative"),
        ("(1.500)", "amount_negative"),
        (9_007_199_255, "amount_too_large"),
        (1e300, "amount_too_large"),
        ("9" * 400, "amount_too_large"),
        (date(2024, 7, 24), "date_in_amount"),
        ("24/7/2024", "date_in_amount"),
        ("1,466.875.000", "mixed_number_formats"),
        ("1.466,875.000", "mixed_number_formats"),
        ("1.46.875", "amount_not_a_number"),
        (None, "amount_missing"),
    ],
)
def test_an_amount_that_is_none_is_named(read: Read, amount: object, code: str) -> None:
    report = one_line(read, amount)
    assert found(report) == [(4, "C", code)]
    assert not report.tied
    assert report.total_vnd is None


def test_two_ways_of_writing_numbers_name_both_cells(read_text: Callable[[str], AnnexReport]) -> None:
    report = read_text(
        "ĐVT: triệu đồng\nSTT;Danh mục;Kế hoạch vốn\n1;Một;1.466,875\n2;Hai;1,466.875\n;Tổng số;2933,75\n"
    )
    (problem,) = report.problems
    assert (problem.row, problem.column, problem.code) == (4, "C", "mixed_number_formats")
    assert 'C3 holds "1.466,875" and C4 holds "1,466.875"' in problem.message


def test_a_point_in_place_of_the_decimal_comma_is_noticed(read_text: Callable[[str], AnnexReport]) -> None:
    report = read_text(
        "ĐVT: triệu đồng\nSTT;Danh mục;Kế hoạch vốn\n1;Một;1.466,875\n2;Hai;1.466.875\n;Tổng số;2.933,75\n"
    )
    assert "mixed_number_formats" in [problem.code for problem in report.problems]


def test_english_writing_throughout_is_understood(read_text: Callable[[str], AnnexReport]) -> None:
    report = read_text(
        'ĐVT: triệu đồng\nSTT,Danh mục,Kế hoạch vốn\n1,Một,"1,466.875"\n2,Hai,466.875\n,Tổng số,"1,933.75"\n'
    )
    assert report.problems == ()
    assert report.total_vnd == 1_933_750_000


def test_an_unknown_unit_is_a_problem_and_offers_the_nearest(read: Read) -> None:
    report = one_line(read, 5, "Nghĩa trang liệt sĩ xã Quế Mihn")
    assert found(report) == [(4, "B", "unit_unknown")]
    assert report.unmatched[0].row == 4
    assert report.unmatched[0].nearest[0] == "Xã Quế Minh"
    assert "Xã Quế Minh" in report.problems[0].message


def test_a_bare_misspelt_name_is_a_problem_too(read: Read) -> None:
    assert found(one_line(read, 5, "Quế Mihn")) == [(4, "B", "unit_unknown")]


def test_a_misspelt_district_in_a_heading_is_a_problem(read: Read) -> None:
    report = read([TITLE, HEADER, (None, "TỔNG SỐ", 5), ("I", "Huyện Quế Sown", 5), (1, "Xã Quế Minh", 5)])
    assert found(report) == [(4, "B", "unit_unknown")]


def test_one_name_in_two_districts_is_a_question(read: Read) -> None:
    report = one_line(read, 5, "Phước Hòa")
    assert found(report) == [(4, "B", "unit_ambiguous")]
    assert set(report.unmatched[0].nearest) == {
        "Phường Phước Hòa (Thành phố Tam Kỳ)", "Xã Phước Hoà (Huyện Phước Sơn)",
    }  # fmt: skip


def test_the_heading_answers_which_district(read: Read) -> None:
    report = read([TITLE, HEADER, (None, "TỔNG SỐ", 5), ("I", "Huyện Phước Sơn", 5), (1, "Phước Hòa", 5)])
    assert report.problems == ()
    assert report.matched_units == 1


def test_a_line_that_stands_twice_is_named(read: Read) -> None:
    rows = [TITLE, HEADER, (None, "TỔNG SỐ", 9), (1, "Xã Quế Minh", 5), (2, "XÃ  QUẾ MINH", 4)]
    report = read(rows)
    assert found(report) == [(5, "B", "duplicate_line")]
    assert "row 4" in report.problems[0].message


def test_the_same_text_in_two_groups_is_no_duplicate(read: Read) -> None:
    rows = [
        TITLE, HEADER, (None, "TỔNG SỐ", 9), ("I", "Nghĩa trang", 5), (1, "Xã Quế Minh", 5),
        ("II", "Nhà bia", 4), (1, "Xã Quế Minh", 4),
    ]  # fmt: skip
    assert read(rows).problems == ()


def test_without_a_unit_of_measure_nothing_is_known(read: Read) -> None:
    report = read([HEADER, (None, "TỔNG SỐ", 5), (1, "Xã Quế Minh", 5)])
    assert found(report) == [(None, None, "unit_of_measure_missing")]
    assert (report.unit, report.total_vnd) == (None, None)
    assert report.tied


@pytest.mark.parametrize(
    ("first", "header", "code"),
    [
        ("ĐVT: triệu đồng", "Kế hoạch vốn (đồng)", "unit_of_measure_mixed"),
        ("ĐVT: quan tiền", "Kế hoạch vốn", "unit_of_measure_unknown"),
    ],
)
def test_a_doubtful_unit_of_measure_is_named(read: Read, first: str, header: str, code: str) -> None:
    report = read([(first,), ("STT", "Danh mục", header), (None, "TỔNG SỐ", 5), (1, "Xã Quế Minh", 5)])
    assert [problem.code for problem in report.problems] == [code]
    assert report.unit is None


def test_a_column_of_measures_must_agree(read: Read) -> None:
    header = ("STT", "Danh mục", "Đơn vị tính", "Kế hoạch vốn")
    rows = [header, (None, "Tổng số", None, 3), (1, "Một", "triệu đồng", 1), (2, "Hai", "tỷ đồng", 2)]
    assert found(read(rows)) == [(4, "C", "unit_of_measure_mixed")]


def test_a_sheet_without_total_proves_nothing(read: Read) -> None:
    report = read([TITLE, HEADER, (1, "Xã Quế Minh", 5)])
    assert found(report) == [(None, None, "total_missing")]
    assert not report.tied


def test_a_sheet_without_header_says_what_is_missing(read: Read) -> None:
    assert found(read([TITLE, (1, "Xã Quế Minh", 5)])) == [(None, None, "header_missing")]


def test_a_header_without_rows_is_empty(read: Read) -> None:
    assert found(read([TITLE, HEADER])) == [(2, None, "sheet_empty")]


def test_an_amount_without_text_is_named(read: Read) -> None:
    report = read([TITLE, HEADER, (None, "TỔNG SỐ", 5), (1, None, 5)])
    assert found(report) == [(4, "B", "text_missing")]


def test_two_amount_columns_are_one_too_many(read: Read) -> None:
    header = ("STT", "Danh mục", "Kế hoạch vốn", "Số tiền")
    report = read([TITLE, header, (None, "TỔNG SỐ", 5, 6), (1, "Xã Quế Minh", 5, 6)])
    assert found(report) == [(2, "D", "amount_column_ambiguous")]


def test_merged_cells_inside_the_table_are_named(read: Read, cemeteries: list[list[Any]]) -> None:
    def merge(_: Any, page: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        page.merge_range(4, 3, 5, 3, "đợt 1")

    assert found(read(cemeteries, change=merge)) == [(5, "D", "merged_cells")]


def test_formulas_are_named_even_when_they_are_right(read: Read, cemeteries: list[list[Any]]) -> None:
    def total(_: Any, page: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        page.write_formula(3, 2, "=SUM(C5:C10)", None, 10_000)

    report = read(cemeteries, change=total)
    assert found(report) == [(4, "C", "formula_cell")]
    assert report.tied


def test_hidden_rows_and_columns_are_named(read: Read, cemeteries: list[list[Any]]) -> None:
    def hide(_: Any, page: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        page.set_row(6, None, None, {"hidden": True})
        page.set_row(0, None, None, {"hidden": True})
        page.set_column(2, 2, None, None, {"hidden": True})

    assert found(read(cemeteries, change=hide)) == [(3, "C", "hidden_column"), (7, None, "hidden_row")]


def test_what_lies_behind_old_workbooks_is_seen_too(
    old_sheet: Callable[..., bytes], cemeteries: list[list[Any]], units: UnitNames
) -> None:
    content = old_sheet(cemeteries, formulas=[(3, 2)], hidden_rows=[6], merges=[(7, 1, 7, 2)])
    assert found(read_annex(content, "annex.xls", units)) == [
        (4, "C", "formula_cell"), (7, None, "hidden_row"), (8, "B", "merged_cells"),
    ]  # fmt: skip


def test_numbers_that_are_no_numbers_are_named(read: Read) -> None:
    header = ("STT", "Danh mục", "Số CCCD", "Ngày quyết định", "Kế hoạch vốn", "Ghi chú")
    rows = [
        TITLE, header, (None, "TỔNG SỐ", None, None, 3),
        (1, "Việc một", 49_012_345_678, 45_497, 1), (2, "Việc hai", "049012345678", "24/7/2024", 1),
        (date(2024, 2, 1), "Việc ba", None, None, 1, 205_123_456),
    ]  # fmt: skip
    assert found(read(rows)) == [
        (4, "C", "identity_number_as_number"), (4, "D", "date_as_number"),
        (6, "A", "date_in_text"), (6, "F", "identity_number_as_number"),
    ]  # fmt: skip


def test_a_second_sheet_with_a_table_is_not_lost_silently(read: Read, cemeteries: list[list[Any]]) -> None:
    assert found(read(cemeteries, sheets=2)) == [(None, None, "several_sheets")]


def test_a_hidden_sheet_is_named(read: Read, cemeteries: list[list[Any]]) -> None:
    def hide(book: Any, page: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        book.add_worksheet("Trống").activate()
        page.hide()

    assert found(read(cemeteries, change=hide)) == [(None, None, "sheet_hidden")]


def test_a_total_beyond_all_bounds_is_named(read: Read) -> None:
    rows = [
        ("ĐVT: tỷ đồng",),
        HEADER,
        (None, "TỔNG SỐ", 9_000_000),
        (1, "Một", 4_500_000),
        (2, "Hai", 4_600_000),
    ]
    report = read(rows)
    assert "amount_too_large" in [problem.code for problem in report.problems]
    assert report.total_vnd is None


def test_all_problems_come_at_once_from_top_to_bottom(read: Read) -> None:
    report = read([HEADER, (None, "TỔNG SỐ", 5), (1, "Xã Quế Mihn", -1), (2, None, "x"), (3, "Một", 1)])
    assert found(report) == [
        (None, None, "unit_of_measure_missing"), (3, "B", "unit_unknown"), (3, "C", "amount_negative"),
        (4, "B", "text_missing"), (4, "C", "amount_not_a_number"),
    ]  # fmt: skip


def test_a_hopeless_file_lists_no_more_than_a_person_can_use(read: Read) -> None:
    rows = [TITLE, HEADER, *((n, f"Việc {n}", "x") for n in range(1, PROBLEMS_MAX + 100))]
    problems = read(rows).problems
    assert len(problems) == PROBLEMS_MAX + 1
    assert problems[-1].code == "problems_not_listed"


def test_decomposed_text_is_stored_composed(read: Read) -> None:
    report = one_line(read, 5, unicodedata.normalize("NFD", "Xã Quế Minh"))
    assert report.problems == ()
    assert report.lines[0].text == "Xã Quế Minh"


@pytest.mark.parametrize(("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_bear_the_letters_of_a_spreadsheet(index: int, letters: str) -> None:
    assert column_letters(index) == letters
