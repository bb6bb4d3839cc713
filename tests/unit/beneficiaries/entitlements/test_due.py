from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiaries.entitlements.model import (
    DeathFact,
    PersonFacts,
    alive_in,
    differences,
    district_in,
    due,
)
from services.beneficiaries.rates.model import RateBook
from services.beneficiaries.rates.published import published_rates
from shared.kernel.errors import Rejected
from shared.kernel.ids import id_of
from tests.unit.beneficiaries.conftest import (
    NUI_THANH,
    PERSON,
    THANG_BINH,
    entitlement,
    made_rate,
    month,
    person,
    residence,
)

Amount = Callable[[str, int | None, str, date], int]

JULY_20 = date(2024, 7, 20)
CLOSED = [month("2024-05"), month("2024-06"), month("2024-07")]
TB = id_of("entitlement", PERSON, "TB")
BOOK = RateBook(published_rates())


def amounts(facts: PersonFacts, period: str, known_on: date = JULY_20) -> list[int]:
    return [item.amount_vnd for item in due(facts, month(period), BOOK, known_on)]


def test_a_month_is_due_at_the_rate_of_its_decree(amount: Amount) -> None:
    assert amounts(person(), "2024-06") == [amount("TB", 45, "2024-06", JULY_20)]
    assert amounts(person(), "2024-07") == [amount("TB", 45, "2024-07", JULY_20)]
    assert amounts(person(), "2024-07") > amounts(person(), "2024-06")


def test_several_categories_add_up(amount: Amount) -> None:
    both = person(entitlement(), entitlement("TUDAY", None))
    assert sum(amounts(both, "2024-08")) == amount("TB", 45, "2024-08", JULY_20) + amount(
        "TUDAY", None, "2024-08", JULY_20
    )


def test_nothing_is_due_before_the_first_month() -> None:
    facts = person(entitlement(since="2024-08"))
    assert amounts(facts, "2024-07") == []
    assert len(amounts(facts, "2024-08")) == 1


def test_nothing_is_due_of_what_is_not_known_yet() -> None:
    facts = person(entitlement(since="2024-01", known_on=date(2024, 7, 21)))
    assert amounts(facts, "2024-07", JULY_20) == []
    assert len(amounts(facts, "2024-07", date(2024, 7, 21))) == 1


def test_a_reassessment_counts_from_its_month_once_it_is_known(amount: Amount) -> None:
    facts = person(
        entitlement(), entitlement(percent=61, since="2024-06", known_on=date(2024, 7, 10), number=2)
    )
    assert amounts(facts, "2024-05") == [amount("TB", 45, "2024-05", JULY_20)]
    assert amounts(facts, "2024-06") == [amount("TB", 61, "2024-06", JULY_20)]
    assert amounts(facts, "2024-06", date(2024, 7, 9)) == [amount("TB", 45, "2024-06", JULY_20)]


def test_a_correction_of_the_same_day_is_the_later_one(amount: Amount) -> None:
    day = date(2024, 7, 10)
    facts = person(
        entitlement(percent=61, since="2024-06", known_on=day, number=3),
        entitlement(percent=51, since="2024-06", known_on=day, number=2),
    )
    assert amounts(facts, "2024-06") == [amount("TB", 61, "2024-06", JULY_20)]


def test_a_fact_that_reaches_back_less_far_leaves_earlier_months_alone(amount: Amount) -> None:
    facts = person(
        entitlement(percent=61, since="2024-04", known_on=date(2024, 4, 1), number=2),
        entitlement(percent=71, since="2024-06", known_on=date(2024, 6, 1), number=3),
    )
    assert amounts(facts, "2024-05") == [amount("TB", 61, "2024-05", JULY_20)]
    assert amounts(facts, "2024-06") == [amount("TB", 71, "2024-06", JULY_20)]


def test_an_ended_entitlement_is_due_no_more() -> None:
    facts = person(
        entitlement(), entitlement(since="2024-07", known_on=date(2024, 7, 1), number=2, ended=True)
    )
    assert len(amounts(facts, "2024-06")) == 1
    assert amounts(facts, "2024-07") == []


def test_the_month_of_death_is_still_due_and_no_later_one() -> None:
    facts = person(death=DeathFact(date(2024, 6, 2), date(2024, 7, 10)))
    assert len(amounts(facts, "2024-06")) == 1
    assert amounts(facts, "2024-07") == []


