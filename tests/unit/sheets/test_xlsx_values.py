"""What the XML of a sheet says is what we read; what it should not say is refused and never crashes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shared.sheets.files import read_sheets
from shared.sheets.grid import Cell, Limits, Merge, Sheet, SheetUnreadable
from tests.unit.sheets.conftest import MAIN, Book

DATES = '<numFmts count="1"><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></numFmts>'
STYLES = (
    f"{DATES}<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
    "<cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='14'/><xf numFmtId='4'/></cellXfs>"
)


def only(content: bytes) -> Sheet:
    (sheet,) = read_sheets(content, "a.xlsx")
    return sheet


def refusal(content: bytes) -> str:
    with pytest.raises(SheetUnreadable) as caught:
        read_sheets(content, "a.xlsx")
    assert caught.value.message.endswith(("anew.", "again.", "needs.", "table."))
    return caught.value.code


@pytest.mark.parametrize(
    ("xml", "value"),
    [
        ("<c><v>1466875000</v></c>", Decimal(1_466_875_000)),
        ("<c><v> 12.50 </v></c>", Decimal("12.5")),
        ("<c><v>-3E2</v></c>", Decimal(-300)),
        ("<c><v>.5</v></c>", Decimal("0.5")),
        ('<c t="b"><v>1</v></c>', True),
        ('<c t="b"><v>true</v></c>', True),
        ('<c t="b"><v>0</v></c>', False),
        ('<c t="str"><v>12</v></c>', "12"),
        ('<c t="s"><v>1</v></c>', "Quế Minh"),
        ('<c t="inlineStr"><is><t>xã </t><t>Ba</t></is></c>', "xã Ba"),
        ('<c t="inlineStr"><is><t>Ba</t><rPh><t>ba</t></rPh></is></c>', "Ba"),
        ('<c t="d"><v>2024-07-24</v></c>', "2024-07-24"),
        ("<c><v>1 466</v></c>", "1 466"),
        ('<c s="1"><v>45497</v></c>', date(2024, 7, 24)),
        ('<c s="2"><v>45497.75</v></c>', date(2024, 7, 24)),
        ('<c s="3"><v>45497</v></c>', Decimal(45_497)),
        ('<c s="99"><v>45497</v></c>', Decimal(45_497)),
        ('<c s="1"><v>-800000</v></c>', Decimal(-800_000)),
    ],
)
def test_a_cell_means_what_its_type_and_style_say(xlsx: Book, xml: str, value: Cell) -> None:
    strings = "<si><t>không dùng</t></si><si><r><t>Quế </t></r><r><t>Minh</t></r><rPh><t>x</t></rPh></si>"
    found = only(xlsx(f"<row>{xml}</row>", strings=strings, styles=STYLES)).cell(1, 0)
    assert found == value
    assert type(found) is type(value)


def test_days_of_old_macintosh_books_begin_in_1904(xlsx: Book) -> None:
    content = xlsx(
        '<row><c s="1"><v>0</v></c></row>', styles=STYLES, properties='<workbookPr date1904="true"/>'
    )
    assert only(content).cell(1, 0) == date(1904, 1, 1)


@pytest.mark.parametrize("number", ["2", "9999999", "99999999999", "-1", "x"])
def test_a_pointer_to_a_text_that_is_not_there_is_an_empty_cell(xlsx: Book, number: str) -> None:
    content = xlsx(f'<row><c t="s"><v>{number}</v></c><c><v>7</v></c></row>', strings="<si/><si/>")
    assert only(content).rows == [[None, Decimal(7)]]


def test_cells_and_rows_without_a_reference_follow_those_before(xlsx: Book) -> None:
    sheet = only(xlsx('<row><c><v>1</v></c></row><row r="4"><c r="C4"><v>2</v></c><c><v>3</v></c></row>'))
    assert sheet.cell(1, 0) == 1
    assert (sheet.cell(4, 2), sheet.cell(4, 3)) == (2, 3)
    assert sheet.rows[1] == [None] * 4


def test_references_count_columns_as_people_do(xlsx: Book) -> None:
    sheet = only(xlsx('<row r="1"><c r="$Z$1"><v>26</v></c><c r="AA1"><v>27</v></c></row>'))
    assert (sheet.cell(1, 25), sheet.cell(1, 26)) == (26, 27)


def test_what_a_print_would_not_show_is_told(xlsx: Book) -> None:
    sheet = only(
        xlsx(
            '<row hidden="1"><c><v>1</v></c></row><row ht="0"><c t="e"><v>#REF!</v></c></row>'
            '<row ht="15"><c><f>A1+1</f><v>2</v></c></row>',
            after='<cols><col min="2" max="3" hidden="true"/><col min="5" max="9"/></cols>'
            '<mergeCells><mergeCell ref="A1:C2"/><mergeCell ref="nonsense"/>'
            '<mergeCell ref="A1"/></mergeCells>',
        )
    )
    assert sheet.facts.hidden_rows == {1, 2}
    assert sheet.facts.hidden_columns == {1, 2}
    assert sheet.facts.errors == {(2, 0)}
    assert sheet.facts.formulas == {(3, 0)}
    assert sheet.facts.merges == [Merge(1, 0, 2, 2)]


@pytest.mark.parametrize(("state", "hidden"), [("visible", False), ("hidden", True), ("veryHidden", True)])
def test_a_hidden_sheet_is_told_from_a_visible_one(xlsx: Book, state: str, hidden: object) -> None:
    assert only(xlsx("<row><c><v>1</v></c></row>", state=state)).hidden is hidden


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="0"><c><v>5</v></c></row>',
        '<row r="0"><c><v>5</v></c></row><row r="2"><c><v>7</v></c></row>',
        "<v>5</v>",
        '<row r="1"><v>5</v></row>',
    ],
)
def test_a_value_that_stands_in_no_cell_is_damage(xlsx: Book, rows: str) -> None:
    assert refusal(xlsx(rows)) == "file_damaged"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_in_every_encoding(xlsx: Book, encoding: str) -> None:
    xml = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE w [<!ENTITY a "tỷ">]>'
        f'<w xmlns="{MAIN}"><row><c t="str"><v>&a;</v></c></row></w>'
    )
    sheet = xml.encode(encoding)
    assert refusal(xlsx("", more={"xl/worksheets/sheet1.xml": sheet})) == "file_damaged"


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
@pytest.mark.parametrize("xml", [b"<a>", b"plain", b"<a></b>", b'<?xml version="1.0" encoding="x"?><a/>'])
def test_a_part_that_is_no_xml_is_damage(xlsx: Book, part: str, xml: bytes) -> None:
    assert refusal(xlsx("<row><c><v>1</v></c></row>", more={part: xml})) == "file_damaged"


def test_an_endless_depth_of_elements_is_refused(xlsx: Book) -> None:
    deep = b"<a>" * 5_000 + b"</a>" * 5_000
    assert refusal(xlsx("", more={"xl/worksheets/sheet1.xml": deep})) == "file_damaged"


def test_too_many_merged_ranges_are_refused(xlsx: Book) -> None:
    many = "<mergeCells>" + '<mergeCell ref="A1:B1"/>' * 10_001 + "</mergeCells>"
    with pytest.raises(SheetUnreadable, match="10000 merged"):
        read_sheets(xlsx("<row><c><v>1</v></c></row>", after=many), "a.xlsx")


@pytest.mark.parametrize("reference", ["A6", "A1048576", "CW1", "XFD1", "ZZZ9999999"])
def test_a_cell_beyond_the_limits_is_named_with_its_row(xlsx: Book, reference: str) -> None:
    content = xlsx(f'<row><c r="{reference}"><v>1</v></c></row>')
    with pytest.raises(SheetUnreadable, match="sheet_too_large"):
        read_sheets(content, "a.xlsx", Limits(rows_max=5))


def test_hidden_rows_far_below_the_table_are_not_remembered(xlsx: Book) -> None:
    far = '<row r="9999999" hidden="1"/>'
    assert only(xlsx(f"<row><c><v>1</v></c></row>{far}")).facts.hidden_rows == set()


def test_a_text_longer_than_any_cell_is_cut(xlsx: Book) -> None:
    strings = f"<si><t>{'x' * 5_000}</t></si>"
    assert only(xlsx('<row><c t="s"><v>0</v></c></row>', strings=strings)).text(1, 0) == "x" * 4_000


def test_a_sheet_whose_part_is_missing_is_empty(xlsx: Book) -> None:
    rels = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>'
    assert read_sheets(xlsx("<row/>", more={"xl/_rels/workbook.xml.rels": rels}), "a.xlsx") == []


def test_parts_above_the_root_of_the_archive_are_not_reached(xlsx: Book) -> None:
    rels = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="rId1" Type="x/worksheet" Target="../../../../etc/passwd"/></Relationships>'
    )
    content = xlsx(
        "<row/>", more={"xl/_rels/workbook.xml.rels": rels, "etc/passwd": b"<row><c><v>1</v></c></row>"}
    )
    assert read_sheets(content, "a.xlsx") == []


def test_more_than_fifty_sheets_are_refused(xlsx: Book) -> None:
    sheets = "".join(f'<sheet name="{n}" r:id="r{n}"/>' for n in range(51))
    links = "".join(f'<Relationship Id="r{n}" Target="worksheets/{n}.xml"/>' for n in range(51))
    content = xlsx(
        "",
        more={
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="u">{sheets}</workbook>'.encode(),
            "xl/_rels/workbook.xml.rels": f"<Relationships>{links}</Relationships>".encode(),
        },
    )
    with pytest.raises(SheetUnreadable, match="more than 50 sheets"):
        read_sheets(content, "a.xlsx")
