from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiaries.reconciliation.model import (
    ANSWER_DAY,
    FREE_TEXT,
    REASONS,
    UNMATCHED,
    UNSPECIFIED,
    answer_due_on,
)
from shared.kernel.periods import Period
from tests.unit.beneficiaries.conftest import month

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("period", "instructed_on", "due_on"),
    [
        ("2024-08", "2024-07-29", "2024-08-20"),
        ("2024-08", "2024-08-01", "2024-08-20"),
        ("2024-08", "2024-08-19", "2024-08-20"),
        ("2024-08", "2024-08-20", "2024-09-20"),
        ("2024-08", "2024-09-02", "2024-09-20"),
        ("2024-08", "2024-12-25", "2025-01-20"),
        ("2024-12", "2024-12-31", "2025-01-20"),
        ("2025-01", "2024-12-24", "2025-01-20"),
    ],
)
def test_an_answer_is_due_by_the_twentieth(period: str, instructed_on: str, due_on: str) -> None:
    assert answer_due_on(month(period), date.fromisoformat(instructed_on)) == date.fromisoformat(due_on)


@given(DAYS, st.integers(-2, 2))
def test_an_answer_is_due_after_instructing_and_not_before_the_paying_month(day: date, shift: int) -> None:
    period = Period.of(day)
    for _ in range(abs(shift)):
        period = period.next() if shift > 0 else period.previous()
    due_on = answer_due_on(period, day)
    assert due_on.day == ANSWER_DAY
    assert due_on > day
    assert due_on >= period.first_day
    earlier = (due_on.replace(day=1) - timedelta(days=1)).replace(day=ANSWER_DAY)
    assert earlier <= day or earlier < period.first_day, "and it is the first such day"


def test_free_text_and_unspecified_are_reasons_of_the_list() -> None:
    assert {FREE_TEXT, UNSPECIFIED} <= REASONS.keys()


def test_every_fault_of_a_row_has_a_sentence() -> None:
    assert all(text[0].isupper() and text.endswith(".") for text in UNMATCHED.values())