def test_a_death_counts_from_the_day_it_is_known() -> None:
    facts = person(death=DeathFact(date(2024, 5, 30), date(2024, 7, 15)))
    assert alive_in(facts, month("2024-06"), date(2024, 7, 14))
    assert not alive_in(facts, month("2024-06"), date(2024, 7, 15))
    assert alive_in(facts, month("2024-05"), date(2024, 7, 15))


def test_a_rate_that_no_decree_has_is_said() -> None:
    with pytest.raises(Rejected, match=r"rate_missing.*NOBODY"):
        amounts(person(entitlement("NOBODY", None)), "2024-07")
    with pytest.raises(Rejected, match="at 15 %"):
        amounts(person(entitlement(percent=15)), "2024-07")


def test_a_person_is_paid_where_they_live_as_far_as_known() -> None:
    moved = person(
        residences=(residence(), residence(THANG_BINH, "2024-07", date(2024, 7, 12), number=2)),
    )
    assert district_in(moved, month("2024-06"), JULY_20) == NUI_THANH
    assert district_in(moved, month("2024-07"), JULY_20) == THANG_BINH
    assert district_in(moved, month("2024-07"), date(2024, 7, 11)) == NUI_THANH


def test_before_the_first_residence_no_district_is_known() -> None:
    facts = person(residences=(residence(since="2024-08"),))
    assert district_in(facts, month("2024-07"), JULY_20) is None


def paid_at_old_rate(amount: Amount) -> dict[tuple[object, object], int]:
    return {(TB, period): amount("TB", 45, "2024-06", JULY_20) for period in CLOSED}


def test_a_new_decree_gives_arrears_for_the_closed_month_it_reaches(amount: Amount) -> None:
    (found,) = differences(person(), CLOSED, paid_at_old_rate(amount), BOOK, JULY_20)  # type: ignore[arg-type]
    assert found.due_period == month("2024-07")
    assert found.decree == "77/2024/NĐ-CP"
    assert found.due_vnd == amount("TB", 45, "2024-07", JULY_20)
    assert found.paid_vnd == amount("TB", 45, "2024-06", JULY_20)
    assert found.amount_vnd == found.due_vnd - found.paid_vnd > 0


def test_a_late_death_gives_recoveries_for_the_months_after_it(amount: Amount) -> None:
    facts = person(death=DeathFact(date(2024, 5, 9), date(2024, 7, 15)))
    found = differences(facts, CLOSED, paid_at_old_rate(amount), BOOK, JULY_20)  # type: ignore[arg-type]
    assert [(one.due_period, one.due_vnd, one.rate_id) for one in found] == [
        (month("2024-06"), 0, None),
        (month("2024-07"), 0, None),
    ]
    assert all(one.amount_vnd == -amount("TB", 45, "2024-06", JULY_20) for one in found)


def test_what_was_never_paid_is_owed_in_full(amount: Amount) -> None:
    found = differences(person(), CLOSED[:1], {}, BOOK, JULY_20)
    assert [one.amount_vnd for one in found] == [amount("TB", 45, "2024-05", JULY_20)]


def test_what_was_paid_for_an_entitlement_nobody_has_is_recovered() -> None:
    other = id_of("entitlement", PERSON, "other")
    found = differences(
        person(entitlement(since="2024-08")), CLOSED[:1], {(other, CLOSED[0]): 7}, BOOK, JULY_20
    )
    assert [(one.entitlement_id, one.amount_vnd) for one in found] == [(other, -7)]


@given(st.lists(st.integers(0, 5), min_size=3, max_size=3), st.integers(1, 9))
def test_once_the_differences_are_paid_there_are_none(paid_units: list[int], rate: int) -> None:
    book = RateBook([made_rate(rate * 1000, "2024-01", date(2024, 1, 1))])
    paid = {(TB, period): n * 1000 for period, n in zip(CLOSED, paid_units, strict=True)}
    found = differences(person(), CLOSED, paid, book, JULY_20)
    for one in found:
        paid[one.entitlement_id, one.due_period] += one.amount_vnd
    assert differences(person(), CLOSED, paid, book, JULY_20) == []
    assert sum(paid.values()) == 3 * rate * 1000
