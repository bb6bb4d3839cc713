"""Annexes as offices send them, with one thing wrong each: refused at the row, and nothing is stored."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
import xlsxwriter
from werkzeug.test import TestResponse

from tests.integration.allocation.house import CEMETERY_ARTICLE, problem
from tests.integration.allocation.offices import Offices

PATH = "/v1/decisions/annexes"
BOUNDARY = "fixed-boundary"
MILLION = 1_000_000
MEASURE = (None, None, None, "ĐVT: triệu đồng")
HEADER = ("STT", "Danh mục", "Kế hoạch vốn", "Ghi chú")
Rows = Sequence[Sequence[Any]]
Change = Callable[[Any, Any], None]


def workbook(rows: Rows, change: Change | None = None) -> bytes:
    """An XLSX of these rows; `change` gets the book and the sheet before they are closed."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        page = book.add_worksheet("Phụ lục")
        for row, cells in enumerate(rows):
            for column, value in enumerate(cells):
                if isinstance(value, datetime):
                    page.write_datetime(row, column, value, book.add_format({"num_format": "dd/mm/yyyy"}))
                elif value is not None:
                    page.write(row, column, value)
        if change is not None:
            change(book, page)
    return target.getvalue()


def table(*lines: Sequence[Any], total: object = 300, header: Sequence[str] = HEADER) -> Rows:
    """A printed table; its first line stands in row 5."""
    return [("PHỤ LỤC",), MEASURE, header, (None, "TỔNG SỐ", total), *lines]


GOOD = table((1, "Xã Quế Lâm", 100), (2, "Xã Đại Hồng", 200))


def upload(offices: Offices, content: bytes, name: str = "phu-luc.xlsx", **changes: str) -> TestResponse:
    header = {field: str(value) for field, value in offices.header().items()}
    form: dict[str, Any] = header | {"article_id": str(CEMETERY_ARTICLE), "units_on": "2024-01-01", **changes}
    form["file"] = (io.BytesIO(content), name)
    return offices.officer.send(PATH, data=form, content_type="multipart/form-data")


def nothing_stored(offices: Offices) -> bool:
    return not offices.house.one("SELECT count(*) FROM decisions") and not offices.house.journal(
        "decisions.drafted"
    )


def test_the_table_without_a_fault_is_taken(offices: Offices) -> None:
    reply = upload(offices, workbook(GOOD))
    assert reply.status_code == 201, reply.get_data(as_text=True)
    assert reply.get_json()["total_vnd"] == 300 * MILLION


