from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.beneficiaries.entitlements.model import Difference, Due
from services.beneficiaries.obligations.model import Kind, PersonMonth, person_month
from shared.kernel.ids import id_of
from shared.kernel.periods import Period
from tests.unit.beneficiaries.conftest import PERSON, month

AUGUST = month("2024-08")
ENTITLEMENTS = [id_of("entitlement", PERSON, code) for code in ("TB", "TUDAY", "LTCM")]
RATE = id_of("rate", "any")


def due(amount: int, which: int = 0) -> Due:
    return Due(ENTITLEMENTS[which], RATE, "77/2024/NĐ-CP", amount)


def difference(due_vnd: int, paid_vnd: int, period: str = "2024-07", which: int = 0) -> Difference:
    return Difference(ENTITLEMENTS[which], RATE, "77/2024/NĐ-CP", month(period), due_vnd, paid_vnd)


def computed(dues: list[Due], late: list[Difference]) -> PersonMonth:
    return person_month(PERSON, AUGUST, dues, late)


DUES = st.lists(
    st.tuples(st.integers(1, 9_000_000), st.sampled_from([0, 1, 2])), max_size=3, unique_by=lambda d: d[1]
)
LATE = st.lists(
    st.tuples(
        st.integers(0, 9_000_000), st.integers(0, 9_000_000), st.integers(1, 7), st.sampled_from([0, 1, 2])
    ).filter(lambda one: one[0] != one[1]),
    max_size=12,
    unique_by=lambda one: one[2:],
)


def test_a_month_without_news_is_what_is_due() -> None:
    found = computed([due(2_000_000), due(500_000, 1)], [])
    assert found.amount_vnd == 2_500_000
    assert {one.kind for one in found.obligations} == {Kind.MONTHLY}
    assert found.carried_vnd == 0


def test_arrears_are_added_with_their_arithmetic() -> None:
    found = computed([due(3_000)], [difference(3_000, 2_000)])
    late = found.obligations[1]
    assert (late.kind, late.due_vnd, late.paid_vnd, late.amount_vnd) == (Kind.ARREARS, 3_000, 2_000, 1_000)
    assert (late.due_period, late.in_period) == (month("2024-07"), AUGUST)
    assert found.amount_vnd == 4_000


def test_a_recovery_reduces_the_payment() -> None:
    found = computed([due(3_000)], [difference(1_000, 2_000)])
    assert found.amount_vnd == 2_000
    assert found.obligations[1].kind is Kind.RECOVERY
    assert found.obligations[1].amount_vnd == -1_000


def test_a_recovery_never_takes_more_than_there_is_and_the_rest_is_carried() -> None:
    found = computed([due(3_000)], [difference(0, 5_000)])
    assert found.amount_vnd == 0
    assert found.carried_vnd == 2_000
    assert found.obligations[1].amount_vnd == -3_000
    assert found.obligations[1].paid_vnd == 5_000, "the arithmetic shows the whole difference"


def test_nothing_can_be_recovered_from_a_person_who_gets_nothing() -> None:
    found = computed([], [difference(0, 5_000, "2024-06"), difference(0, 5_000)])
    assert found.obligations == ()
    assert (found.amount_vnd, found.carried_vnd) == (0, 10_000)


def test_the_oldest_month_is_recovered_first() -> None:
    found = computed([due(4_000)], [difference(0, 3_000, "2024-07"), difference(0, 3_000, "2024-05")])
    taken = [(str(one.due_period), one.amount_vnd) for one in found.obligations[1:]]
    assert taken == [("2024-05", -3_000), ("2024-07", -1_000)]
    assert found.carried_vnd == 2_000


def test_arrears_bear_recoveries_too() -> None:
    found = computed([], [difference(5_000, 0, which=1), difference(0, 3_000)])
    assert (found.amount_vnd, found.carried_vnd) == (2_000, 0)


def test_an_obligation_has_one_id_for_ever() -> None:
    first, second = (computed([due(1)], [difference(2, 1)]) for _ in range(2))
    assert [one.id for one in first.obligations] == [one.id for one in second.obligations]
    assert first.obligations[0].id != first.obligations[1].id


def late(rows: list[tuple[int, int, int, int]]) -> list[Difference]:
    return [
        Difference(ENTITLEMENTS[which], RATE, None, Period(2024, number), due_vnd, paid_vnd)
        for due_vnd, paid_vnd, number, which in rows
    ]


@given(DUES, LATE)
def test_a_payment_is_never_below_zero(
    dues: list[tuple[int, int]], rows: list[tuple[int, int, int, int]]
) -> None:
    assert computed([due(*one) for one in dues], late(rows)).amount_vnd >= 0


@given(DUES, LATE)
def test_what_is_due_and_late_is_paid_or_carried_to_the_last_dong(
    dues: list[tuple[int, int]], rows: list[tuple[int, int, int, int]]
) -> None:
    found = computed([due(*one) for one in dues], late(rows))
    owed = sum(amount for amount, _ in dues) + sum(one.amount_vnd for one in late(rows))
    assert found.amount_vnd - found.carried_vnd == owed


@given(DUES, LATE)
def test_no_line_takes_back_more_than_its_own_difference(
    dues: list[tuple[int, int]], rows: list[tuple[int, int, int, int]]
) -> None:
    found = computed([due(*one) for one in dues], late(rows))
    for one in found.obligations:
        assert one.amount_vnd != 0
        assert abs(one.amount_vnd) <= abs(one.due_vnd - one.paid_vnd)
        if one.kind is not Kind.RECOVERY:
            assert one.amount_vnd == one.due_vnd - one.paid_vnd


@given(DUES, LATE)
def test_carrying_means_that_nothing_is_left_to_take_from(
    dues: list[tuple[int, int]], rows: list[tuple[int, int, int, int]]
) -> None:
    found = computed([due(*one) for one in dues], late(rows))
    assert found.carried_vnd == 0 or found.amount_vnd == 0


@given(DUES, LATE)
def test_ids_of_one_month_are_all_different(
    dues: list[tuple[int, int]], rows: list[tuple[int, int, int, int]]
) -> None:
    found = computed([due(*one) for one in dues], late(rows))
    assert len({one.id for one in found.obligations}) == len(found.obligations)
