"""A decision on sheets of A4 and as a spreadsheet: what is carried forward adds up, and text stays text."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.portal.decisions import sheets, workbook
from services.portal.decisions.model import Row

TEXTS = {name: name for name in (*workbook.TEXTS, "issuer", "attached", "mark")}
TITLE = "=1+1 Phân bổ"


def line(amount: int, text: str = "Xã", note: str = "") -> Row:
    shown: dict[str, Any] = {"label": "1", "position": 1, "article_id": "a", "quantity": 3, "note": note}
    return Row(1, text, amount, shown)


def heading(amount: int) -> Row:
    return Row(1, "Huyện", amount)


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 300)), min_size=1, max_size=90))
def test_every_sheet_carries_on_what_the_one_before_it_carried(found: list[tuple[int, int]]) -> None:
    rows = [Row(0, "Tổng số", 0), *(line(amount, "x" * length) for amount, length in found)]
    printed = sheets.sheets(rows, {})
    assert [row for one in printed for row in one.rows] == rows[1:]
    assert [one.brought_vnd for one in printed] == [0, *(one.carried_vnd for one in printed[:-1])]
    assert printed[-1].carried_vnd == sum(amount for amount, _ in found)
    assert [one.number for one in printed if one.last] == [len(printed)]
    assert all(one.rows for one in printed)


@given(st.integers(2, 120))
def test_no_sheet_is_fuller_than_paper(count: int) -> None:
    for one in sheets.sheets([line(1) for _ in range(count)], {}):
        room = sheets.FIRST if one.first else sheets.OTHER - sheets.CARRY
        high = sum(sheets.height(row, {}) for row in one.rows)
        assert high + (sheets.CLOSING if one.last and len(one.rows) > 1 else 0) <= room


def test_a_heading_goes_over_with_its_first_line() -> None:
    rows = [*(line(1) for _ in range(8)), heading(2), line(2), line(2)]
    first, *_ = sheets.sheets(rows, {})
    assert first.rows[-1].line is not None


def test_a_long_title_leaves_less_room() -> None:
    rows = [line(1) for _ in range(30)]
    assert len(sheets.sheets(rows, {}, "x" * 400)[0].rows) < len(sheets.sheets(rows, {}, "x")[0].rows)


def test_the_total_in_words() -> None:
    assert sheets.in_words(10_000_000_000) == "Mười tỷ đồng"


def test_a_spreadsheet_holds_numbers_as_numbers_and_no_formula() -> None:
    one = {"title": TITLE, "total_vnd": 7}
    content = workbook.workbook(
        one, [Row(0, "Tổng số", 7), heading(7), line(7, "=2+2")], {"a": "Điều 11"}, TEXTS
    )
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        cells = book.read("xl/worksheets/sheet1.xml").decode()
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in cells
    assert "=2+2" in texts
    assert TITLE in texts
    assert len(re.findall(r"<v>7</v></c>", cells)) >= 3
    assert 'paperSize="9"' in cells
