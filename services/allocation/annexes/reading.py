"""Reads the annex of an allocation decision whole: every line, and everything that is wrong, at once.

An annex is a printed table: title, unit of measure, header, the total first or last, groups with their
own totals, numbered lines. A file with any problem never becomes a decision; nothing in it is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from services.allocation.annexes.amounts import (
    SCALES,
    Fault,
    Written,
    common_style,
    read_amount,
    to_vnd,
)
from services.allocation.annexes.behind import check_behind
from services.allocation.annexes.report import (
    AnnexLine,
    AnnexReport,
    Problems,
    column_letters,
)
from services.allocation.annexes.table import Column, Row, Table, find_header, find_table
from services.allocation.annexes.tree import Forest, build, check_sums
from services.allocation.annexes.units import check_duplicates, match_units
from shared.kernel.money import MAX_VND, Money
from shared.kernel.unit_names import UnitNames
from shared.sheets.files import read_sheets
from shared.sheets.grid import Sheet, SheetUnreadable


def read_annex(content: bytes, filename: str, units: UnitNames) -> AnnexReport:
    """The lines of an annex and all its problems; a file that is no table gives one problem and no line.

    Bounds: those of shared.sheets.grid; at most 500 problems are listed.
    """
    try:
        sheets = read_sheets(content, filename)
    except SheetUnreadable as error:
        return unreadable(filename, error.code, error.message)
    if not sheets:
        return unreadable(filename, "sheet_empty", "The file holds no cell with anything in it.")
    problems = Problems()
    _check_other_sheets(sheets, problems)
    table = find_table(sheets[0], problems)
    if table is None or not table.rows:
        if table is not None:
            problems.add("sheet_empty", "There is a header but no row below it.", table.header_row)
        return _empty(filename, problems, table.measure if table else None)
    return _read_table(filename, table, units, problems)


def unreadable(filename: str, code: str, message: str) -> AnnexReport:
    """The report of a file from which nothing could be read."""
    problems = Problems()
    problems.add(code, message)
    return _empty(filename, problems, None)


def _empty(filename: str, problems: Problems, measure: str | None) -> AnnexReport:
    return AnnexReport(
        file=filename,
        unit=measure,
        lines=(),
        total_vnd=None,
        tied=False,
        problems=problems.sorted(),
        matched_units=0,
        unmatched=(),
    )


def _read_table(filename: str, table: Table, units: UnitNames, problems: Problems) -> AnnexReport:
    rows = _lines_and_groups(table)
    numbers, vnd = _amounts(table, rows, problems)
    forest = build(rows, numbers)
    _check_rows(forest, table, problems)
    tied = check_sums(forest, table.columns[Column.AMOUNT], problems)
    check_behind(table, problems)
    check_duplicates(forest, table.columns[Column.TEXT], problems)
    matched, unmatched = match_units(forest, units, table.columns[Column.TEXT], problems)
    lines = tuple(
        AnnexLine(
            row=node.row.row,
            label=node.row.label,
            text=node.row.text,
            amount_vnd=vnd.get(node.row.row),
            unit_id=matched.get(node.row.row),
            headings=node.headings,
            note=node.row.note,
        )
        for node in forest.leaves()
    )
    return AnnexReport(
        file=filename,
        unit=table.measure,
        lines=lines,
        total_vnd=_total(lines, table, problems),
        tied=tied,
        problems=problems.sorted(),
        matched_units=len({line.unit_id for line in lines if line.unit_id is not None}),
        unmatched=unmatched,
    )


def _lines_and_groups(table: Table) -> list[Row]:
    """The rows that count: in a numbered table a text without number and amount is only a remark."""
    if not any(row.label for row in table.rows):
        return list(table.rows)
    return [row for row in table.rows if row.label or row.amount is not None or row.is_total]


def _amounts(
    table: Table, rows: Sequence[Row], problems: Problems
) -> tuple[list[Decimal | None], dict[int, Money]]:
    """The number of each row in the sheet's unit of measure, and by row the amounts in đồng."""
    column = table.columns[Column.AMOUNT]
    scale = None if table.measure is None else SCALES[table.measure]
    style, contradiction = common_style(
        Written(row.row, row.amount) for row in rows if isinstance(row.amount, str)
    )
    if contradiction is not None:
        _note_contradiction(*contradiction, column, problems)
    numbers: list[Decimal | None] = []
    vnd: dict[int, Money] = {}
    for row in rows:
        number = None if row.amount is None else read_amount(row.amount, style)
        amount = to_vnd(number, scale, row.amount) if isinstance(number, Decimal) and scale else None
        fault = next((found for found in (number, amount) if isinstance(found, Fault)), None)
        if fault is not None:
            problems.add(fault.code, fault.message, row.row, column)
        elif amount is not None and not isinstance(amount, Fault):
            vnd[row.row] = amount
        numbers.append(number if isinstance(number, Decimal) and fault is None else None)
    return numbers, vnd


def _note_contradiction(first: Written, second: Written, column: int, problems: Problems) -> None:
    letter = column_letters(column)
    problems.add(
        "mixed_number_formats",
        f'{letter}{first.row} holds "{first.text}" and {letter}{second.row} holds "{second.text}": the sheet '
        "writes thousands and decimals in two ways. Write all amounts alike: thousands with points, decimals "
        "after a comma.",
        second.row,
        column,
    )


def _check_rows(forest: Forest, table: Table, problems: Problems) -> None:
    """What is missing: the total of the sheet, the amount of a line, the text beside an amount."""
    amount, text = table.columns[Column.AMOUNT], table.columns[Column.TEXT]
    if not forest.totals:
        problems.add(
            "total_missing",
            'No row "TỔNG SỐ" or "TỔNG CỘNG" states the total, so nothing shows that the sheet is whole.',
        )
    for node in [*forest.totals, *forest.leaves()]:
        if node.row.amount is None:
            message = f'"{node.row.text or node.row.label}" has no amount; write it, or 0.'
            problems.add("amount_missing", message, node.row.row, amount)
        if not node.row.text and node not in forest.totals:
            problems.add("text_missing", "The row does not say what the amount is for.", node.row.row, text)


def _total(lines: Sequence[AnnexLine], table: Table, problems: Problems) -> Money | None:
    """The sum of the lines; None when one of them is not known or the sum is beyond all bounds."""
    amounts = [line.amount_vnd for line in lines if line.amount_vnd is not None]
    if len(amounts) < len(lines) or not lines:
        return None
    total = sum(amounts)
    if total > MAX_VND:
        message = "The lines add up to more than any reader keeps exact; check the unit of measure."
        problems.add("amount_too_large", message, lines[-1].row, table.columns[Column.AMOUNT])
        return None
    return Money(total)


def _check_other_sheets(sheets: Sequence[Sheet], problems: Problems) -> None:
    """Only one sheet is read, so a second table must not be lost silently."""
    if sheets[0].hidden:
        problems.add(
            "sheet_hidden", f'The sheet "{sheets[0].name}" with the table is hidden; show it to people too.'
        )
    for sheet in sheets[1:]:
        if find_header(sheet) is not None:
            problems.add(
                "several_sheets",
                f'The sheet "{sheet.name}" holds a table as well, but only "{sheets[0].name}" is read; '
                "put each annex in a file of its own.",
            )
