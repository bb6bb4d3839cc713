"""Looks behind the cells of an annex: what is merged, computed, hidden, or a number that is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from services.allocation.annexes.report import Problems, column_letters
from services.allocation.annexes.table import Column, Table
from shared.kernel.names import search_key

IDENTITY_DIGITS_MIN = 9  # an old identity card has 9 digits, a citizen number 12
_IDENTITY = re.compile(r"\b(?:cccd|cmnd|dinh danh|can cuoc|tai khoan|dien thoai|so bhxh|ma so)\b")
_DAY = re.compile(r"\bngay\b")


def check_behind(table: Table, problems: Problems) -> None:
    """Problems for everything a print of the table would not show."""
    _check_merges(table, problems)
    _check_computed(table, problems)
    _check_hidden(table, problems)
    for row, column in _cells(table):
        _check_kind(table, row, column, problems)


def _check_merges(table: Table, problems: Problems) -> None:
    first, last = table.span
    for merge in table.sheet.facts.merges:
        inside = merge.first_row <= table.last_row and merge.last_row >= table.header_row
        if inside and merge.first_column <= last and merge.last_column >= first:
            ends = (
                f"{column_letters(merge.first_column)}{merge.first_row}:"
                f"{column_letters(merge.last_column)}{merge.last_row}"
            )
            problems.add(
                "merged_cells",
                f"Cells {ends} are merged, so it is not sure to which rows their value belongs; "
                "unmerge them and write it in each.",
                merge.first_row,
                merge.first_column,
            )


def _check_computed(table: Table, problems: Problems) -> None:
    facts = table.sheet.facts
    for row, column in sorted(facts.formulas | facts.errors):
        if table.header_row < row <= table.last_row and table.span[0] <= column <= table.span[1]:
            if (row, column) in facts.formulas:
                message = (
                    "The cell holds a formula; its value can change after signing. Paste the value instead."
                )
                problems.add("formula_cell", message, row, column)
            else:
                problems.add("error_cell", "The cell holds an error; write the value instead.", row, column)


def _check_hidden(table: Table, problems: Problems) -> None:
    facts = table.sheet.facts
    filled = {row.row for row in table.rows}
    for row in sorted(facts.hidden_rows & filled):
        problems.add("hidden_row", "The row is hidden but counts; show it or delete it.", row)
    for column in sorted(facts.hidden_columns & set(table.columns.values())):
        message = "The column is hidden but read; show it or delete it."
        problems.add("hidden_column", message, table.header_row, column)


def _cells(table: Table) -> Iterator[tuple[int, int]]:
    """Every cell of the table but the amounts, which are read strictly anyway."""
    first, last = table.span
    others = [column for column in range(first, last + 1) if column not in table.amount_columns]
    return ((row.row, column) for row in table.rows for column in others)


def _check_kind(table: Table, row: int, column: int, problems: Problems) -> None:
    value = table.sheet.cell(row, column)
    named = column in {table.columns.get(Column.LABEL), table.columns[Column.TEXT]}
    if isinstance(value, date | datetime | time | timedelta) and named:
        problems.add(
            "date_in_text",
            f"The cell holds a date ({value}), likely made by the spreadsheet from a number such as 1/2; "
            "format the column as text and write it again.",
            row,
            column,
        )
    if isinstance(value, Decimal) and value.is_finite():
        _check_number(table.sheet.text(table.header_row, column), value, row, column, problems)


def _check_number(header: str, value: Decimal, row: int, column: int, problems: Problems) -> None:
    key = search_key(header)
    if _IDENTITY.search(key) or value.adjusted() + 1 >= IDENTITY_DIGITS_MIN:
        problems.add(
            "identity_number_as_number",
            f"The cell holds {value:f} as a number; identity, account and telephone numbers lose their zeros "
            "that way. Format the column as text and write it again.",
            row,
            column,
        )
    elif _DAY.search(key):
        problems.add(
            "date_as_number",
            f"The cell holds the number {value:f} where a date is meant; write it as dd/mm/yyyy.",
            row,
            column,
        )
