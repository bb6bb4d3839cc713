"""A clock that jumps: acts keep their order, a closed year stays closed, the trail has its own time."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.allocation.ledger.model import Role
from tests.integration.allocation.house import account
from tests.integration.models.answers import TRANSFERS, Answer, new_key
from tests.integration.models.counter import Counter
from tests.integration.models.money import UNITS, move, request

HOUR = timedelta(hours=1)
NEW_YEARS_EVE = datetime(2024, 12, 31, 16, 30, tzinfo=UTC)  # half past eleven in the evening in Vietnam
ALLOTMENT, PROVIDER = account(Role.ALLOTMENT, UNITS[0]), account(Role.PROVIDER, UNITS[0], "post")
JUMPS = (HOUR, -HOUR, -HOUR, HOUR, HOUR, -HOUR)


@pytest.fixture
def evening(counter: Counter) -> Counter:
    """Half an hour before the year ends, with money in an allotment."""
    counter.house.fund(ALLOTMENT, 1_000)
    counter.clock.advance(NEW_YEARS_EVE - counter.clock.now())
    return counter


def pay(counter: Counter, amount: int = 1) -> Answer:
    return counter.send(TRANSFERS, request(move(ALLOTMENT, PROVIDER, amount)), new_key())


def close(counter: Counter) -> tuple[int, str]:
    answer = counter.send("/v1/ledger/years/2024/closing", None, new_key())
    return answer.status, answer.json.get("code", "closed")


def trail(counter: Counter) -> list[Any]:
    return counter.house.rows(
        "SELECT seq, xid::text::bigint AS xid, recorded_at, occurred_at FROM journal ORDER BY seq"
    )


def test_acts_keep_their_order_and_their_trail_never_goes_back(evening: Counter) -> None:
    for jump in JUMPS:
        evening.clock.advance(jump)
        assert pay(evening).verdicts == [("accepted", False)]
    rows = trail(evening)
    for before, after in itertools.pairwise(rows):
        assert after.recorded_at > before.recorded_at, "the time of the trail is the database's own"
        assert after.xid > before.xid
    assert any(after.occurred_at < before.occurred_at for before, after in itertools.pairwise(rows))
    numbers = [row.number for row in evening.house.rows("SELECT number FROM transfers ORDER BY number")]
    told = [
        item["transfer_id"]
        for event in evening.house.journal("ledger.transfers_decided")
        for item in event["items"]
    ]
    stored = [str(row.id) for row in evening.house.rows("SELECT id FROM transfers ORDER BY number")]
    assert told == stored
    assert len(set(numbers)) == len(numbers)


def test_each_act_falls_into_the_day_that_its_clock_showed(evening: Counter) -> None:
    for jump in JUMPS:
        evening.clock.advance(jump)
        pay(evening)
    days = [
        str(row.effective_on)
        for row in evening.house.rows("SELECT effective_on FROM transfers ORDER BY number")
    ]
    evening_, morning = "2024-12-31", "2025-01-01"
    assert days[1:] == [morning, evening_, evening_, evening_, morning, evening_]


def test_the_year_is_not_closed_while_any_clock_of_ours_says_it_lasts(evening: Counter) -> None:
    assert close(evening) == (422, "year_not_over")
    evening.clock.advance(-HOUR)
    assert close(evening) == (422, "year_not_over")


@pytest.mark.parametrize("back", [HOUR, 26 * HOUR], ids=["an hour", "a day"])
def test_a_closed_year_takes_nothing_although_the_clock_goes_back_into_it(
    evening: Counter, back: timedelta
) -> None:
    assert pay(evening, 400).status == 200
    evening.clock.advance(HOUR)
    assert close(evening) == (200, "closed")
    evening.clock.advance(-back)
    late = pay(evening)
    assert (late.status, late.json["code"]) == (422, "year_closed")
    assert close(evening) == (422, "year_not_over")
    successor = account(Role.PROVIDER, UNITS[0], "post", year=2025)
    assert (evening.house.available(PROVIDER), evening.house.available(successor)) == (0, 400)


def test_a_stored_reply_and_a_halt_do_not_depend_on_the_clock(evening: Counter) -> None:
    body, key = request(move(ALLOTMENT, PROVIDER, 5)), new_key()
    first = evening.send(TRANSFERS, body, key)
    for jump in JUMPS:
        evening.clock.advance(jump)
        again = evening.send(TRANSFERS, body, key)
        assert again.is_hit
        assert again.same(first)
    with evening.house.owner.begin() as connection:
        connection.execute(text("UPDATE journal_cursor SET halted = 'restored'"))
    for jump in (-HOUR, 3 * HOUR):
        evening.clock.advance(jump)
        assert pay(evening).status == 503
