"""Amounts as they are printed, and what is no amount."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.annexes.amounts import (
    SCALES,
    Fault,
    Style,
    Written,
    common_style,
    read_amount,
    style_of,
    to_vnd,
)
from shared.kernel.money import MAX_VND, Money, grouped
from shared.sheets.grid import Cell


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("1.466,875", Style.VIETNAMESE), ("1.466.875", Style.VIETNAMESE), ("466,8", Style.VIETNAMESE),
        ("0,875", Style.VIETNAMESE), ("1466,875", Style.VIETNAMESE), ("1.466.875,5", Style.VIETNAMESE),
        ("1,466.875", Style.ENGLISH), ("1,466,875", Style.ENGLISH), ("466.8", Style.ENGLISH),
        ("0.875", Style.ENGLISH), ("1466.875", Style.ENGLISH),
        ("466,875", Style.OPEN), ("466.875", Style.OPEN),
        ("466", Style.NEITHER), ("1,466.875.000", Style.NEITHER), ("1.46.875", Style.NEITHER),
        ("abc", Style.NEITHER),
    ],
)  # fmt: skip
def test_tells_how_a_text_is_written(text: str, style: Style) -> None:
    assert style_of(text) is style


@pytest.mark.parametrize(
    ("text", "style", "number"),
    [
        ("466,875", Style.VIETNAMESE, "466.875"),
        ("466,875", Style.ENGLISH, "466875"),
        ("466.875", Style.VIETNAMESE, "466875"),
        ("466.875", Style.ENGLISH, "466.875"),
        ("1.466,875", Style.ENGLISH, "1466.875"),
        ("1 466 875", Style.VIETNAMESE, "1466875"),
        ("1\u00a0466,5", Style.VIETNAMESE, "1466.5"),
        ("  300 ", Style.VIETNAMESE, "300"),
        ("-", Style.VIETNAMESE, "0"),
        ("007", Style.VIETNAMESE, "7"),
    ],
)
def test_reads_a_text_in_the_writing_of_the_sheet(text: str, style: Style, number: str) -> None:
    assert read_amount(text, style) == Decimal(number)


@given(st.integers(0, MAX_VND))
def test_what_we_print_is_read_back(amount: int) -> None:
    number = read_amount(grouped(Money(amount)), Style.VIETNAMESE)
    assert isinstance(number, Decimal)
    assert to_vnd(number, 1, None) == amount


@given(st.integers(0, 9_007_199_254), st.sampled_from(sorted(SCALES.values())))
def test_scaling_is_exact_or_refused(amount: int, scale: int) -> None:
    number = Decimal(amount) / Decimal(1_000)
    result = to_vnd(number, scale, number)
    if isinstance(result, Fault):
        assert amount * scale % 1_000 or amount * scale > MAX_VND * 1_000
    else:
        assert result * 1_000 == amount * scale


@given(st.floats(0, 9e15), st.sampled_from(sorted(SCALES.values())))
def test_floats_of_a_workbook_never_lose_a_dong(value: float, scale: int) -> None:
    number = read_amount(Decimal(repr(value)), Style.VIETNAMESE)
    if isinstance(number, Decimal):
        result = to_vnd(number, scale, number)
        assert isinstance(result, Fault) or Decimal(result) == Decimal(repr(value)) * scale


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), True, None])
def test_what_is_no_number_is_refused(value: Cell) -> None:
    fault = read_amount(value, Style.VIETNAMESE)
    assert isinstance(fault, Fault)
    assert fault.code == "amount_not_a_number"


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_a_fault(text: str) -> None:
    assert isinstance(read_amount(text, Style.VIETNAMESE), Decimal | Fault)


def written(*texts: str) -> list[Written]:
    return [Written(row, text) for row, text in enumerate(texts, 1)]


def test_one_sheet_has_one_writing() -> None:
    assert common_style(written("466,875", "300")) == (Style.VIETNAMESE, None)
    assert common_style(written("466,875", "1,466.5")) == (Style.ENGLISH, None)
    assert common_style(written("1.000", "1.466,5", "466,875")) == (Style.VIETNAMESE, None)
    assert common_style(written("1.230.000", "466,875")) == (Style.VIETNAMESE, None)


@pytest.mark.parametrize(
    "texts", [("1.466,875", "1,466.875"), ("1.466,875", "1.466.875"), ("1.466,5", "3", "1,466,875")]
)
def test_contradicting_cells_are_named(texts: tuple[str, ...]) -> None:
    _, pair = common_style(written(*texts))
    assert pair is not None
    assert {cell.text for cell in pair} == {texts[0], texts[-1]}
