"""Formulas give what the printed tables give, add up to the last đồng, and show how."""

from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.allocation.formulas.model import ByClass, ByCount, Share, by_class, by_count
from shared.kernel.errors import Rejected
from shared.kernel.money import Money

NUI_THANH = ByClass("QD-07-2022", {"mountain": Money(1_466_875_000), "plain": Money(466_875_000)})
COUNTS = st.lists(st.integers(0, 100_000), min_size=1, max_size=40)


def shares(*classes: tuple[str, ...]) -> list[Share]:
    return [Share(UUID(int=number), names) for number, names in enumerate(classes)]


def counted(counts: list[int]) -> list[Share]:
    return [Share(UUID(int=number), count=count) for number, count in enumerate(counts)]


def test_the_two_classes_of_nui_thanh_come_to_the_printed_total() -> None:
    computed = by_class(NUI_THANH, shares(*[("mountain",)] * 3, *[("plain",)] * 12))
    assert computed.total == 10_003_125_000
    assert [part.amount for part in computed.parts].count(Money(1_466_875_000)) == 3
    assert computed.parts[0].steps == ("class mountain: 1466875000",)


def test_only_the_highest_class_counts() -> None:
    computed = by_class(NUI_THANH, shares(("plain", "mountain")))
    assert computed.total == 1_466_875_000


@pytest.mark.parametrize(("classes", "code"), [(("island",), "class_unknown"), ((), "class_missing")])
def test_a_unit_needs_a_class_the_formula_knows(classes: tuple[str, ...], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        by_class(NUI_THANH, shares(classes))
    assert caught.value.code == code


@given(st.integers(0, 10**13), COUNTS)
def test_shares_by_count_add_up_exactly(total: int, counts: list[int]) -> None:
    assume(any(counts))
    computed = by_count(ByCount("x", Money(total)), counted(counts))
    assert sum(part.amount for part in computed.parts) == total == computed.total
    assert [part.unit_id for part in computed.parts] == [share.unit_id for share in counted(counts)]


@given(st.integers(0, 10**6), COUNTS)
def test_shares_are_whole_rounding_units(millions: int, counts: list[int]) -> None:
    assume(any(counts))
    million = Money(1_000_000)
    computed = by_count(ByCount("x", Money(millions * million), million), counted(counts))
    assert all(part.amount % million == 0 for part in computed.parts)


@given(st.integers(0, 10**9), COUNTS, st.integers(0, 10**6))
def test_every_unit_that_counts_gets_the_minimum(total: int, counts: list[int], minimum: int) -> None:
    assume(any(counts))
    formula = ByCount("x", Money(total), minimum=Money(minimum))
    if minimum * sum(count > 0 for count in counts) > total:
        with pytest.raises(Rejected) as caught:
            by_count(formula, counted(counts))
        assert caught.value.code == "minimum_exceeds_total"
        return
    computed = by_count(formula, counted(counts))
    assert sum(part.amount for part in computed.parts) == total
    for part, count in zip(computed.parts, counts, strict=True):
        assert part.amount >= minimum if count else part.amount == 0


def test_the_arithmetic_stands_beside_the_amount() -> None:
    computed = by_count(ByCount("x", Money(100), minimum=Money(10)), counted([1, 3, 0]))
    assert computed.parts[0].steps == ("minimum 10", "shared 20: 1 of 4")
    assert computed.parts[2].steps == ("shared 0: 0 of 4",)


def test_nothing_to_share_by_is_refused() -> None:
    with pytest.raises(Rejected) as caught:
        by_count(ByCount("x", Money(100)), counted([0, 0]))
    assert caught.value.code == "counts_missing"


def test_a_unit_stands_once() -> None:
    with pytest.raises(Rejected) as caught:
        by_count(ByCount("x", Money(100)), [*counted([1]), *counted([2])])
    assert caught.value.code == "unit_repeated"
