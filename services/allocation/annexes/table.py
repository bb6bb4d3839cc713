"""Finds the table on a sheet: its header, its columns, its unit of measure and its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from services.allocation.annexes.report import Problems
from shared.kernel.names import search_key
from shared.sheets.grid import Cell, Sheet

HEADER_ROWS_MAX = 60
HEADER_CHARACTERS_MAX = 80


class Column(StrEnum):
    """What a column of an annex holds."""

    LABEL = "label"
    TEXT = "text"
    AMOUNT = "amount"
    NOTE = "note"
    MEASURE = "measure"


SYNONYMS: dict[Column, tuple[str, ...]] = {
    Column.TEXT: (
        "danh muc", "noi dung", "ten don vi", "don vi", "cong trinh", "hang muc", "dia phuong", "nhiem vu",
        "du an", "chi tieu", "dien giai", "dia ban", "huyen", "xa", "ten",
    ),
    Column.AMOUNT: (
        "ke hoach von", "ke hoach", "so tien", "kinh phi", "du toan", "von", "muc ho tro", "gia tri",
        "thanh tien", "phan bo", "tong so",
    ),
    Column.NOTE: ("ghi chu",),
    Column.MEASURE: ("don vi tinh", "dvt"),
}  # fmt: skip
LABELS = frozenset({"stt", "tt", "so tt", "so thu tu", "s t t"})
NO_COLUMN = ("nguon von", "chu dau tu", "so quyet dinh")  # hold words of the list above and are none of it
MEASURES = {
    "dong": "đồng", "vnd": "đồng", "dong viet nam": "đồng", "d": "đồng",
    "nghin dong": "nghìn đồng", "ngan dong": "nghìn đồng", "nghin": "nghìn đồng", "ngan": "nghìn đồng",
    "1.000 dong": "nghìn đồng", "1000 dong": "nghìn đồng", "1.000d": "nghìn đồng", "1000d": "nghìn đồng",
    "1.000 d": "nghìn đồng", "trieu vnd": "triệu đồng",
    "trieu dong": "triệu đồng", "trieu": "triệu đồng", "trd": "triệu đồng", "tr.d": "triệu đồng",
    "tr. dong": "triệu đồng", "tr dong": "triệu đồng", "1.000.000 dong": "triệu đồng",
    "1000000 dong": "triệu đồng",
    "ty dong": "tỷ đồng", "ti dong": "tỷ đồng", "ty": "tỷ đồng", "1.000.000.000 dong": "tỷ đồng",
}  # fmt: skip
_SAID = re.compile(r"\b(?:dvt|don vi tinh|don vi do|don vi)\b\.? ?[:.;]? ?\(?([^():;]*)")
_SURELY_SAID = re.compile(r"\b(?:dvt|don vi tinh|don vi do)\b")
_BARE = re.compile(r"\(([^()]*)\)|(\S+ ?(?:dong|vnd))$")
_TOTAL_ALONE = re.compile(r"tong so|tong cong|tong")
_TOTAL = re.compile(r"(?:tong so|tong cong|tong von|tong kinh phi)\b(?!.*bang chu).*|tong|cong")
_REMARK = re.compile(r"(?:bang chu|so tien bang chu|tong so tien bang chu|ghi chu|\(|\*)")
_COLUMN_NUMBER = re.compile(r"\(?[0-9a-z]\)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table as it is printed."""

    row: int
    label: str
    text: str
    amount: Cell
    note: str

    @property
    def is_total(self) -> bool:
        """Whether the row states the total of the sheet."""
        label, text = (search_key(part).strip(":. ") for part in (self.label, self.text))
        if _TOTAL_ALONE.fullmatch(text):
            return True
        said = text or label
        return (not label or label == said) and _TOTAL.fullmatch(said) is not None

    @property
    def filled(self) -> bool:
        """Whether anything stands in the row."""
        return bool(self.label or self.text or self.amount is not None)


