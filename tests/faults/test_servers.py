"""Servers are stopped at once while a province pays its people; its services go on by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults import report
from tests.faults.campaign import carry_out, province_of, say, seed, share_of
from tests.faults.crew import Crew
from tests.faults.ground import Ground, open_ground
from tests.faults.striking import Striker

pytestmark = [pytest.mark.kafka, pytest.mark.full, pytest.mark.timeout(1800)]

PEOPLE, MONTHS = 12_500, 4
TIMES = 20


@pytest.fixture
def ground() -> Iterator[Ground]:
    with open_ground() as made:
        yield made


def strike(ground: Ground, part: str, stop: Callable[[], None], start: Callable[[], None]) -> None:
    """Twenty strikes, however many months that takes."""
    number, people = seed(), share_of(PEOPLE)
    whole = people == PEOPLE
    say(f"SEED={number}")
    with province_of(ground, people) as province:
        striker = Striker(province, number, TIMES if whole else 2, stop, start)

        def more(done: int, _: Crew) -> bool:
            return done < (MONTHS if whole else 1) or not striker.done

        outcome = carry_out(province, {}, more, striker.look)
    outcome.more = {"months": len(outcome.clerk.done)}
    report.keep(report.row_of(part, number, outcome, striker.strikes, max(striker.back_s, default=None)))
    assert striker.done
    outcome.verdict.ensure_clean()


def test_a_database_server_that_is_stopped_at_once_twenty_times_loses_nothing(ground: Ground) -> None:
    strike(ground, "immediate stops of PostgreSQL", ground.strike_postgres, ground.start_postgres)


def test_a_broker_that_is_killed_twenty_times_loses_nothing(ground: Ground) -> None:
    strike(ground, "kill -9 of the broker", ground.strike_kafka, ground.start_kafka)
