"""A sheet as its readers see it: cells, and what lies behind them that a print would not show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeAlias

from shared.kernel.names import nfc

Cell: TypeAlias = str | bool | Decimal | date | datetime | time | timedelta | None

BYTES_MAX = 10_000_000
UNPACKED_BYTES_MAX = 100_000_000
UNPACK_RATIO_MAX = 200
PARTS_MAX = 1_000
ROWS_MAX = 20_000
COLUMNS_MAX = 100
SHEETS_MAX = 50
CELL_CHARACTERS_MAX = 4_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be; whoever awaits longer tables says so."""

    bytes_max: int = BYTES_MAX
    rows_max: int = ROWS_MAX


USUAL = Limits()


class SheetUnreadable(Exception):
    """A file that cannot be taken as a table at all; one code, one message, nothing else to report."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Merge:
    """A range of merged cells; rows are counted from 1, columns from 0, both ends included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(slots=True)
class Facts:
    """What the file says about a sheet besides its values; rows from 1, columns from 0."""

    formulas: set[tuple[int, int]] = field(default_factory=set)
    errors: set[tuple[int, int]] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merges: list[Merge] = field(default_factory=list)
    cells: int = 0  # cells that hold something
    rows_max: int = ROWS_MAX

    def count(self, row: int, column: int) -> None:
        """Note a cell that holds something. Raises: SheetUnreadable beyond the limits or where no cell is."""
        if row < 1 or column < 0:
            raise SheetUnreadable("file_damaged", "A value of the sheet stands in no cell; save it anew.")
        self.cells += 1
        if row > self.rows_max or column >= COLUMNS_MAX:
            raise SheetUnreadable(
                "sheet_too_large",
                f"A cell in row {row} lies beyond {self.rows_max} rows or {COLUMNS_MAX} columns; "
                "delete what stands outside the table.",
            )


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its rows from the first, and the facts behind them."""

    name: str
    rows: Sequence[Sequence[Cell]]
    facts: Facts
    hidden: bool = False

    def cell(self, row: int, column: int | None) -> Cell:
        """The value at a row counted from 1 and a column counted from 0; None outside the sheet."""
        if column is None or not 1 <= row <= len(self.rows):
            return None
        cells = self.rows[row - 1]
        return cells[column] if column < len(cells) else None

    def text(self, row: int, column: int | None) -> str:
        """The value as text with single spaces; numbers as they would be typed."""
        return cell_text(self.cell(row, column))


def cell_text(value: Cell) -> str:
    """A value as text with single spaces; empty for an empty cell, 3 for 3.0."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value() and abs(value.adjusted()) < 25
        return str(int(value)) if whole else str(value)
    return " ".join(str(value).split())


def grid(values: Mapping[tuple[int, int], Cell]) -> list[list[Cell]]:
    """Rows from the first to the last that holds something, all of one width."""
    height = max((row for row, _ in values), default=0)
    width = max((column for _, column in values), default=-1) + 1
    rows: list[list[Cell]] = [[None] * width for _ in range(height)]
    for (row, column), value in values.items():
        rows[row - 1][column] = value
    return rows


def is_date_format(code: str) -> bool:
    """Whether a number format shows a day or a time: d, m, y, h or s outside quotes and brackets."""
    return re.search(r"[dmyhs]", _FORMAT_LITERALS.sub("", code.lower())) is not None


def from_serial(serial: Decimal, *, since_1904: bool) -> Cell:
    """The day that a spreadsheet keeps as a number; the number itself where no day has it."""
    start = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - a day has no zone
    try:
        return (start + timedelta(days=float(serial))).date()
    except (OverflowError, ValueError):
        return serial


def clean(value: object) -> Cell:
    """A value of a file in the one form used here: text in NFC, numbers as decimals, empty as None.

    A float becomes the shortest decimal that stands for it, which is what was typed.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool | datetime | date | time | timedelta):
        return value
    if isinstance(value, int | float):
        return Decimal(repr(value))
    text = nfc(_INVISIBLE.sub("", str(value)))[:CELL_CHARACTERS_MAX]
    return text or None


BUILT_IN_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_FORMAT_LITERALS = re.compile(r"\[[^\]]*\]|\"[^\"]*\"|\\.|_.|\*.|general")
_INVISIBLE = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u200b-\u200f\u2060\ufeff]")
