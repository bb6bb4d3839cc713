"""The clock of relay and consumer jumps to and fro while they work: order, effects and topics stay right."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from deploy.local.provisioning import Addresses
from shared.journal.relay import topics_of
from shared.kernel.errors import Unavailable
from shared.testing.waiting import wait_until
from tests.integration.figures.pair import Pair

HOUR = timedelta(hours=1)
JUMPS = (HOUR, -HOUR, -HOUR, HOUR, HOUR, -HOUR)
A_TURN = 20
EVENTS = A_TURN * len(JUMPS)


@pytest.fixture
def pair(database: Callable[[str], Addresses], empty_database: Callable[[str], Addresses]) -> Iterator[Pair]:
    made = Pair(database("portal"), database("beneficiaries"), empty_database("bus").owner)
    yield made
    made.close()


def test_a_clock_that_jumps_while_both_work_loses_nothing_and_the_trail_never_goes_back(pair: Pair) -> None:
    pair.start()
    for turn, jump in enumerate(JUMPS):
        pair.tell(turn * A_TURN, turn * A_TURN + A_TURN // 2)
        pair.wait_for(turn * A_TURN + 5)
        pair.clock.jump(jump)
        pair.tell(turn * A_TURN + A_TURN // 2, (turn + 1) * A_TURN)
    pair.wait_for(EVENTS)
    pair.ensure_each_once_and_in_order(EVENTS)
    with pair.telling.reading() as connection:
        rows = list(connection.execute(text("SELECT recorded_at, occurred_at FROM journal ORDER BY seq")))
    told = list(itertools.pairwise(rows))
    assert all(after.recorded_at > before.recorded_at for before, after in told)
    assert any(after.occurred_at < before.occurred_at for before, after in told), "no clock went back"


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "on"])
def test_a_topic_that_was_lost_is_noticed_although_the_clock_jumped(pair: Pair, jump: timedelta) -> None:
    """The looks at the topics go by the clock, and one that goes back must not put them off."""
    pair.start()
    pair.tell(0, 20)
    pair.wait_for(20)
    pair.clock.jump(jump)
    wait_until(lambda: lose_topics(pair), what="the end of the topics")
    pair.tell(20, 40)
    pair.wait_for(40)
    pair.ensure_each_once_and_in_order(40)


def lose_topics(pair: Pair) -> bool:
    """Whether the topics are gone; who looks at them in the same moment may be in the way."""
    with contextlib.suppress(Unavailable):
        pair.other_bus.delete_topics(topics_of(pair.name))
        return True
    return False