# What is wrong, the rows, and which row is named with which code.
ROWS: tuple[tuple[str, Rows, int | None, str], ...] = (
    ("total_too_large", table((1, "Xã Quế Lâm", 100), (2, "Xã Đại Hồng", 201)), 4, "sums_do_not_tie"),
    ("total_too_small", table((1, "Xã Quế Lâm", 100), (2, "Xã Đại Hồng", 199)), 4, "sums_do_not_tie"),
    (
        "group_does_not_tie",
        table(("I", "Huyện Quế Sơn", 120), (1, "Xã Quế Minh", 100), ("II", "Huyện Đại Lộc", 180)),
        5,
        "sums_do_not_tie",
    ),
    (
        "nested_group_does_not_tie",
        table(
            ("I", "Huyện Quế Sơn", 300),
            (1, "Nghĩa trang", 250),
            ("1.1", "Xã Quế Minh", 100),
            ("1.2", "Xã Quế Phú", 140),
            (2, "Nhà bia", 50),
        ),
        6,
        "sums_do_not_tie",
    ),
    ("no_total", [("PHỤ LỤC",), MEASURE, HEADER, (1, "Xã Quế Lâm", 100)], None, "total_missing"),
    ("total_without_amount", table((1, "Xã Quế Lâm", 300), total=None), 4, "amount_missing"),
    ("line_without_amount", table((1, "Xã Quế Lâm", 300), (2, "Xã Đại Hồng")), 6, "amount_missing"),
    ("line_without_text", table((1, "Xã Quế Lâm", 100), (2, None, 200)), 6, "text_missing"),
    ("unknown_unit", table((1, "Xã Không Có", 300)), 5, "unit_unknown"),
    ("misspelt_unit", table((1, "Xã Quế Lâmm", 300)), 5, "unit_unknown"),
    (
        "duplicate_line",
        table((1, "Xã Quế Lâm", 100), (2, "Xã Quế Lâm", 200)),
        6,
        "duplicate_line",
    ),
    ("text_amount", table((1, "Xã Quế Lâm", "ba trăm")), 5, "amount_not_a_number"),
    ("percent", table((1, "Xã Quế Lâm", "30%")), 5, "amount_not_a_number"),
    ("fraction", table((1, "Xã Quế Lâm", "0,0000005")), 5, "amount_fraction_of_dong"),
    ("negative", table((1, "Xã Quế Lâm", -300)), 5, "amount_negative"),
    ("in_brackets", table((1, "Xã Quế Lâm", "(300)")), 5, "amount_negative"),
    ("too_large", table((1, "Xã Quế Lâm", 9_007_199_255), total=9_007_199_255), 5, "amount_too_large"),
    ("date_as_amount", table((1, "Xã Quế Lâm", datetime(2024, 7, 24))), 5, "date_in_amount"),  # noqa: DTZ001
    ("date_text_as_amount", table((1, "Xã Quế Lâm", "24/7/2024")), 5, "date_in_amount"),
    ("other_measure", table((1, "Xã Quế Lâm", "3 tỷ")), 5, "unit_of_measure_mixed"),
    ("point_for_comma", table((1, "Xã Quế Lâm", "1,466.875.000")), 5, "mixed_number_formats"),
    (
        "two_writings",
        table((1, "Xã Quế Lâm", "1.466,875"), (2, "Xã Đại Hồng", "1,466.875")),
        6,
        "mixed_number_formats",
    ),
    (
        "no_measure",
        [("PHỤ LỤC",), HEADER, (None, "TỔNG SỐ", 300), (1, "Xã Quế Lâm", 300)],
        None,
        "unit_of_measure_missing",
    ),
    (
        "strange_measure",
        [("PHỤ LỤC",), ("ĐVT: nghìn USD",), HEADER, (None, "TỔNG SỐ", 1), (1, "Xã Quế Lâm", 1)],
        2,
        "unit_of_measure_unknown",
    ),
    ("no_header", [("PHỤ LỤC",), MEASURE, (1, "Xã Quế Lâm", 300)], None, "header_missing"),
    ("no_rows", [("PHỤ LỤC",), MEASURE, HEADER], 3, "sheet_empty"),
    (
        "two_amount_columns",
        table((1, "Xã Quế Lâm", 300, 300), header=("STT", "Danh mục", "Kế hoạch vốn", "Số tiền")),
        3,
        "amount_column_ambiguous",
    ),
    (
        "identity_number",
        [
            ("PHỤ LỤC",),
            MEASURE,
            ("STT", "Danh mục", "Kế hoạch vốn", "Số CCCD"),
            (None, "TỔNG SỐ", 300),
            (1, "Xã Quế Lâm", 300, 49_012_345_678),
        ],
        5,
        "identity_number_as_number",
    ),
)


@pytest.mark.parametrize(("rows", "row", "code"), [one[1:] for one in ROWS], ids=[one[0] for one in ROWS])
def test_what_is_wrong_in_a_table_is_named_at_its_row(
    offices: Offices, rows: Rows, row: int | None, code: str
) -> None:
    body = problem(upload(offices, workbook(rows)), 422, "annex_faulty")
    told = [(one.get("row"), one["code"]) for one in body["errors"]]
    assert code in {name for _, name in told}, told
    if row is not None:
        assert (row, code) in told
    assert all(one["detail"].strip() for one in body["errors"])
    assert nothing_stored(offices)


