"""A decision as a spreadsheet, laid out as on sheets. Whatever is text stays text: no cell is a formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import xlsxwriter

from services.portal.decisions import sheets
from services.portal.decisions.model import Row

TEXTS = (
    "nation",
    "motto",
    "annex",
    "measure",
    "number",
    "item",
    "basis",
    "quantity",
    "amount",
    "note",
    "total",
    "in_words",
    "prepared",
    "checked",
    "signed",
    "sign_here",
)
COLUMNS = (("number", 7), ("item", 52), ("basis", 26), ("quantity", 11), ("amount", 22), ("note", 30))
LAST = len(COLUMNS) - 1
HEAD_ROW = 6
A4 = 9
BOOK = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
}
FONT = {"font_name": "Times New Roman", "font_size": 12, "valign": "vcenter", "text_wrap": True}

Item = Mapping[str, Any]


def workbook(one: Item, rows: Sequence[Row], citations: Mapping[str, str], texts: Mapping[str, str]) -> bytes:
    """The file. Shape: `texts` has every word of TEXTS, and issuer, attached and mark."""
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, BOOK) as book:
        page = book.add_worksheet(texts["annex"][:31])
        style = _styles(book)
        _lay_out(page, texts)
        _head(page, one, texts, style)
        end = _lines(page, rows, citations, style)
        _closing(page, end, one, texts, style)
    return buffer.getvalue()


def _styles(book: Any) -> dict[str, Any]:  # noqa: ANN401 - xlsxwriter brings no types
    cell = FONT | {"border": 1}
    amount = cell | {"num_format": "#,##0", "align": "right", "text_wrap": False}
    centred = FONT | {"align": "center"}
    shapes = {
        "centre": centred,
        "bold": centred | {"bold": True},
        "title": centred | {"bold": True, "font_size": 14},
        "italic": centred | {"italic": True},
        "right": FONT | {"italic": True, "align": "right"},
        "head": cell | {"bold": True, "align": "center"},
        "cell": cell,
        "group": cell | {"bold": True},
        "amount": amount,
        "group_amount": amount | {"bold": True},
        "words": FONT | {"italic": True},
    }
    return {name: book.add_format(shape) for name, shape in shapes.items()}


def _lay_out(page: Any, texts: Mapping[str, str]) -> None:  # noqa: ANN401 - as above
    page.set_landscape()
    page.set_paper(A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(HEAD_ROW)
    page.freeze_panes(HEAD_ROW + 1, 0)
    page.set_footer(f"&L&9{texts['mark']}&R&9&P/&N")
    for column, (_, width) in enumerate(COLUMNS):
        page.set_column(column, column, width)


def _head(page: Any, one: Item, texts: Mapping[str, str], style: Mapping[str, Any]) -> None:  # noqa: ANN401
    page.merge_range(0, 0, 0, 1, texts["issuer"].upper(), style["bold"])
    page.merge_range(0, 2, 0, LAST, texts["nation"], style["bold"])
    page.merge_range(1, 2, 1, LAST, texts["motto"], style["bold"])
    page.merge_range(2, 0, 2, LAST, texts["annex"].upper(), style["title"])
    page.merge_range(3, 0, 3, LAST, one["title"], style["title"])
    page.merge_range(4, 0, 4, LAST, texts["attached"], style["italic"])
    page.merge_range(5, 0, 5, LAST, texts["measure"], style["right"])
    for column, (name, _) in enumerate(COLUMNS):
        page.write_string(HEAD_ROW, column, texts[name], style["head"])


def _lines(page: Any, rows: Sequence[Row], citations: Mapping[str, str], style: Mapping[str, Any]) -> int:  # noqa: ANN401
    at = HEAD_ROW
    for at, row in enumerate((row for row in rows if row.depth), HEAD_ROW + 1):
        line = row.line or {"label": "", "position": "", "article_id": "", "quantity": None, "note": ""}
        kind = "cell" if row.line else "group"
        page.write_string(at, 0, str(line["label"] or line["position"]), style[kind])
        page.write_string(at, 1, row.name, style[kind])
        page.write_string(at, 2, citations.get(str(line["article_id"]), ""), style[kind])
        if line["quantity"] is None:
            page.write_blank(at, 3, None, style[kind])
        else:
            page.write_number(at, 3, line["quantity"], style["amount"])
        page.write_number(at, 4, row.amount_vnd, style["amount" if row.line else "group_amount"])
        page.write_string(at, 5, str(line["note"]), style[kind])
    return at


def _closing(page: Any, end: int, one: Item, texts: Mapping[str, str], style: Mapping[str, Any]) -> None:  # noqa: ANN401
    total = end + 1
    page.merge_range(total, 0, total, 3, texts["total"], style["group"])
    page.write_number(total, 4, one["total_vnd"], style["group_amount"])
    page.write_blank(total, 5, None, style["group"])
    said = f"{texts['in_words']}: {sheets.in_words(one['total_vnd'])}."
    page.merge_range(total + 1, 0, total + 1, LAST, said, style["words"])
    for first, last, name in ((0, 1, "prepared"), (2, 3, "checked"), (4, LAST, "signed")):
        page.merge_range(total + 3, first, total + 3, last, texts[name].upper(), style["bold"])
        page.merge_range(total + 4, first, total + 4, last, texts["sign_here"], style["italic"])
