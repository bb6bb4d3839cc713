"""Where a delivery stands, by rank, and how long to wait after a failure."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.deliveries.model import (
    ATTEMPTS_MAX,
    BACK_OFF_FIRST,
    BACK_OFF_MAX,
    RANK,
    State,
    back_off,
)


def test_every_state_has_a_rank_of_its_own() -> None:
    assert set(RANK) == set(State)
    assert len(set(RANK.values())) == len(State)


def test_what_reached_the_person_outranks_everything() -> None:
    assert max(State, key=RANK.__getitem__) is State.DELIVERED
    assert min(State, key=RANK.__getitem__) is State.QUEUED


@given(st.lists(st.sampled_from(State), min_size=1, max_size=8), st.randoms())
def test_receipts_in_any_order_and_number_come_to_the_same(reports: list[State], chance: object) -> None:
    def after(order: list[State]) -> State:
        state = State.QUEUED
        for report in order:
            state = report if RANK[report] > RANK[state] else state
        return state

    shuffled = sorted(reports * 2, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert after(reports) is after(shuffled)


def test_the_first_wait_is_short_and_each_next_one_twice_as_long() -> None:
    waits = [back_off(attempts).total_seconds() for attempts in range(1, ATTEMPTS_MAX + 1)]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256]


@given(st.integers(0, 40))
def test_a_wait_lies_between_the_first_and_the_longest(attempts: int) -> None:
    assert BACK_OFF_FIRST <= back_off(attempts) <= BACK_OFF_MAX
    assert back_off(attempts) <= back_off(attempts + 1)


def test_all_attempts_together_outlast_a_restart_of_a_mail_server() -> None:
    assert sum((back_off(n) for n in range(1, ATTEMPTS_MAX)), timedelta()) > timedelta(minutes=2)
