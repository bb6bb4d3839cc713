"""Two pages of the relay on their way: what is stored, what is remembered, and what a failure takes along."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from shared.bus.port import Bus, Record
from shared.journal.positions import Cursor
from shared.journal.relay import Relay, topics_of
from shared.kernel.errors import Unavailable
from shared.testing.waiting import wait_until
from tests.integration.shared.conftest import Counted
from tests.integration.shared.journal.test_relay import LATER, everything_on

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk


class SlowBus:
    """A bus that stores what it was handed when it is waited for, and fails where it is told to."""

    def __init__(self, bus: Bus, desk: Desk) -> None:
        self._bus = bus
        self._desk = desk
        self.failing: set[int] = set()  # which of all calls, counted from 1
        self.told: list[tuple[str, int, int]] = []  # what was done with which call, and the cursor then
        self.waiting: list[tuple[int, Sequence[Record]]] = []

    def hand_over(self, records: Sequence[Record]) -> SlowBus.Owed:
        number = sum(what == "handed" for what, _, _ in self.told) + 1
        self._tell("handed", number)
        self.waiting.append((number, records))
        return SlowBus.Owed(self, number)

    def store_up_to(self, number: int) -> None:
        while self.waiting and self.waiting[0][0] <= number:
            which, records = self.waiting[0]
            if which in self.failing:
                self.waiting.clear()
                raise Unavailable(f"call {which} failed")
            self._bus.publish(records)
            self._tell("stored", which)
            del self.waiting[0]

    def _tell(self, what: str, number: int) -> None:
        self.told.append((what, number, self._desk.cursor().position))

    def __getattr__(self, name: str) -> object:
        return getattr(self._bus, name)

    class Owed:
        """A confirmation that a slow bus owes."""

        def __init__(self, bus: SlowBus, number: int) -> None:
            self._bus, self._number = bus, number

        def wait(self) -> None:
            self._bus.store_up_to(self._number)


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.journal.relay.PAGE_ROWS", 2)


@pytest.fixture
def slow_bus(desk: Desk, postgres_bus: Bus, pages_of_two: None) -> SlowBus:
    return SlowBus(postgres_bus, desk)


def relay_over(desk: Desk, bus: SlowBus) -> Relay:
    """A relay to which every row is final that was recorded so far."""
    relay = Relay(desk.name, desk.service, bus, desk.clock)  # type: ignore[arg-type] # as a bus
    drawn = desk.one("SELECT last_value FROM journal_seq_seq")
    wait_until(lambda: relay._watermark.advance() == drawn, what="every row final")
    return relay


def test_a_page_is_handed_over_while_the_one_before_it_is_stored(desk: Desk, slow_bus: SlowBus) -> None:
    desk.record(*(Counted("a", n) for n in range(6)))
    relay = relay_over(desk, slow_bus)
    assert [relay.step() for _ in range(4)] == [2, 2, 2, 0]
    assert slow_bus.told == [
        ("handed", 1, 0),
        ("handed", 2, 0),
        ("stored", 1, 0),
        ("handed", 3, 2),
        ("stored", 2, 2),
        ("stored", 3, 4),
    ], "two pages at most are on their way, and the cursor follows what is stored"
    assert desk.cursor() == Cursor(6, 6)


def test_the_cursor_stays_where_a_page_is_not_confirmed(desk: Desk, slow_bus: SlowBus) -> None:
    desk.record(Counted("a", 1))
    relay = relay_over(desk, slow_bus)
    slow_bus.failing = {1}
    with pytest.raises(Unavailable, match="call 1 failed"):
        relay.step()
    assert desk.cursor() == Cursor(0, 0)


def test_a_page_that_fails_takes_the_one_behind_it_along(desk: Desk, slow_bus: SlowBus) -> None:
    desk.record(*(Counted("a", n) for n in range(8)))
    relay = relay_over(desk, slow_bus)
    slow_bus.failing = {2}
    assert relay.step() == 2
    with pytest.raises(Unavailable, match="call 2 failed"):
        relay.step()
    assert desk.cursor() == Cursor(2, 2), "the third page was on its way and is not counted"
    assert slow_bus.waiting == []
    while relay.step():
        pass
    sent = everything_on(slow_bus._bus, desk, 8)
    assert [item.payload()["number"] for item in sent] == list(range(8)), "in order, without a hole"


def test_a_crash_with_pages_on_their_way_sends_again_from_the_cursor(desk: Desk, slow_bus: SlowBus) -> None:
    desk.record(*(Counted("a", n) for n in range(6)))
    crashed = relay_over(desk, slow_bus)
    assert crashed.step() == 2
    assert [number for number, _ in slow_bus.waiting] == [2], "handed over and not confirmed"
    slow_bus.waiting.clear()
    restarted = relay_over(desk, slow_bus)
    while restarted.step():
        pass
    sent = everything_on(slow_bus._bus, desk, 6)
    assert [item.payload()["number"] for item in sent] == list(range(6))
    assert desk.cursor() == Cursor(6, 6)


def test_topics_are_looked_at_while_nothing_is_on_its_way(desk: Desk, slow_bus: SlowBus) -> None:
    desk.record(*(Counted("a", n) for n in range(8)))
    relay = relay_over(desk, slow_bus)
    assert relay.step() == 2
    slow_bus._bus.delete_topics(topics_of(desk.name))
    slow_bus._bus.ensure_topics(topics_of(desk.name))
    desk.clock.advance(LATER)
    assert relay.step() == 2, "what was on its way is settled first"
    assert slow_bus.waiting == []
    while relay.step():
        pass
    sent = everything_on(slow_bus._bus, desk, 10)
    assert [item.position for item in sent] == [3, 4, *range(1, 9)], "all of it for the topics made anew"


def test_a_cursor_taken_back_while_pages_are_on_their_way_is_obeyed(desk: Desk, slow_bus: SlowBus) -> None:
    desk.record(*(Counted("a", n) for n in range(8)))
    relay = relay_over(desk, slow_bus)
    assert relay.step() == 2
    desk.change("UPDATE journal_cursor SET position = 0, seq = 0")
    with pytest.raises(Unavailable, match="Another relay"):
        relay.step()
    while relay.step():
        pass
    assert {item.position for item in everything_on(slow_bus._bus, desk, 12)} == set(range(1, 9))
    assert desk.cursor() == Cursor(8, 8)


def test_a_relay_that_is_stopped_settles_what_is_on_its_way(desk: Desk, slow_bus: SlowBus) -> None:
    desk.record(*(Counted("a", n) for n in range(8)))
    relay, stop = relay_over(desk, slow_bus), threading.Event()
    relay.run(stop, lambda: stop.set() if slow_bus.waiting else None)
    assert slow_bus.waiting == []
    stored = [number for what, number, _ in slow_bus.told if what == "stored"]
    assert desk.cursor().position == 2 * len(stored) >= 4
