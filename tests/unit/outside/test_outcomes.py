from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from deploy.outside.outcomes import REASONS, REASONS_OF_BANK, REASONS_OF_POST, Result, outcome_of


@given(st.text(max_size=10), st.uuids().map(str))
def test_a_payment_always_has_the_same_outcome_and_only_a_return_has_a_reason(
    seed: str, payment: str
) -> None:
    outcome = outcome_of(seed, payment, REASONS_OF_POST)
    assert outcome == outcome_of(seed, payment, REASONS_OF_POST)
    assert (outcome.reason is not None) == (outcome.result is Result.RETURNED)
    assert outcome.reason is None or outcome.reason in REASONS_OF_POST


def test_about_two_in_a_hundred_return_and_one_in_a_thousand_is_silent() -> None:
    results = Counter(outcome_of("fundtrail", f"payment-{n}", REASONS_OF_BANK).result for n in range(50_000))
    assert 900 <= results[Result.RETURNED] <= 1100
    assert 25 <= results[Result.SILENT] <= 80
    assert sum(results.values()) == 50_000


def test_every_reason_occurs_and_is_explained() -> None:
    found = {outcome_of("fundtrail", f"payment-{n}", REASONS_OF_BANK).reason for n in range(5_000)} - {None}
    assert found == set(REASONS_OF_BANK)
    assert set(REASONS_OF_BANK) | set(REASONS_OF_POST) == set(REASONS)


def test_another_seed_gives_other_outcomes() -> None:
    payments = [f"payment-{n}" for n in range(2_000)]
    one = [outcome_of("one", payment, REASONS_OF_POST) for payment in payments]
    assert one != [outcome_of("two", payment, REASONS_OF_POST) for payment in payments]
