import unicodedata
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.clock import FixedClock, SystemClock, at_business_noon, business_date
from shared.kernel.errors import Denied, Fault, NotFound, Rejected, Unavailable
from shared.kernel.ids import id_of, new_id
from shared.kernel.periods import Period

PERIODS = st.builds(Period, st.integers(1900, 2200), st.integers(1, 12))
DAYS = st.dates(date(1990, 1, 1), date(2200, 12, 31))


def test_new_ids_are_version_seven_and_ordered() -> None:
    made = [new_id() for _ in range(1_000)]
    assert {item.version for item in made} == {7}
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_derived_ids_repeat_for_ever() -> None:
    assert id_of("unit", "20641", "Xã Quế Sơn", "2025-07-01") == UUID("5cb77c5a-b8ba-5fe4-b245-a258a5fc6f91")
    assert id_of("unit", 1) == id_of("unit", "1")
    assert id_of("unit", 1) != id_of("list", 1)


def test_derived_ids_do_not_depend_on_the_form_of_letters() -> None:
    assert id_of("unit", unicodedata.normalize("NFD", "Quế Sơn")) == id_of("unit", "Quế Sơn")


def test_the_business_date_is_that_of_vietnam() -> None:
    assert business_date(datetime(2024, 7, 24, 17, 0, tzinfo=UTC)) == date(2024, 7, 25)
    assert business_date(datetime(2024, 7, 24, 16, 59, tzinfo=UTC)) == date(2024, 7, 24)


@given(DAYS)
def test_noon_of_a_business_date_lies_on_it(day: date) -> None:
    assert business_date(at_business_noon(day)) == day
    assert at_business_noon(day).tzinfo is UTC


def test_a_fixed_clock_moves_when_told() -> None:
    start = datetime(2024, 7, 1, tzinfo=UTC)
    clock = FixedClock(start)
    clock.advance(timedelta(hours=2))
    assert clock.now() - start == timedelta(hours=2)


def test_the_system_clock_is_aware() -> None:
    assert SystemClock().now().tzinfo is UTC


@given(PERIODS)
def test_periods_are_written_and_read_alike(period: Period) -> None:
    assert Period.parse(str(period)) == period
    assert period.next().previous() == period
    assert Period.of(period.first_day) == Period.of(period.last_day) == period
    assert period.last_day + timedelta(days=1) == period.next().first_day
    assert period.fiscal_year == period.year


@given(PERIODS, st.integers(0, 40))
def test_months_until_counts_both_ends(first: Period, steps: int) -> None:
    last = first
    for _ in range(steps):
        last = last.next()
    months = first.months_until(last)
    assert len(months) == steps + 1
    assert months == sorted(months)
    assert last.next().months_until(first) == []


@pytest.mark.parametrize("text", ["2024-13", "2024-00", "2024-8", "24-08", "2024-08-01", "", "٢٠٢٤-08"])
def test_refuses_what_is_no_month(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        Period.parse(text)
    assert caught.value.code == "period_invalid"


def test_a_rejection_carries_code_message_and_faults() -> None:
    fault = Fault("field_unknown", "Field x is not known.", pointer="/x")
    error = Denied("not_allowed", "No.", [fault])
    assert (error.code, error.message, error.faults) == ("not_allowed", "No.", (fault,))
    assert str(error) == "not_allowed: No."
    assert isinstance(NotFound("a", "b"), Rejected)


def test_unavailable_says_when_to_try_again() -> None:
    assert Unavailable("down").retry_after_s == 5
    assert Unavailable("down", 30).retry_after_s == 30
