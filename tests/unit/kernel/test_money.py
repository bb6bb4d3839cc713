from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.kernel.errors import Rejected
from shared.kernel.money import MAX_VND, Money, WeightsInvalid, grouped, in_words, share_out, total, vnd

AMOUNTS = st.integers(0, MAX_VND).map(Money)
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=60)


@given(AMOUNTS, WEIGHTS)
def test_parts_add_up_to_the_whole(amount: Money, weights: list[int]) -> None:
    assume(any(weights))
    assert sum(share_out(amount, weights)) == amount


@given(AMOUNTS, WEIGHTS)
def test_no_part_is_a_whole_unit_away_from_its_exact_share(amount: Money, weights: list[int]) -> None:
    assume(any(weights))
    for part, weight in zip(share_out(amount, weights), weights, strict=True):
        assert abs(Fraction(amount * weight, sum(weights)) - part) < 1


@given(st.integers(0, 10**9), WEIGHTS)
def test_parts_are_whole_rounding_units(units: int, weights: list[int]) -> None:
    assume(any(weights))
    million = Money(1_000_000)
    parts = share_out(Money(units * million), weights, million)
    assert all(part % million == 0 for part in parts)
    assert sum(parts) == units * million


@given(AMOUNTS, WEIGHTS)
def test_a_heavier_weight_never_gets_less(amount: Money, weights: list[int]) -> None:
    assume(any(weights))
    pairs = sorted(zip(weights, share_out(amount, weights), strict=True))
    by_weight: dict[int, list[int]] = {}
    for weight, part in pairs:
        by_weight.setdefault(weight, []).append(part)
    ordered = [by_weight[weight] for weight in sorted(by_weight)]
    assert all(max(lower) <= min(higher) for lower, higher in pairwise(ordered))


def test_ties_go_to_the_first_positions() -> None:
    assert share_out(Money(11), [1, 1, 1]) == [4, 4, 3]


def test_a_zero_weight_gets_nothing() -> None:
    assert share_out(Money(10), [0, 1, 0]) == [0, 10, 0]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [10**18 + 1], [1] * 10_001])
def test_refuses_weights_that_cannot_share(weights: list[int]) -> None:
    with pytest.raises(WeightsInvalid) as caught:
        share_out(Money(10), weights)
    assert caught.value.code == "weights_invalid"


@pytest.mark.parametrize(("amount", "unit"), [(-1, 1), (10, 3), (10, 0), (10, -5)])
def test_refuses_a_sum_that_is_not_whole_units(amount: int, unit: int) -> None:
    with pytest.raises(WeightsInvalid):
        share_out(Money(amount), [1], Money(unit))


@pytest.mark.parametrize("value", [MAX_VND, -MAX_VND, 0])
def test_accepts_the_whole_range(value: int) -> None:
    assert vnd(value) == value


@pytest.mark.parametrize("value", [MAX_VND + 1, -MAX_VND - 1, 2**63])
def test_refuses_amounts_beyond_the_range(value: int) -> None:
    with pytest.raises(Rejected) as caught:
        vnd(value)
    assert caught.value.code == "amount_out_of_range"


@pytest.mark.parametrize("value", [1.0, True, "1"])
def test_only_integers_are_money(value: object) -> None:
    with pytest.raises(TypeError):
        vnd(value)  # type: ignore[arg-type]


def test_a_total_is_bounded_too() -> None:
    assert total([Money(2), Money(3)]) == 5
    assert total([]) == 0
    with pytest.raises(Rejected):
        total([Money(MAX_VND), Money(1)])


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (243_240_000_000, "Hai trăm bốn mươi ba tỷ, hai trăm bốn mươi triệu đồng"),
        (0, "Không đồng"),
        (15, "Mười lăm đồng"),
        (21, "Hai mươi mốt đồng"),
        (105, "Một trăm linh năm đồng"),
        (1_466_875_000, "Một tỷ, bốn trăm sáu mươi sáu triệu, tám trăm bảy mươi lăm nghìn đồng"),
        (1_005_000, "Một triệu, không trăm linh năm nghìn đồng"),
        (10, "Mười đồng"),
        (300, "Ba trăm đồng"),
        (2_000_000_000_000, "Hai nghìn tỷ đồng"),
        (-2_055_000, "Âm hai triệu, không trăm năm mươi lăm nghìn đồng"),
    ],
)
def test_writes_amounts_in_words(amount: int, text: str) -> None:
    assert in_words(Money(amount)) == text


@given(AMOUNTS, AMOUNTS)
def test_different_amounts_have_different_words(a: Money, b: Money) -> None:
    assume(a != b)
    assert in_words(a) != in_words(b)


def test_groups_thousands_with_dots() -> None:
    assert grouped(Money(1_466_875_000)) == "1.466.875.000"
    assert grouped(Money(-900)) == "-900"
