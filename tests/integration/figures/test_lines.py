"""Lines between parts are cut, stand still, break off, are slow: nothing is lost or comes twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import make_url

from deploy.local.provisioning import Addresses
from shared.testing.waiting import wait_until
from tests.integration.figures.line import FAR_AWAY, NARROW, Line, Pace
from tests.integration.figures.pair import Pair
from tests.integration.figures.stories import cut_again_and_again

TURNS = 6
A_TURN = 25
EVENTS = TURNS * A_TURN
FEW = 40  # each effect goes to the database and back

Lined = tuple[Pair, Line]


def through(line: Line, url: str) -> str:
    return make_url(url).set(port=line.port).render_as_string(hide_password=False)


@pytest.fixture(params=["the relay's database", "the consumer's database", "the bus"])
def lined(
    request: pytest.FixtureRequest,
    database: Callable[[str], Addresses],
    empty_database: Callable[[str], Addresses],
) -> Iterator[Lined]:
    """A pair of services, one line of which is in the hands of the test."""
    sender, receiver, bus = database("portal"), database("beneficiaries"), empty_database("bus").owner
    line = Line(make_url(bus).port or 0)
    desk = sender
    if request.param == "the relay's database":
        sender = dataclasses.replace(sender, service=through(line, sender.service))
    elif request.param == "the consumer's database":
        receiver = dataclasses.replace(receiver, service=through(line, receiver.service))
    else:
        bus = through(line, bus)
    pair = Pair(sender, receiver, bus, desk)
    yield pair, line
    line.go_on()
    line.mend()
    pair.close()
    line.close()


def test_a_line_that_is_cut_again_and_again_loses_nothing(lined: Lined) -> None:
    cut_again_and_again(*lined, TURNS, A_TURN)


def test_a_line_that_breaks_off_in_mid_message_loses_nothing(lined: Lined) -> None:
    pair, line = lined
    pair.start()
    for turn in range(TURNS):
        line.break_off_after(400 + 1_700 * turn)
        pair.tell(turn * A_TURN, (turn + 1) * A_TURN)
        wait_until(lambda turn=turn: line.breaks > turn, timeout_s=60, what="a broken message")
    pair.wait_for(EVENTS)
    pair.ensure_each_once_and_in_order(EVENTS)


def test_a_line_that_stands_still_for_a_while_only_delays(lined: Lined) -> None:
    pair, line = lined
    pair.start()
    pair.tell(0, 20)
    pair.wait_for(20)
    line.stand_still()
    pair.tell(20, EVENTS)
    assert len(pair.heard()) < EVENTS, "the line stands still, and yet everything arrived"
    line.go_on()
    pair.wait_for(EVENTS)
    pair.ensure_each_once_and_in_order(EVENTS)


@pytest.mark.full
@pytest.mark.parametrize("pace", [FAR_AWAY, NARROW], ids=["far away", "narrow"])
def test_a_slow_line_only_delays(lined: Lined, pace: Pace) -> None:
    pair, line = lined
    pair.start()
    pair.tell(0, 20)
    pair.wait_for(20)
    line.slow_down(pace)
    pair.tell(20, FEW)
    pair.wait_for(FEW)
    pair.ensure_each_once_and_in_order(FEW)
