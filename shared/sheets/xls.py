"""Reads old XLS workbooks (BIFF8): values and what lies behind them, record by record.

Source: [MS-XLS]. It is our own reader because calamine 0.9.1 aborts the whole process on damaged
files of this format, and no exception can be caught then.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from shared.sheets.compound import stream_of
from shared.sheets.grid import (
    BUILT_IN_DATE_FORMATS,
    COLUMNS_MAX,
    SHEETS_MAX,
    Cell,
    Facts,
    Limits,
    Merge,
    Sheet,
    SheetUnreadable,
    clean,
    from_serial,
    grid,
    is_date_format,
)
from shared.sheets.xls_strings import plain_string, shared_strings

STREAMS = frozenset({"Workbook", "Book"})
VERSION = 0x0600
BOF, EOF, CONTINUE, SHEET, PASSWORD = 0x0809, 0x000A, 0x003C, 0x0085, 0x002F
STRINGS, FORMAT, STYLE, DAY_ZERO = 0x00FC, 0x041E, 0x00E0, 0x0022
ROW, COLUMN, MERGES, FORMULA, TEXT_RESULT = 0x0208, 0x007D, 0x00E5, 0x0006, 0x0207
NUMBER, SHORT_NUMBER, SHORT_NUMBERS = 0x0203, 0x027E, 0x00BD
TEXT, RICH_TEXT, SHARED_TEXT, TRUTH = 0x0204, 0x00D6, 0x00FD, 0x0205


@dataclass(slots=True)
class _Book:
    """What the cells of all sheets point to."""

    sheets: list[tuple[str, int, bool]] = field(default_factory=list)  # name, place, hidden
    strings: list[str] = field(default_factory=list)
    styles: list[int] = field(default_factory=list)
    date_formats: set[int] = field(default_factory=lambda: set(BUILT_IN_DATE_FORMATS))
    since_1904: bool = False

    def number(self, value: float, style: int) -> Cell:
        """A number, or the day it stands for in a cell of that style."""
        number = clean(value)
        dated = style < len(self.styles) and self.styles[style] in self.date_formats
        if dated and isinstance(number, Decimal) and number.is_finite():
            return from_serial(number, since_1904=self.since_1904)
        return number


def read_xls(content: bytes, limits: Limits) -> list[Sheet]:
    """The sheets of a workbook that hold something. Raises: SheetUnreadable."""
    try:
        stream = stream_of(content, STREAMS)
        if stream is None:
            raise SheetUnreadable("wrong_type", "The file is an old Office document but no workbook.")
        book = _globals(stream)
        read = [
            (name, hidden, _SheetReader(book, stream, place, limits)) for name, place, hidden in book.sheets
        ]
    except (struct.error, IndexError) as error:
        raise SheetUnreadable("file_damaged", "The workbook is cut off or damaged; send it again.") from error
    return [
        Sheet(name, grid(reader.values), reader.facts, hidden)
        for name, hidden, reader in read
        if reader.facts.cells
    ]


def _records(stream: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    while offset + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, offset)
        yield kind, stream[offset + 4 : offset + 4 + length]
        offset += 4 + length


def _globals(stream: bytes) -> _Book:
    book = _Book()
    table: list[bytes] = []  # the shared strings and what continues them
    previous = 0
    for kind, data in _records(stream):
        if kind == BOF and struct.unpack_from("<H", data)[0] != VERSION:
            raise SheetUnreadable("wrong_type", "The workbook is older than Excel 97; save it as .xlsx.")
        if kind == STRINGS or (kind == CONTINUE and previous == STRINGS):
            table.append(data)
            kind = STRINGS  # noqa: PLW2901 - what continues the strings counts as strings
        _note_global(book, kind, data)
        if kind == EOF:
            break
        previous = kind
    if len({place for _, place, _ in book.sheets}) < len(book.sheets):
        raise SheetUnreadable(
            "file_damaged", "Two sheets of the workbook are one and the same; save it anew."
        )
    book.strings = shared_strings(table)
    return book


def _note_global(book: _Book, kind: int, data: bytes) -> None:
    if kind == PASSWORD:
        raise SheetUnreadable(
            "password_protected", "The workbook is protected by a password; save it without."
        )
    if kind == SHEET:
        place, state = struct.unpack_from("<IB", data)
        book.sheets.append((plain_string(data, 6, short=True), place, state & 3 != 0))
        if len(book.sheets) > SHEETS_MAX:
            raise SheetUnreadable("sheet_too_large", f"The workbook has more than {SHEETS_MAX} sheets.")
    elif kind == FORMAT:
        number = struct.unpack_from("<H", data)[0]
        if is_date_format(plain_string(data, 2)):
            book.date_formats.add(number)
    elif kind == STYLE:
        book.styles.append(struct.unpack_from("<H", data, 2)[0])
    elif kind == DAY_ZERO:
        book.since_1904 = struct.unpack_from("<H", data)[0] == 1


class _SheetReader:
    """The values of one sheet and what lies behind them."""

    def __init__(self, book: _Book, stream: bytes, place: int, limits: Limits) -> None:
        self.values: dict[tuple[int, int], Cell] = {}
        self.facts = Facts(rows_max=limits.rows_max)
        self._book = book
        self._computed: tuple[int, int] | None = None  # a formula whose text follows
        depth = 0
        for kind, data in _records(stream, place):
            depth += (kind == BOF) - (kind == EOF)
            if depth <= 0:
                break
            if depth == 1:  # charts inside a sheet are books of their own
                self._record(kind, data)

    def _record(self, kind: int, data: bytes) -> None:
        if kind in {NUMBER, SHORT_NUMBER, TEXT, RICH_TEXT, SHARED_TEXT, TRUTH, FORMULA}:
            row, column, style = struct.unpack_from("<HHH", data)
            self._put(row + 1, column, self._value(kind, data, style, (row + 1, column)))
        elif kind == SHORT_NUMBERS:
            self._several(data)
        elif kind == TEXT_RESULT and self._computed is not None:
            self._put(*self._computed, clean(plain_string(data, 0)))
        elif kind == ROW:
            if struct.unpack_from("<H", data, 12)[0] & 0x20:
                self.facts.hidden_rows.add(struct.unpack_from("<H", data)[0] + 1)
        elif kind == COLUMN:
            first, last, _, _, options = struct.unpack_from("<HHHHH", data)
            if options & 1:
                self.facts.hidden_columns.update(range(first, min(last, COLUMNS_MAX) + 1))
        elif kind == MERGES:
            for top, bottom, left, right in struct.iter_unpack(
                "<HHHH", data[2 : len(data) - (len(data) - 2) % 8]
            ):
                self.facts.merges.append(Merge(top + 1, left, bottom + 1, right))

    def _put(self, row: int, column: int, value: Cell) -> None:
        self.facts.count(row, column)
        if value is not None:
            self.values[row, column] = value

    def _several(self, data: bytes) -> None:
        row, first = struct.unpack_from("<HH", data)
        for offset, (style, number) in enumerate(struct.iter_unpack("<HI", data[4 : len(data) - 2])):
            self._put(row + 1, first + offset, self._book.number(_short(number), style))

    def _value(self, kind: int, data: bytes, style: int, place: tuple[int, int]) -> Cell:
        if kind == NUMBER:
            return self._book.number(struct.unpack_from("<d", data, 6)[0], style)
        if kind == SHORT_NUMBER:
            return self._book.number(_short(struct.unpack_from("<I", data, 6)[0]), style)
        if kind == SHARED_TEXT:
            return clean(self._book.strings[struct.unpack_from("<I", data, 6)[0]])
        if kind == FORMULA:
            return self._result(data, style, place)
        if kind == TRUTH:
            value, error = struct.unpack_from("<BB", data, 6)
            if error:
                self.facts.errors.add(place)
            return None if error else bool(value)
        return clean(plain_string(data, 6))

    def _result(self, data: bytes, style: int, place: tuple[int, int]) -> Cell:
        self.facts.formulas.add(place)
        result, mark = data[6], struct.unpack_from("<H", data, 12)[0]
        if mark != 0xFFFF:
            return self._book.number(struct.unpack_from("<d", data, 6)[0], style)
        self._computed = place if result == 0 else None
        return bool(data[8]) if result == 1 else None


def _short(number: int) -> float:
    """The number packed into 30 bits: an integer or the head of a double, perhaps in hundredths."""
    if number & 2:
        value = float((number >> 2) - (1 << 30 if number & 0x80000000 else 0))
    else:
        value = struct.unpack("<d", struct.pack("<II", 0, number & 0xFFFFFFFC))[0]
    return value / 100 if number & 1 else value