def merge(_: Any, page: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
    page.merge_range(4, 3, 5, 3, "đợt 1")


def compute(_: Any, page: Any) -> None:  # noqa: ANN401 - as above
    page.write_formula(3, 2, "=SUM(C5:C6)", None, 300)


def hide_row(_: Any, page: Any) -> None:  # noqa: ANN401 - as above
    page.set_row(5, None, None, {"hidden": True})


def hide_column(_: Any, page: Any) -> None:  # noqa: ANN401 - as above
    page.set_column(2, 2, None, None, {"hidden": True})


def second_table(book: Any, _: Any) -> None:  # noqa: ANN401 - as above
    other = book.add_worksheet("Phụ lục 2")
    for row, cells in enumerate(GOOD):
        other.write_row(row, 0, ["" if cell is None else cell for cell in cells])


def hidden_sheet(book: Any, page: Any) -> None:  # noqa: ANN401 - as above
    book.add_worksheet("Trống").activate()
    page.hide()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (merge, "merged_cells"),
        (compute, "formula_cell"),
        (hide_row, "hidden_row"),
        (hide_column, "hidden_column"),
        (second_table, "several_sheets"),
        (hidden_sheet, "sheet_hidden"),
    ],
    ids=["merged", "formula", "row", "column", "second_table", "hidden_sheet"],
)
def test_what_a_print_would_not_show_is_named(offices: Offices, change: Change, code: str) -> None:
    body = problem(upload(offices, workbook(GOOD, change)), 422, "annex_faulty")
    assert code in {one["code"] for one in body["errors"]}
    assert nothing_stored(offices)


