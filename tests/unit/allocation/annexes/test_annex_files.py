"""Files that are no annex are refused by what they are, whatever they are called, and never crash."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.allocation.annexes.reading import read_annex
from services.allocation.annexes.report import AnnexReport
from shared.kernel.unit_names import UnitName, UnitNames
from shared.sheets.grid import BYTES_MAX, COLUMNS_MAX, ROWS_MAX

NOBODY = UnitNames(list[UnitName]())
SEAL = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def code_of(content: bytes, filename: str) -> str:
    report = read_annex(content, filename, NOBODY)
    assert isinstance(report, AnnexReport)
    return report.problems[0].code if len(report.problems) == 1 else ""


def zipped(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return target.getvalue()


def changed(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    parts[part] = change(parts[part])
    return zipped(parts)


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"%PDF-1.7 ...", "annex.xlsx"),
        (b"%PDF-1.7 ...", "annex.csv"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "annex.csv"),
        (b"<html><table></table></html>", "annex.xls"),
        (b"<html><table></table></html>", "annex.csv"),
        (b"STT,Danh muc,So tien", "annex.xlsx"),
        (b"STT,Danh muc,So tien", "annex.exe"),
        (b"STT,Danh muc,So tien", "annex"),
        (zipped({"word/document.xml": b"<x/>"}), "annex.xlsx"),
        (zipped({"xl/workbook.xml": b"<x/>"}), "annex.csv"),
    ],
)
def test_a_file_of_another_type_is_refused(content: bytes, filename: str) -> None:
    assert code_of(content, filename) == "wrong_type"


def test_a_file_that_is_too_large_is_not_even_looked_at() -> None:
    assert code_of(b"x" * (BYTES_MAX + 1), "annex.csv") == "file_too_large"
    assert code_of(bytes(50_000_000), "annex.xlsx") == "file_too_large"


def test_a_zip_bomb_is_not_unpacked(sheet: Callable[..., bytes]) -> None:
    bomb = changed(sheet([("x",)]), "xl/worksheets/sheet1.xml", lambda part: part + b" " * 30_000_000)
    assert len(bomb) < 100_000
    assert code_of(bomb, "annex.xlsx") == "zip_bomb"


def test_a_zip_that_lies_about_its_sizes_is_damaged(sheet: Callable[..., bytes]) -> None:
    bomb = bytearray(
        changed(sheet([("x",)]), "xl/worksheets/sheet1.xml", lambda part: part + b" " * 30_000_000)
    )
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size.to_bytes(4, "little")
    lie = bytes(bomb).replace(size, (100).to_bytes(4, "little"))
    assert code_of(lie, "annex.xlsx") == "file_damaged"


def test_too_many_parts_are_a_bomb_as_well() -> None:
    assert code_of(zipped({f"xl/{n}.xml": b"" for n in range(1_001)}), "annex.xlsx") == "zip_bomb"


def test_a_workbook_under_a_password_is_named(old_sheet: Callable[..., bytes]) -> None:
    container = old_sheet([("x",)]).replace(
        "Workbook".encode("utf-16-le"), "EncryptionInfo".encode("utf-16-le")[:16]
    )
    sealed = container + "EncryptedPackage".encode("utf-16-le")
    assert code_of(sealed, "annex.xlsx") == "password_protected"
    assert code_of(old_sheet([("x",)], encrypted=True), "annex.xls") == "password_protected"


def test_a_zip_under_a_password_is_named(sheet: Callable[..., bytes]) -> None:
    content = bytearray(sheet([("x",)]))
    place = content.rindex(b"PK\x01\x02")
    content[place + 8] |= 1
    assert code_of(bytes(content), "annex.xlsx") == "password_protected"


def test_an_old_document_that_is_no_workbook_is_refused(old_sheet: Callable[..., bytes]) -> None:
    word = old_sheet([("x",)]).replace("Workbook".encode("utf-16-le"), "Document".encode("utf-16-le"))
    assert code_of(word, "annex.xls") == "wrong_type"


def test_xml_with_entities_of_its_own_is_refused(sheet: Callable[..., bytes]) -> None:
    declared = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml"):
        content = changed(sheet([("x",)]), part, lambda xml: xml.replace(b"?>", b"?>" + declared, 1))
        assert code_of(content, "annex.xlsx") == "file_damaged"


def test_parts_may_lie_where_the_workbook_says(
    sheet: Callable[..., bytes], cemeteries: list[list[Any]]
) -> None:
    def absolute(rels: bytes) -> bytes:
        rels = rels.replace(b'Target="worksheets/', b'Target="/xl/worksheets/')
        return rels.replace(b'Target="sharedStrings.xml"', b'Target="/xl/Strings.xml"')

    moved = changed(sheet(cemeteries), "xl/_rels/workbook.xml.rels", absolute)
    with zipfile.ZipFile(io.BytesIO(moved)) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    parts["xl/Strings.xml"] = parts.pop("xl/sharedStrings.xml")
    report = read_annex(zipped(parts), "a.xlsx", NOBODY)
    assert report.total_vnd == 10_000_000_000


def test_two_sheets_that_are_one_are_refused(
    sheet: Callable[..., bytes], cemeteries: list[list[Any]]
) -> None:
    twice = changed(
        sheet(cemeteries, sheets=2),
        "xl/_rels/workbook.xml.rels",
        lambda rels: rels.replace(b"worksheets/sheet2.xml", b"worksheets/sheet1.xml"),
    )
    assert code_of(twice, "a.xlsx") == "file_damaged"


def test_cells_far_outside_the_table_are_named(sheet: Callable[..., bytes]) -> None:
    def far(_: Any, page: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        page.write(1_048_575, 16_383, "x")

    assert code_of(sheet([("x",)], change=far), "annex.xlsx") == "sheet_too_large"
    assert code_of(b"a,b\n" * (ROWS_MAX + 1), "annex.csv") == "sheet_too_large"
    assert code_of(b"," * COLUMNS_MAX, "annex.csv") == "sheet_too_large"


@pytest.mark.parametrize("content", [b"", b"\n\n", b" \t\r\n", b"\xef\xbb\xbf"])
def test_a_file_without_content_is_empty(content: bytes) -> None:
    assert code_of(content, "annex.csv") == "sheet_empty"


def test_a_workbook_without_content_is_empty(
    sheet: Callable[..., bytes], old_sheet: Callable[..., bytes]
) -> None:
    assert code_of(sheet([]), "annex.xlsx") == "sheet_empty"
    assert code_of(old_sheet([]), "annex.xls") == "sheet_empty"


def test_text_in_another_encoding_is_not_guessed() -> None:
    assert code_of("Quảng Nam".encode()[:-3] + b"\xe1,\xe0", "annex.csv") == "encoding_unknown"


def test_a_cell_without_end_is_refused() -> None:
    assert code_of(b'"' + b"x" * 200_000, "annex.csv") == "csv_broken"


@given(st.binary(max_size=2_000), st.sampled_from(["a.csv", "a.xlsx", "a.xls"]))
@SEAL
def test_random_bytes_never_crash(content: bytes, filename: str) -> None:
    read_annex(content, filename, NOBODY)


@given(st.text(max_size=500))
@SEAL
def test_random_text_never_crashes(text: str) -> None:
    head = "ĐVT: đồng\nSTT;Danh mục;Kế hoạch vốn;Ghi chú\n"
    read_annex((head + text).encode("utf-8", "replace"), "a.csv", NOBODY)


CELLS = st.one_of(
    st.sampled_from(
        ["", "I", "C", "1.1", "a)", "-", "TỔNG SỐ", "1.466,875", "1,466.875", "-5", "24/7/2024", "xã Ba"]
    ),
    st.integers(-5, 10**18).map(str),
    st.text(max_size=8),
)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=30))
@SEAL
def test_random_tables_never_crash_and_totals_are_the_sum_of_lines(rows: list[tuple[str, ...]]) -> None:
    quoted = "\n".join(";".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    head = "ĐVT: đồng\nSTT;Danh mục;Kế hoạch vốn;Ghi chú\n"
    report = read_annex((head + quoted).encode("utf-8", "replace"), "a.csv", NOBODY)
    if report.total_vnd is not None:
        assert report.total_vnd == sum(line.amount_vnd or 0 for line in report.lines)
    if report.tied and not report.problems:
        assert report.total_vnd is not None


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=40), st.sampled_from(["xlsx", "xls"]))
@SEAL
def test_damaged_workbooks_never_crash(
    sheet: Callable[..., bytes],
    old_sheet: Callable[..., bytes],
    cemeteries: list[list[Any]],
    place: int,
    noise: bytes,
    kind: str,
) -> None:
    content = bytearray(sheet(cemeteries) if kind == "xlsx" else old_sheet(cemeteries))
    start = 8 + place % (len(content) - 8)
    content[start : start + len(noise)] = noise
    read_annex(bytes(content), f"a.{kind}", NOBODY)


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=20), st.sampled_from([0, 1, 2, 3]))
@SEAL
def test_damaged_parts_never_crash(
    sheet: Callable[..., bytes], cemeteries: list[list[Any]], place: int, noise: bytes, part: int
) -> None:
    names = ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml")

    def damage(xml: bytes) -> bytes:
        start = place % len(xml)
        return xml[:start] + noise + xml[start + len(noise) :]

    read_annex(changed(sheet(cemeteries), names[part], damage), "a.xlsx", NOBODY)


@given(st.integers(1, 5_000))
@SEAL
def test_files_that_are_cut_off_never_crash(
    sheet: Callable[..., bytes], old_sheet: Callable[..., bytes], cemeteries: list[list[Any]], length: int
) -> None:
    read_annex(sheet(cemeteries)[:length], "a.xlsx", NOBODY)
    read_annex(old_sheet(cemeteries)[:length], "a.xls", NOBODY)
