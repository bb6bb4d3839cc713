"""Reads printed amounts: Vietnamese writing first, and no guess where two writings stand side by side.

In Vietnamese "." parts thousands and "," decimals: "1.466,875" million is 1,466,875,000 đồng.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import NamedTuple

from shared.kernel.money import MAX_VND, Money, grouped
from shared.kernel.names import search_key
from shared.sheets.grid import Cell

SCALES = {"đồng": 1, "nghìn đồng": 10**3, "triệu đồng": 10**6, "tỷ đồng": 10**9}
DIGITS_MAX = 24  # far beyond any amount; keeps decimals exact

_INTEGER = re.compile(r"\d+", re.ASCII)
_SURELY_VIETNAMESE = re.compile(
    r"\d{1,3}(\.\d{3}){2,}|\d{1,3}(\.\d{3})+,\d+|\d{4,},\d+|0+,\d+|\d{1,3},(\d{1,2}|\d{4,})", re.ASCII
)
_SURELY_ENGLISH = re.compile(
    r"\d{1,3}(,\d{3}){2,}|\d{1,3}(,\d{3})+\.\d+|\d{4,}\.\d+|0+\.\d+|\d{1,3}\.(\d{1,2}|\d{4,})", re.ASCII
)
_OPEN = re.compile(r"\d{1,3}[.,]\d{3}", re.ASCII)
_GROUPED_TWICE = re.compile(r"\d{1,3}([.,])\d{3}(\1\d{3})+", re.ASCII)
_GROUPED_WITH_THREE_DECIMALS = re.compile(r"\d{1,3}(\.\d{3})+,\d{3}|\d{1,3}(,\d{3})+\.\d{3}", re.ASCII)
_SPACED = re.compile(r"\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?=$|[.,])", re.ASCII)
_DATE = re.compile(r"\d{1,4}[/-]\d{1,2}[/-]\d{1,4}", re.ASCII)
_MEASURED = re.compile(r"\d.*(ty|ti|trieu|tr|nghin|ngan|dong|d|vnd)\.?$")
_NOTHING = frozenset({"-", "–", "—"})


class Style(Enum):
    """How a text parts thousands and decimals."""

    VIETNAMESE = auto()
    ENGLISH = auto()
    OPEN = auto()  # "466,875" can be either
    NEITHER = auto()


class Fault(NamedTuple):
    """Why a cell is no amount."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Written:
    """An amount cell that holds text, and where it stands."""

    row: int
    text: str


def style_of(text: str) -> Style:
    """The writing a text must be in, seen alone."""
    number = _without_spaces(text)
    if _SURELY_VIETNAMESE.fullmatch(number):
        return Style.VIETNAMESE
    if _SURELY_ENGLISH.fullmatch(number):
        return Style.ENGLISH
    return Style.OPEN if _OPEN.fullmatch(number) else Style.NEITHER


def common_style(written: Iterable[Written]) -> tuple[Style, tuple[Written, Written] | None]:
    """The writing of a whole sheet, and two cells that contradict each other, if any do.

    Contradictory are Vietnamese beside English writing, and "1.466,875" beside "1.466.875": one of the
    two most likely mistakes a point for a comma, and the amounts differ a thousandfold.
    """
    first: dict[Style, Written] = {}
    twice: Written | None = None
    decimals: Written | None = None
    for cell in written:
        first.setdefault(style_of(cell.text), cell)
        number = _without_spaces(cell.text)
        twice = twice or (cell if _GROUPED_TWICE.fullmatch(number) else None)
        decimals = decimals or (cell if _GROUPED_WITH_THREE_DECIMALS.fullmatch(number) else None)
    vietnamese, english = first.get(Style.VIETNAMESE), first.get(Style.ENGLISH)
    if vietnamese and english:
        return Style.VIETNAMESE, (vietnamese, english)
    if twice and decimals:
        return Style.VIETNAMESE, (decimals, twice)
    return (Style.ENGLISH if english else Style.VIETNAMESE), None


def read_amount(value: Cell, style: Style) -> Decimal | Fault:
    """The number a cell holds, in the sheet's own unit of measure."""
    if isinstance(value, date | datetime | time | timedelta):
        message = f"The cell holds a date ({value}); format it as a number and write the amount."
        return Fault("date_in_amount", message)
    number = _from_text(value, style) if isinstance(value, str) else value
    if isinstance(number, Fault):
        return number
    if isinstance(number, bool) or number is None or not number.is_finite():
        return Fault("amount_not_a_number", "The cell holds no number; write the amount in digits.")
    return _within_bounds(number, value)


def _within_bounds(number: Decimal, value: Cell) -> Decimal | Fault:
    if number < 0:
        return _negative(value)
    if number and number.adjusted() >= DIGITS_MAX:
        return _too_large(value)
    if len(number.as_tuple().digits) > DIGITS_MAX or number.adjusted() < -DIGITS_MAX:
        return _fraction(value)
    return number


def to_vnd(number: Decimal, scale: int, value: Cell) -> Money | Fault:
    """The amount in whole đồng; nothing is rounded."""
    amount = number * scale
    if amount > MAX_VND:
        return _too_large(value)
    return Money(int(amount)) if amount == amount.to_integral_value() else _fraction(value)


def _from_text(text: str, style: Style) -> Decimal | Fault:
    number = _without_spaces(text.strip())
    if number in _NOTHING:
        return Decimal(0)  # how accounts print nothing
    if _DATE.fullmatch(number):
        return Fault("date_in_amount", f'"{text}" is a date; write the amount.')
    negative = re.fullmatch(r"[-\u2212\u2013] ?([\d.,]+)|\(([\d.,]+)\)", number)
    if negative:
        return _negative(text)
    if _INTEGER.fullmatch(number):
        return Decimal(number) if len(number) <= DIGITS_MAX else _too_large(text[:DIGITS_MAX])
    own = style_of(number)
    if own is Style.NEITHER:
        return _no_number(text, number)
    thousands, decimal = (",", ".") if (style if own is Style.OPEN else own) is Style.ENGLISH else (".", ",")
    return Decimal(number.replace(thousands, "").replace(decimal, "."))


def _no_number(text: str, number: str) -> Fault:
    if "." in number and "," in number and re.fullmatch(r"[\d.,]+", number):
        return Fault(
            "mixed_number_formats",
            f'"{text}" mixes points and commas; write thousands with points and decimals after one comma.',
        )
    if _MEASURED.fullmatch(search_key(text)):
        return Fault(
            "unit_of_measure_mixed",
            f'"{text}" carries a unit of measure of its own; write the number in the unit of the sheet.',
        )
    return Fault("amount_not_a_number", f'"{text}" is no number; write the amount in digits.')


def _negative(value: Cell) -> Fault:
    message = f"{value} is below zero; an allocation takes nothing away, an adjustment does."
    return Fault("amount_negative", message)


def _too_large(value: Cell) -> Fault:
    return Fault(
        "amount_too_large",
        f"{value} is more than {grouped(Money(MAX_VND))} đồng; check the zeros and the unit of measure.",
    )


def _fraction(value: Cell) -> Fault:
    return Fault(
        "amount_fraction_of_dong",
        f"{value} leaves a fraction of a đồng; money is whole đồng, round it in the decision itself.",
    )


def _without_spaces(text: str) -> str:
    return _SPACED.sub(lambda match: re.sub(r"\s", "", match[0]), text.strip())
