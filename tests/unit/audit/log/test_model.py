"""Each journal's rows enter the log in their own order, whatever order they come in."""

from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from services.audit.log import model
from services.audit.log.model import EPOCH_BEGUN, Arrival, Lane
from shared.journal.envelope import Envelope
from shared.kernel import canonical

ALLOCATION = Lane("allocation", 1)
PORTAL = Lane("portal", 1)


def arrival(position: int, lane: Lane = ALLOCATION, *, opens: bool = False) -> Arrival:
    return Arrival(lane, position, b"leaf %d" % position, b"data", opens)


def positions(arrivals: list[Arrival], lane: Lane = ALLOCATION) -> list[int]:
    return [one.position for one in arrivals if one.lane == lane]


def test_the_first_row_of_a_journal_goes_straight_on() -> None:
    lineup = model.line_up({}, [arrival(1)])
    assert (positions(lineup.ready), lineup.early, lineup.taken) == ([1], [], {ALLOCATION: 1})


def test_rows_that_come_in_any_order_enter_in_theirs() -> None:
    lineup = model.line_up({ALLOCATION: 4}, [arrival(7), arrival(5), arrival(6)])
    assert positions(lineup.ready) == [5, 6, 7]
    assert lineup.taken == {ALLOCATION: 7}


def test_what_comes_before_its_turn_waits() -> None:
    lineup = model.line_up({ALLOCATION: 4}, [arrival(5), arrival(7), arrival(9)])
    assert positions(lineup.ready) == [5]
    assert positions(lineup.early) == [7, 9]
    assert lineup.taken == {ALLOCATION: 5}


def test_what_the_log_has_is_left_out_and_so_is_a_second_copy() -> None:
    lineup = model.line_up({ALLOCATION: 4}, [arrival(3), arrival(4), arrival(5), arrival(5), arrival(7)])
    assert positions(lineup.ready) == [5]
    assert positions(lineup.early) == [7]


def test_journals_do_not_wait_for_each_other() -> None:
    lineup = model.line_up({PORTAL: 9}, [arrival(2), arrival(10, PORTAL)])
    assert positions(lineup.ready, PORTAL) == [10]
    assert positions(lineup.early) == [2]


def test_a_lane_that_was_touched_is_named_even_when_nothing_of_it_is_ready() -> None:
    assert model.line_up({ALLOCATION: 4}, [arrival(6)]).taken == {ALLOCATION: 4}


def test_a_later_epoch_waits_for_the_row_that_opens_it() -> None:
    second = Lane("allocation", 2)
    waiting = model.line_up({ALLOCATION: 90}, [arrival(51, second), arrival(52, second)])
    assert (waiting.ready, positions(waiting.early, second), waiting.taken) == ([], [51, 52], {})
    opened = model.line_up({ALLOCATION: 90}, [arrival(50, second, opens=True), arrival(51, second)])
    assert positions(opened.ready, second) == [50, 51]
    assert opened.taken == {second: 51}


def test_nothing_becomes_of_nothing() -> None:
    assert model.line_up({ALLOCATION: 4}, []) == model.Lineup([], [], {})


@given(st.integers(1, 40), st.randoms(use_true_random=False))
def test_any_arrivals_leave_each_journal_whole_and_in_order(count: int, dice: random.Random) -> None:
    stream = [arrival(position, lane) for lane in (ALLOCATION, PORTAL) for position in range(1, count + 1)]
    stream += dice.choices(stream, k=count)
    dice.shuffle(stream)
    taken: dict[Lane, int] = {}
    entered: list[Arrival] = []
    waiting: list[Arrival] = []
    while stream:
        size = dice.randrange(1, 12)
        lineup = model.line_up(taken, [*waiting, *stream[:size]])
        stream, waiting = stream[size:], lineup.early
        entered += lineup.ready
        taken |= lineup.taken
    assert waiting == []
    assert positions(entered) == positions(entered, PORTAL) == list(range(1, count + 1))


def test_an_envelope_arrives_with_its_canonical_entry_and_its_data(envelope: Callable[..., Envelope]) -> None:
    item = envelope("portal", 7, epoch=2, type=EPOCH_BEGUN)
    found = model.arrival_of(item)
    assert (found.lane, found.position, found.opens_epoch) == (Lane("portal", 2), 7, True)
    assert canonical.decode(found.leaf)["data_sha256"] == canonical.digest(found.data)
    assert not model.arrival_of(envelope("portal", 8)).opens_epoch