def bomb() -> bytes:
    """A workbook whose sheet unpacks to hundreds of times its size."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(GOOD))) as source, zipfile.ZipFile(target, "w") as made:
        for part in source.namelist():
            content = source.read(part)
            if part.endswith("sheet1.xml"):
                content += b" " * 40_000_000
            made.writestr(part, content, compress_type=zipfile.ZIP_DEFLATED)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (lambda: b"", "empty.xlsx"),
        (lambda: b"", "empty.csv"),
        (lambda: b"%PDF-1.7", "report.xlsx"),
        (lambda: b"%PDF-1.7", "report.pdf"),
        (lambda: workbook(GOOD), "annex.docx"),
        (lambda: workbook(GOOD)[:-400], "cut.xlsx"),
        (lambda: workbook([]), "no-cell.xlsx"),
        (lambda: b"MZ\x90\x00" + b"\0" * 100, "annex.xls"),
        (bomb, "bomb.xlsx"),
        (lambda: "STT;Danh mục;Số tiền\n1;Xã Quế Lâm;5\n".encode("cp1258", "replace"), "old.csv"),
        (lambda: b'a;"b', "open.csv"),
    ],
    ids=[
        "empty_xlsx",
        "empty_csv",
        "pdf_inside",
        "pdf",
        "docx",
        "cut_off",
        "no_cell",
        "program",
        "zip_bomb",
        "old_encoding",
        "open_quote",
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(
    offices: Offices, content: Callable[[], bytes], name: str
) -> None:
    body = problem(upload(offices, content(), name), 422, "annex_faulty")
    (fault,) = body["errors"]
    assert fault["detail"].rstrip().endswith(".")
    assert "Traceback" not in fault["detail"]
    assert nothing_stored(offices)


@pytest.mark.parametrize("megabytes", [21, 50])
def test_a_file_that_is_too_large_is_refused_whatever_is_in_it(offices: Offices, megabytes: int) -> None:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="large.csv"\r\n\r\n'
    data = head.encode() + b"x" * (megabytes * 1024 * 1024) + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    reply = offices.officer.send(PATH, data=data, content_type=kind)
    assert reply.status_code in {413, 422}
    assert reply.content_type == "application/problem+json"
    assert nothing_stored(offices)


def text(*lines: str) -> str:
    rows = ["Phụ lục;;;", "ĐVT: triệu đồng;;;", "STT;Danh mục;Kế hoạch vốn;Ghi chú", ";TỔNG SỐ;300;", *lines]
    return "\n".join(rows) + "\n"


LINES = ("1;Xã Quế Lâm;100;", "2;Xã Đại Hồng;200;")


@pytest.mark.parametrize(
    "content",
    [
        text(*LINES).encode(),
        text(*LINES).encode("utf-8-sig"),
        unicodedata.normalize("NFD", text(*LINES)).encode(),
        text(*LINES).replace("\n", "\r\n").encode("utf-8-sig"),
        text(*LINES).replace(";", "\t").encode(),
        text(*LINES).replace(";", ",").encode(),
    ],
    ids=["plain", "byte_order_mark", "decomposed", "windows_lines", "tabs", "commas"],
)
def test_texts_of_any_office_are_read_alike(offices: Offices, content: bytes) -> None:
    drafted = upload(offices, content, "phu-luc.csv").get_json()
    assert drafted.get("total_vnd") == 300 * MILLION, drafted
    assert [one["text"] for one in drafted["lines"]] == ["Xã Quế Lâm", "Xã Đại Hồng"]


def test_the_nearest_names_are_offered_for_a_misspelt_one(offices: Offices) -> None:
    body = problem(upload(offices, workbook(table((1, "Xã Quế Lâmm", 300)))), 422, "annex_faulty")
    assert any("Quế Lâm" in one.get("cure", "") + one["detail"] for one in body["errors"])


def test_all_faults_come_at_once_in_the_order_of_rows(offices: Offices) -> None:
    rows = table(
        (1, "Xã Không Có", 100),
        (2, "Xã Đại Hồng", "ba"),
        (3, "Xã Quế Lâm", -5),
        (4, None, 7),
        total=999,
    )
    body = problem(upload(offices, workbook(rows)), 422, "annex_faulty")
    named = [one["row"] for one in body["errors"] if "row" in one]
    assert {5, 6, 7, 8} <= set(named)
    assert f"{len(body['errors'])} problems" in body["detail"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("article_id", "x"),
        ("units_on", "hôm qua"),
        ("units_on", "2024-02-30"),
        ("fiscal_year", "1999"),
        ("kind", "gift"),
        ("issuing_unit_id", "49"),
        ("works", "năm"),
        ("note", "x"),
    ],
)
def test_a_form_field_that_cannot_be_read_is_named(offices: Offices, field: str, value: str) -> None:
    body = problem(upload(offices, workbook(GOOD), **{field: value}), 422, "request_invalid")
    assert all(one["pointer"].startswith(f"/{field}") for one in body["errors"])
    assert nothing_stored(offices)


def test_units_are_those_of_the_day_that_is_named(offices: Offices) -> None:
    """Nông Sơn was merged into Quế Sơn on 1/1/2025."""
    rows = table((1, "Huyện Nông Sơn", 300))
    assert upload(offices, workbook(rows), units_on="2024-12-31").status_code == 201
    body = problem(upload(offices, workbook(rows), units_on="2025-01-01"), 422, "annex_faulty")
    assert {one["row"] for one in body["errors"]} == {5}


def test_an_annex_of_a_foreign_unit_is_refused_before_it_is_kept(offices: Offices) -> None:
    own, foreign = offices.districts(2)
    person = offices.holder("district-officer", "decisions.draft", unit=own)
    form: dict[str, Any] = {name: str(value) for name, value in offices.header().items()}
    form |= {"article_id": str(CEMETERY_ARTICLE), "units_on": "2024-01-01", "issuing_unit_id": foreign}
    form["file"] = (io.BytesIO(workbook(GOOD)), "a.xlsx")
    problem(person.send(PATH, data=form, content_type="multipart/form-data"), 403, "unit_foreign")
    assert nothing_stored(offices)
