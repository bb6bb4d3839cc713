"""What holds for every formula: parts add up to the đồng, nobody loses by rounding twice, ties are stable."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocation.formulas.model import ByClass, ByCount, Computed, Share, by_class, by_count
from shared.kernel.errors import Rejected
from shared.kernel.money import MAX_VND, WEIGHT_MAX, Money

BILLION = 1_000_000_000
THIRDS = [MAX_VND // 3 + (number < MAX_VND % 3) for number in range(3)]


def shares(*counts: int) -> list[Share]:
    return [Share(UUID(int=number), count=count) for number, count in enumerate(counts, 1)]


def amounts(computed: Computed) -> list[int]:
    return [int(part.amount) for part in computed.parts]


def shared(total: int, *counts: int, rounding: int = 1, minimum: int = 0) -> list[int]:
    return amounts(by_count(ByCount("X", Money(total), Money(rounding), Money(minimum)), shares(*counts)))


@pytest.mark.parametrize(
    ("total", "counts", "rounding", "expected"),
    [
        (10, (1, 1, 1), 1, [4, 3, 3]),
        (11, (1, 1, 1), 1, [4, 4, 3]),
        (10, (1, 0, 1), 1, [5, 0, 5]),
        (1, (1, 1, 1), 1, [1, 0, 0]),
        (0, (1, 2), 1, [0, 0]),
        (7, (7,), 1, [7]),
        (7, (1,), 7, [7]),
        (100, (1, 2), 1, [33, 67]),
        (100, (2, 1), 1, [67, 33]),
        (30, (1, 1), 10, [20, 10]),
        (1000, (333, 333, 334), 100, [300, 300, 400]),
        (1000, (1, 1, 1, 1, 1, 1), 100, [200, 200, 200, 200, 100, 100]),
        (10, (WEIGHT_MAX, WEIGHT_MAX), 1, [5, 5]),
        (10, (WEIGHT_MAX, 1), 1, [10, 0]),
        (MAX_VND, (1, 1), 1, [MAX_VND // 2 + 1, MAX_VND // 2]),
        (
            MAX_VND,
            (WEIGHT_MAX, WEIGHT_MAX, WEIGHT_MAX),
            1,
            [MAX_VND // 3 + (1 if n < MAX_VND % 3 else 0) for n in range(3)],
        ),
    ],
    ids=[
        "thirds",
        "thirds_and_two",
        "zero_between",
        "one_dong",
        "nothing",
        "alone",
        "alone_in_sevens",
        "one_and_two",
        "two_and_one",
        "tens",
        "hundreds",
        "ties_by_place",
        "huge_equal",
        "huge_and_tiny",
        "largest_halves",
        "largest_thirds",
    ],
)
def test_shares_that_a_person_can_calculate_again(
    total: int, counts: tuple[int, ...], rounding: int, expected: list[int]
) -> None:
    assert shared(total, *counts, rounding=rounding) == expected


COUNTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=60).filter(any)
UNITS = st.sampled_from([1, 10, 1_000, 1_000_000])


@given(COUNTS, st.integers(0, 10**6), UNITS)
def test_parts_add_up_in_whole_units(counts: list[int], units: int, unit: int) -> None:
    parts = shared(units * unit, *counts, rounding=unit)
    assert sum(parts) == units * unit
    assert all(part % unit == 0 for part in parts)


@given(COUNTS, st.integers(0, 10**12))
def test_no_part_is_a_whole_unit_away_from_its_fair_share(counts: list[int], total: int) -> None:
    whole = sum(counts)
    for part, count in zip(shared(total, *counts), counts, strict=True):
        assert abs(part * whole - total * count) < whole


@given(COUNTS, st.integers(0, 10**12))
def test_more_counts_never_get_less_and_equal_counts_differ_by_one_at_most(
    counts: list[int], total: int
) -> None:
    parts = shared(total, *counts)
    ranked = sorted(zip(counts, parts, strict=True))
    for (less, small), (more, large) in itertools.pairwise(ranked):
        if less == more:
            assert abs(large - small) <= 1
        else:
            assert small <= large


@given(COUNTS, st.integers(0, 10**12))
def test_of_equal_counts_the_first_gets_the_odd_dong(counts: list[int], total: int) -> None:
    parts = shared(total, *counts)
    last: dict[int, int] = {}
    for count, part in zip(counts, parts, strict=True):
        assert part <= last.get(count, part)
        last[count] = part


@given(COUNTS, st.integers(0, 10**12))
def test_a_zero_gets_nothing_and_does_not_change_what_others_get(counts: list[int], total: int) -> None:
    parts = shared(total, *counts)
    assert all(part == 0 for part, count in zip(parts, counts, strict=True) if count == 0)
    without = [count for count in counts if count]
    assert shared(total, *without) == [part for part, count in zip(parts, counts, strict=True) if count]


@given(COUNTS, st.integers(0, 10**12), st.integers(2, 1000))
def test_counting_in_other_units_changes_nothing(counts: list[int], total: int, factor: int) -> None:
    assert shared(total, *counts) == shared(total, *(count * factor for count in counts))


@given(COUNTS, st.integers(1, 10**6), st.integers(0, 10**12))
def test_everybody_counted_gets_the_minimum_at_least(counts: list[int], minimum: int, rest: int) -> None:
    counted = sum(1 for count in counts if count)
    total = minimum * counted + rest
    parts = shared(total, *counts, minimum=minimum)
    assert sum(parts) == total
    for part, count in zip(parts, counts, strict=True):
        assert (part >= minimum) if count else (part == 0)


@pytest.mark.parametrize(
    ("total", "minimum", "counts"), [(9, 5, (1, 1)), (0, 1, (1,)), (BILLION, BILLION, (3, 4))]
)
def test_a_minimum_that_the_total_cannot_give_is_refused_with_both(
    total: int, minimum: int, counts: tuple[int, ...]
) -> None:
    with pytest.raises(Rejected) as refused:
        shared(total, *counts, minimum=minimum)
    assert refused.value.code == "minimum_exceeds_total"
    assert str(minimum * len(counts)) in refused.value.message
    assert str(total) in refused.value.message


def test_a_minimum_that_is_all_there_is_leaves_nothing_to_share() -> None:
    assert shared(10, 1, 9, minimum=5) == [5, 5]


@pytest.mark.parametrize("counts", [(0,), (0, 0, 0)])
def test_nothing_counted_divides_nothing(counts: tuple[int, ...]) -> None:
    with pytest.raises(Rejected) as refused:
        shared(10, *counts)
    assert refused.value.code == "counts_missing"


@pytest.mark.parametrize(
    ("total", "rounding", "counts"),
    [(10, 3, (1, 1)), (10, 0, (1,)), (10, -1, (1,)), (10, 1, (WEIGHT_MAX + 1, 1)), (10, 1, (5, -1))],
    ids=["does_not_divide", "zero", "negative", "too_heavy", "negative_count"],
)
def test_what_cannot_be_shared_out_is_refused(total: int, rounding: int, counts: tuple[int, ...]) -> None:
    with pytest.raises(Rejected) as refused:
        shared(total, *counts, rounding=rounding)
    assert refused.value.code == "weights_invalid"


def test_as_many_units_as_there_may_be() -> None:
    parts = shared(BILLION, *([1] * 10_000))
    assert set(parts) == {100_000}
    with pytest.raises(Rejected) as refused:
        shared(BILLION, *([1] * 10_001))
    assert refused.value.code == "weights_invalid"


@given(COUNTS, st.integers(1, 10**9))
@settings(max_examples=30)
def test_each_part_shows_its_count_and_the_whole(counts: list[int], total: int) -> None:
    computed = by_count(ByCount("X", Money(total)), shares(*counts))
    for part, count in zip(computed.parts, counts, strict=True):
        assert part.steps == (f"shared {part.amount}: {count} of {sum(counts)}",)


# --- classes ----------------------------------------------------------------------------------------------

CLASSES = {"special": Money(50), "zone_2": Money(40), "zone_1": Money(30), "other": Money(25)}
MEMBERSHIPS = st.lists(
    st.lists(st.sampled_from(sorted(CLASSES)), min_size=1, max_size=4).map(tuple), min_size=1, max_size=30
)


@given(MEMBERSHIPS)
def test_only_the_highest_class_counts_in_whatever_order(memberships: list[tuple[str, ...]]) -> None:
    of = [Share(UUID(int=number), names) for number, names in enumerate(memberships, 1)]
    turned = [Share(one.unit_id, one.classes[::-1]) for one in of]
    computed = by_class(ByClass("QD-16-2026", CLASSES), of)
    assert amounts(computed) == [max(CLASSES[name] for name in names) for names in memberships]
    assert amounts(by_class(ByClass("QD-16-2026", CLASSES), turned)) == amounts(computed)
    assert computed.total == sum(amounts(computed))


@pytest.mark.parametrize(
    ("classes", "code", "named"),
    [
        (("zone_9",), "class_unknown", "zone_9"),
        (("special", "zone_9", "atoll"), "class_unknown", "atoll, zone_9"),
        ((), "class_missing", str(UUID(int=1))),
        (("Special",), "class_unknown", "Special"),
    ],
    ids=["unknown", "two_unknown", "none", "other_case"],
)
def test_a_class_that_the_instrument_does_not_know_is_named(
    classes: tuple[str, ...], code: str, named: str
) -> None:
    with pytest.raises(Rejected) as refused:
        by_class(ByClass("QD-16-2026", CLASSES), [Share(UUID(int=1), classes)])
    assert refused.value.code == code
    assert named in refused.value.message


def test_the_sum_of_classes_stays_an_amount() -> None:
    with pytest.raises(Rejected) as refused:
        by_class(
            ByClass("X", {"all": Money(MAX_VND)}),
            [Share(UUID(int=number), ("all",)) for number in (1, 2)],
        )
    assert refused.value.code == "amount_out_of_range"


TWICE = [Share(UUID(int=7), ("other",), 1)] * 2


@pytest.mark.parametrize(
    "compute",
    [
        lambda: by_class(ByClass("X", CLASSES), TWICE),
        lambda: by_count(ByCount("X", Money(10)), TWICE),
    ],
    ids=["class", "count"],
)
def test_a_unit_stands_in_a_formula_once(compute: Callable[[], Computed]) -> None:
    with pytest.raises(Rejected, match=str(UUID(int=7))) as refused:
        compute()
    assert refused.value.code == "unit_repeated"