@dataclass(frozen=True, slots=True)
class Table:
    """The table of a sheet: where its columns are and its rows from the one below the header."""

    sheet: Sheet
    header_row: int
    columns: dict[Column, int]
    amount_columns: tuple[int, ...]
    measure: str | None
    rows: tuple[Row, ...] = ()

    @property
    def last_row(self) -> int:
        """The last row that belongs to the table."""
        return self.rows[-1].row if self.rows else self.header_row

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last column of the table."""
        width = range(len(self.sheet.rows[self.header_row - 1]))
        used = [index for index in width if self.sheet.cell(self.header_row, index) is not None]
        return used[0], used[-1]


def find_header(sheet: Sheet) -> tuple[int, dict[Column, int], tuple[int, ...]] | None:
    """The row of the header, what its columns hold, and every column that could hold the amount."""
    for row in range(1, min(len(sheet.rows), HEADER_ROWS_MAX) + 1):
        columns: dict[Column, int] = {}
        amounts = []
        for index in range(len(sheet.rows[row - 1])):
            column = _column_of(sheet.text(row, index))
            if column is Column.AMOUNT:
                amounts.append(index)
            if column is not None:
                columns.setdefault(column, index)
        if Column.TEXT in columns and Column.AMOUNT in columns:
            return row, columns, tuple(amounts)
    return None


def find_table(sheet: Sheet, problems: Problems) -> Table | None:
    """The table of a sheet; what is missing or said twice goes to the problems."""
    found = find_header(sheet)
    if found is None:
        problems.add(
            "header_missing",
            'No header row was found; a row must name the columns, such as "STT | Danh mục | Kế hoạch vốn | '
            'Ghi chú".',
        )
        return None
    row, columns, amounts = found
    if len(amounts) > 1:
        problems.add(
            "amount_column_ambiguous",
            f'Columns "{sheet.text(row, amounts[0])}" and "{sheet.text(row, amounts[1])}" could both hold '
            "the amount; keep one.",
            row,
            amounts[1],
        )
    table = Table(sheet, row, columns, amounts, None)
    rows = tuple(_rows(table))
    return replace(table, rows=rows, measure=_measure(table, rows, problems))


def _column_of(header: str) -> Column | None:
    """What a header cell says its column holds: the phrase that comes first decides."""
    key = search_key(header)
    if not key or len(key) > HEADER_CHARACTERS_MAX:
        return None
    if key.rstrip(".") in LABELS:
        return Column.LABEL
    if any(phrase in key for phrase in NO_COLUMN):
        return None
    places = [
        (match.start(), -len(phrase), column)
        for column, phrases in SYNONYMS.items()
        for phrase in phrases
        if (match := re.search(rf"\b{phrase}\b", key))
    ]
    return min(places)[2] if places else None


def _rows(table: Table) -> list[Row]:
    """The rows below the header, without repeated headers, column numbers and what follows the table."""
    header = _keys(table, table.header_row)
    rows: list[Row] = []
    end = 0
    blank = False
    for row in _filled_rows(table):
        blank = blank or row.row > (rows[-1].row if rows else table.header_row) + 1
        if _keys(table, row.row) == header or (not rows and not blank and _COLUMN_NUMBER.fullmatch(row.text)):
            continue  # the header of the next page, or "(1) | (2) | (3)" under it
        rows.append(row)
        if _belongs(row, after_blank=row.row > (rows[-2].row if len(rows) > 1 else row.row) + 1):
            end = len(rows)
    return rows[: _unnumbered_end(rows, end)]


def _filled_rows(table: Table) -> Iterator[Row]:
    sheet, columns = table.sheet, table.columns
    for number in range(table.header_row + 1, len(sheet.rows) + 1):
        row = Row(
            row=number,
            label=sheet.text(number, columns.get(Column.LABEL)),
            text=sheet.text(number, columns[Column.TEXT]),
            amount=sheet.cell(number, columns[Column.AMOUNT]),
            note=sheet.text(number, columns.get(Column.NOTE)),
        )
        if row.filled:
            yield row


def _belongs(row: Row, *, after_blank: bool) -> bool:
    """Whether a row is sure to be part of the table and not a remark or signature below it."""
    signature = after_blank and isinstance(row.amount, str) and not re.search(r"\d", row.amount)
    return bool(row.label) or (row.amount is not None and not signature)


def _unnumbered_end(rows: list[Row], end: int) -> int:
    """Where a table ends: without any numbering, a text below the last amount is a line that lacks one."""
    if any(row.label for row in rows):
        return end
    while 0 < end < len(rows) and rows[end].row == rows[end - 1].row + 1:
        if _REMARK.match(search_key(rows[end].text)):
            break
        end += 1
    return end


def _keys(table: Table, row: int) -> list[str]:
    return [search_key(table.sheet.text(row, index)) for index in table.columns.values()]


def _measure(table: Table, rows: tuple[Row, ...], problems: Problems) -> str | None:
    """The one unit of measure the sheet states, wherever it states it."""
    said = dict.fromkeys(_said_measures(table, rows))
    known = list(dict.fromkeys(measure for measure, _, _, _ in said if measure is not None))
    for measure, row, column, text in said:
        if measure is None:
            problems.add(
                "unit_of_measure_unknown",
                f'"{text}" is no unit of measure known here; write đồng, nghìn đồng, triệu đồng or tỷ đồng.',
                row,
                column,
            )
    if len(known) > 1:
        places = [next(place for place in said if place[0] == measure) for measure in known]
        problems.add(
            "unit_of_measure_mixed",
            f"The sheet says {' and '.join(known)}; one sheet has one unit of measure.",
            places[1][1],
            places[1][2],
        )
    if not known and not any(measure is None for measure, _, _, _ in said):
        problems.add(
            "unit_of_measure_missing",
            'The sheet does not say what its amounts are in; write "ĐVT: triệu đồng" above the table.',
        )
    return known[0] if len(known) == 1 else None


def _said_measures(table: Table, rows: tuple[Row, ...]) -> Iterator[tuple[str | None, int, int, str]]:
    """Every statement of a unit of measure: the unit, or None when it is unknown, and where it stands."""
    sheet = table.sheet
    inside = range(table.header_row, (rows[-1].row if rows else table.header_row) + 1)
    for number in range(1, len(sheet.rows) + 1):
        for column in range(len(sheet.rows[number - 1])):
            text = sheet.text(number, column)
            key = search_key(text)
            if number == table.header_row:
                yield from _in_header(key, number, column)
            elif number not in inside and (match := _SAID.search(key)):
                measure = _measure_of(match[1])
                if measure is not None or (_SURELY_SAID.search(key) and match[1].strip()):
                    yield measure, number, column, text
    if Column.MEASURE in table.columns:
        for row in rows:
            text = sheet.text(row.row, table.columns[Column.MEASURE])
            if text:
                yield _measure_of(search_key(text)), row.row, table.columns[Column.MEASURE], text


def _in_header(key: str, row: int, column: int) -> Iterator[tuple[str | None, int, int, str]]:
    """A unit in a header cell: "Kế hoạch vốn (triệu đồng)"."""
    for match in _BARE.finditer(key):
        inner = re.sub(r"^(?:dvt|don vi tinh|don vi)[ :]*", "", match[1] or match[2] or "")
        measure = _measure_of(inner)
        if measure is not None:
            yield measure, row, column, key


def _measure_of(text: str) -> str | None:
    return MEASURES.get(text.strip(" .,:;-"))
