"""Each journal's rows enter the log in their own order, whatever order they come in."""

from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from services.audit.log import model
from services.audit.log.model import EPOCH_BEGUN, Arrival, Early, Lane
from shared.journal.envelope import Envelope
from shared.kernel import canonical

ALLOCATION = Lane("allocation", 1)
PORTAL = Lane("portal", 1)


def arrival(position: int, lane: Lane = ALLOCATION, *, opens: bool = False) -> Arrival:
    return Arrival(lane, position, b"leaf %d" % position, b"data", opens)


def positions(arrivals: list[Arrival], lane: Lane = ALLOCATION) -> list[int]:
    return [one.position for one in arrivals if one.lane == lane]


def line_up(
    taken: dict[Lane, int], arrivals: list[Arrival]
) -> tuple[list[Arrival], list[Arrival], dict[Lane, int]]:
    """What is ready, what is early, and how far the touched lanes have come."""
    early = Early()
    lineup = model.line_up(taken, arrivals, early)
    return lineup.ready, early.release(), lineup.taken


def test_the_first_row_of_a_journal_goes_straight_on() -> None:
    ready, early, taken = line_up({}, [arrival(1)])
    assert (positions(ready), early, taken) == ([1], [], {ALLOCATION: 1})


def test_rows_that_come_in_any_order_enter_in_theirs() -> None:
    ready, _, taken = line_up({ALLOCATION: 4}, [arrival(7), arrival(5), arrival(6)])
    assert positions(ready) == [5, 6, 7]
    assert taken == {ALLOCATION: 7}


def test_what_comes_before_its_turn_waits() -> None:
    ready, early, taken = line_up({ALLOCATION: 4}, [arrival(5), arrival(7), arrival(9)])
    assert positions(ready) == [5]
    assert positions(early) == [7, 9]
    assert taken == {ALLOCATION: 5}


def test_what_waited_follows_the_row_it_waited_for() -> None:
    early = Early()
    model.line_up({ALLOCATION: 4}, [arrival(7), arrival(6), arrival(9)], early)
    lineup = model.line_up({ALLOCATION: 4}, [arrival(5)], early)
    assert positions(lineup.ready) == [5, 6, 7]
    assert positions(early.release()) == [9]


def test_what_the_log_has_is_left_out_and_so_is_a_second_copy() -> None:
    stream = [arrival(3), arrival(4), arrival(5), arrival(5), arrival(7), arrival(7)]
    ready, early, _ = line_up({ALLOCATION: 4}, stream)
    assert positions(ready) == [5]
    assert positions(early) == [7]


def test_a_second_copy_that_comes_in_its_turn_leaves_nothing_waiting() -> None:
    early = Early()
    lineup = model.line_up({ALLOCATION: 4}, [arrival(6), arrival(5), arrival(6)], early)
    assert positions(lineup.ready) == [5, 6]
    assert (bool(early), early.size_bytes) == (False, 0)


def test_journals_do_not_wait_for_each_other() -> None:
    ready, early, _ = line_up({PORTAL: 9}, [arrival(2), arrival(10, PORTAL)])
    assert positions(ready, PORTAL) == [10]
    assert positions(early) == [2]


def test_a_lane_that_was_touched_is_named_even_when_nothing_of_it_is_ready() -> None:
    assert line_up({ALLOCATION: 4}, [arrival(6)])[2] == {ALLOCATION: 4}


def test_a_later_epoch_waits_for_the_row_that_opens_it() -> None:
    second = Lane("allocation", 2)
    early = Early()
    waiting = model.line_up({ALLOCATION: 90}, [arrival(51, second), arrival(52, second)], early)
    assert (waiting.ready, waiting.taken) == ([], {})
    opened = model.line_up({ALLOCATION: 90}, [arrival(50, second, opens=True)], early)
    assert positions(opened.ready, second) == [50, 51, 52]
    assert opened.taken == {second: 52}
    assert not early


def test_a_later_epoch_is_opened_by_its_first_row_wherever_that_stands() -> None:
    second = Lane("allocation", 2)
    ready, early, _ = line_up({}, [arrival(52, second), arrival(50, second, opens=True), arrival(51, second)])
    assert positions(ready, second) == [50, 51, 52]
    assert early == []


def test_nothing_becomes_of_nothing() -> None:
    assert line_up({ALLOCATION: 4}, []) == ([], [], {})


def test_the_bytes_of_what_waits_are_counted() -> None:
    early = Early()
    rows = [arrival(7), arrival(6), arrival(9), arrival(9)]
    size = {one.position: len(one.leaf) + len(one.data) for one in rows}
    for one in rows:
        early.add(one)
    assert (bool(early), early.size_bytes) == (True, sum(size.values()))
    early.follow(ALLOCATION, 5)
    assert (bool(early), early.size_bytes) == (True, size[9])
    assert positions(early.release()) == [9]
    assert (bool(early), early.size_bytes) == (False, 0)


@given(count=st.integers(1, 40), dice=st.randoms(use_true_random=False), released=st.booleans())
def test_any_arrivals_leave_each_journal_whole_and_in_order(
    count: int,
    dice: random.Random,
    *,
    released: bool,
) -> None:
    stream = [arrival(position, lane) for lane in (ALLOCATION, PORTAL) for position in range(1, count + 1)]
    stream += dice.choices(stream, k=count)
    dice.shuffle(stream)
    taken: dict[Lane, int] = {}
    entered: list[Arrival] = []
    early = Early()
    while stream:
        size = dice.randrange(1, 12)
        again = early.release() if released else []
        lineup = model.line_up(taken, [*again, *stream[:size]], early)
        stream = stream[size:]
        entered += lineup.ready
        taken |= lineup.taken
    assert not early
    assert early.size_bytes == 0
    assert positions(entered) == positions(entered, PORTAL) == list(range(1, count + 1))


def test_an_envelope_arrives_with_its_canonical_entry_and_its_data(envelope: Callable[..., Envelope]) -> None:
    item = envelope("portal", 7, epoch=2, type=EPOCH_BEGUN)
    found = model.arrival_of(item)
    assert (found.lane, found.position, found.opens_epoch) == (Lane("portal", 2), 7, True)
    assert canonical.decode(found.leaf)["data_sha256"] == canonical.digest(found.data)
    assert not model.arrival_of(envelope("portal", 8)).opens_epoch
