from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from shared.bus import cloud_events
from shared.bus.port import Bus, Delivered, Record, Subscription
from shared.bus.postgres import Stored
from shared.journal import positions
from shared.journal.envelope import Envelope, from_cloud_event
from shared.journal.positions import Cursor, Watermark
from shared.journal.recording import Topic
from shared.journal.relay import REST_MAX_S, REST_S, TOPIC_CHECK_EVERY, Relay, topics_of
from shared.journal.republishing import rewind
from shared.kernel.errors import Unavailable
from shared.testing.waiting import wait_until
from tests.integration.shared.conftest import Counted, running

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk

LATER = TOPIC_CHECK_EVERY + timedelta(seconds=1)


def relay_of(desk: Desk, bus: Bus) -> Relay:
    """A relay that was just started."""
    return Relay(desk.name, desk.service, bus, desk.clock)


def send_all(desk: Desk, relay: Relay) -> None:
    """Relay until nothing is left; rows become final once other tests' transactions are over."""

    def done() -> bool:
        relay.step()
        with desk.service.connect() as connection:
            return positions.cursor(connection).position == positions.head(connection)

    wait_until(done, what="sending all")


def everything_on(bus: Bus, desk: Desk, count: int) -> list[Envelope]:
    """What a new group reads from the service's topics, in the order of arrival."""
    subscription = bus.subscribe(f"{desk.name}-{threading.get_ident()}-{id(object())}", topics_of(desk.name))
    taken: list[Delivered] = []
    try:
        wait_until(lambda: _more(subscription, taken) >= count, what=f"{count} records")
        taken.extend(subscription.poll(0.3))
    finally:
        subscription.close()
    return [from_cloud_event(cloud_events.from_delivered(one), one.topic.split(".")[1]) for one in taken]


def _more(subscription: Subscription, taken: list[Delivered]) -> int:
    taken.extend(subscription.poll(0.2))
    return len(taken)


def burn_a_number(desk: Desk) -> None:
    """A row that is rolled back; its number is gone."""
    with desk.service.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO journal (id, topic, type, key, subjects, occurred_at, actor, backdated, data) "
            "VALUES (gen_random_uuid(), 'events', 't', 'lost', '{}', now(), 'a', false, '')"
        )
        connection.rollback()


def places(items: Sequence[Envelope]) -> list[tuple[int, str]]:
    return sorted((item.position, item.id) for item in items)


def test_every_row_is_sent_with_a_gapless_position(desk: Desk, bus: Bus) -> None:
    for number in range(30):
        desk.record(Counted(f"toy-{number % 3}", number))
    send_all(desk, relay_of(desk, bus))
    sent = everything_on(bus, desk, 30)
    assert sorted(item.position for item in sent) == list(range(1, 31))
    ids = {
        str(row.id): number for number, row in enumerate(desk.rows("SELECT id FROM journal ORDER BY seq"), 1)
    }
    assert {item.id: item.position for item in sent} == ids


def test_what_arrives_is_what_was_recorded(desk: Desk, bus: Bus) -> None:
    with desk.unit_of_work.begin(desk.act) as work:
        work.because("vì đếm lại").record(Counted("đồ chơi", 3), Topic.TRAIL)
    send_all(desk, relay_of(desk, bus))
    (item,) = everything_on(bus, desk, 1)
    assert (item.source, item.topic, item.type, item.key) == (desk.name, "trail", Counted.TYPE, "đồ chơi")
    assert item.payload() == {"toy_id": "đồ chơi", "number": 3}
    assert (item.reason, item.actor, item.epoch) == ("vì đếm lại", "officer-1", 1)
    with desk.service.connect() as connection:
        assert positions.at(connection, desk.name, 1) == item


def test_the_order_of_a_key_is_kept(desk: Desk, bus: Bus) -> None:
    for number in range(60):
        desk.record(Counted(f"toy-{number % 4}", number))
    send_all(desk, relay_of(desk, bus))
    by_key: dict[str, list[int]] = defaultdict(list)
    for item in everything_on(bus, desk, 60):
        by_key[item.key].append(item.payload()["number"])
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    assert len(by_key) == 4


def test_positions_are_the_same_after_a_restart(desk: Desk, bus: Bus) -> None:
    desk.record(*(Counted("a", n) for n in range(5)))
    send_all(desk, relay_of(desk, bus))
    first = everything_on(bus, desk, 5)
    desk.record(*(Counted("a", n) for n in range(5, 9)))
    send_all(desk, relay_of(desk, bus))
    second = everything_on(bus, desk, 9)
    assert places(second)[:5] == places(first)
    assert [position for position, _ in places(second)] == list(range(1, 10))


def test_positions_have_no_gap_where_a_rollback_burnt_numbers(desk: Desk, bus: Bus) -> None:
    for number in range(6):
        desk.record(Counted("kept", number))
        burn_a_number(desk)
    send_all(desk, relay_of(desk, bus))
    sent = everything_on(bus, desk, 6)
    assert [position for position, _ in places(sent)] == [1, 2, 3, 4, 5, 6]
    assert desk.one("SELECT max(seq) FROM journal") > 6


def test_a_crash_between_sending_and_remembering_sends_the_same_again(
    desk: Desk, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.record(*(Counted("a", n) for n in range(4)))
    crashing = relay_of(desk, bus)
    with monkeypatch.context() as patch:
        patch.setattr(crashing, "_save", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError, match="killed"):
            send_all(desk, crashing)
    assert desk.cursor() == Cursor(0, 0)
    send_all(desk, relay_of(desk, bus))
    sent = everything_on(bus, desk, 8)
    assert len(sent) == 8
    assert len(set(places(sent))) == 4, "sent twice under the same position and id"


def test_the_cursor_moves_only_from_where_it_stands(desk: Desk) -> None:
    with desk.service.begin() as connection:
        assert positions.move(connection, Cursor(0, 0), Cursor(2, 2))
    with desk.service.begin() as connection:
        assert not positions.move(connection, Cursor(0, 0), Cursor(5, 5))
        assert not positions.move(connection, Cursor(2, 1), Cursor(5, 5))
    assert desk.cursor() == Cursor(2, 2)


def test_a_relay_that_lost_a_race_for_the_cursor_starts_again_from_it(desk: Desk, postgres_bus: Bus) -> None:
    desk.record(Counted("a", 1))
    relay = relay_of(desk, postgres_bus)
    relay._look_at_topics()

    def publish_and_lose(_: Sequence[Record]) -> None:
        desk.change("UPDATE journal_cursor SET position = 1, seq = 1")

    relay._bus = OtherPublish(postgres_bus, publish_and_lose)  # type: ignore[assignment] # as a bus
    with pytest.raises(Unavailable, match="Another relay"):
        send_all(desk, relay)


class ForgetfulBus:
    """A bus on which the first look at the topics comes between a deletion and the making of a new one."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.forgotten = False

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        found = self._bus.topic_ids(topics)
        if not self.forgotten:
            self.forgotten = bool(found.pop(topics[0]))
        return found

    def __getattr__(self, name: str) -> object:
        return getattr(self._bus, name)


class OtherPublish:
    """A bus that does something else with what it is handed."""

    def __init__(self, bus: Bus, publish: Callable[[Sequence[Record]], None]) -> None:
        self._bus = bus
        self._publish = publish

    def hand_over(self, records: Sequence[Record]) -> Stored:
        self._publish(records)
        return Stored()

    def __getattr__(self, name: str) -> object:
        return getattr(self._bus, name)


def test_only_one_relay_of_a_service_sends(desk: Desk, postgres_bus: Bus) -> None:
    second = desk.engine(desk.addresses.service)
    relays = [relay_of(desk, postgres_bus), Relay(desk.name, second, postgres_bus, desk.clock)]
    with running(*(relay.run for relay in relays)) as beats:
        for number in range(20):
            desk.record(Counted("a", number))
        wait_until(lambda: desk.cursor().position == 20 and min(beats) > 0, what="sending")
    assert len(everything_on(postgres_bus, desk, 20)) == 20, "nothing was sent by both"


@pytest.mark.parametrize("later", [LATER, timedelta(hours=-1)], ids=["later", "by a clock set back"])
def test_topics_made_anew_get_everything_from_the_first_row(desk: Desk, bus: Bus, later: timedelta) -> None:
    desk.record(*(Counted("a", n) for n in range(7)))
    relay = relay_of(desk, bus)
    send_all(desk, relay)
    before = places(everything_on(bus, desk, 7))
    bus.delete_topics(topics_of(desk.name))
    bus.ensure_topics(topics_of(desk.name))
    desk.clock.advance(later)
    desk.record(Counted("a", 8))
    send_all(desk, relay)
    after = places(everything_on(bus, desk, 8))
    assert after[:7] == before
    assert len(after) == 8


def test_a_stopped_relay_notices_new_topics_at_its_start(desk: Desk, bus: Bus) -> None:
    desk.record(Counted("a", 1), Counted("b", 2))
    send_all(desk, relay_of(desk, bus))
    bus.delete_topics(topics_of(desk.name))
    send_all(desk, relay_of(desk, bus))
    assert len(everything_on(bus, desk, 2)) == 2


def test_a_relay_at_rest_hears_a_row_that_was_drawn_before_it_rested(desk: Desk, postgres_bus: Bus) -> None:
    with running(relay_of(desk, postgres_bus).run) as beats:
        with desk.unit_of_work.begin(desk.act) as slow:
            slow.record(Counted("slow", 1))
            rounds = beats[0]
            wait_until(lambda: beats[0] > rounds + 10, what="some rounds while the row is not final")
        wait_until(lambda: desk.cursor().position == 1, what="the row once it is final")


def test_a_relay_asks_ever_less_often_until_there_is_a_row(desk: Desk, postgres_bus: Bus) -> None:
    pauses: list[float] = []

    class Watched(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0.0)
            if len(pauses) == 12:
                desk.record(Counted("a", 1))
            if desk.cursor().position == 1:  # once other tests' transactions are over
                self.set()
            return super().wait(0.01)

    relay_of(desk, postgres_bus).run(Watched())
    assert pauses[:12] == sorted(pauses[:12])
    assert pauses[11] == REST_MAX_S
    assert REST_S in pauses[12:]
    assert desk.cursor().position == 1


def test_a_relay_at_rest_goes_back_when_its_cursor_is_taken_back(desk: Desk, postgres_bus: Bus) -> None:
    desk.record(*(Counted("a", n) for n in range(3)))
    with running(relay_of(desk, postgres_bus).run) as beats:
        wait_until(lambda: desk.cursor().position == 3, what="all rows sent")
        rounds = beats[0]
        wait_until(lambda: beats[0] > rounds + 10, what="some rounds of rest")
        with desk.owner.begin() as connection:
            rewind(connection, 1)
        wait_until(lambda: desk.cursor().position == 3, what="all rows sent again")
    assert len(everything_on(postgres_bus, desk, 6)) == 6


def test_topics_that_are_gone_between_two_looks_are_waited_for(desk: Desk, postgres_bus: Bus) -> None:
    bus = ForgetfulBus(postgres_bus)
    desk.record(Counted("a", 1))
    with running(Relay(desk.name, desk.service, bus, desk.clock).run):  # type: ignore[arg-type]
        wait_until(lambda: desk.cursor().position == 1, what="the row after a topic was gone for a moment")
    assert bus.forgotten, "the topic was there at every look, so nothing was shown"


def test_a_missing_bus_is_waited_for(desk: Desk, postgres_bus: Bus) -> None:
    failures = iter([Unavailable("away"), Unavailable("away")])
    taken: list[Record] = []

    def publish(records: Sequence[Record]) -> None:
        for failure in failures:
            raise failure
        taken.extend(records)

    desk.record(Counted("a", 1))
    relay = Relay(desk.name, desk.service, OtherPublish(postgres_bus, publish), desk.clock)  # type: ignore[arg-type]
    with running(relay.run):
        wait_until(lambda: desk.cursor().position == 1, what="the row after two failures")
    assert [record.key for record in taken] == ["a"]


def test_a_row_of_an_open_transaction_holds_later_rows_back(desk: Desk) -> None:
    watermark = Watermark(desk.service)
    with desk.unit_of_work.begin(desk.act) as slow:
        slow.record(Counted("slow", 1))
        desk.record(Counted("fast", 2))
        for _ in range(5):
            assert watermark.advance() == 0, "the row with number 1 may still be committed"
    wait_until(lambda: watermark.advance() == 2, what="both rows final")


def test_a_long_transaction_that_came_later_holds_nothing_back(desk: Desk) -> None:
    desk.record(Counted("a", 1))
    watermark = Watermark(desk.service)
    wait_until(lambda: watermark.advance() == 1, what="the row final")
    with desk.unit_of_work.begin(desk.act) as later:
        later.record(Counted("b", 2))
        assert watermark.advance() == 1


def test_marks_find_a_far_position(desk: Desk) -> None:
    desk.record(*(Counted("a", n) for n in range(50)))
    with desk.service.begin() as connection:
        positions.mark(connection, 20, desk.one("SELECT seq FROM journal ORDER BY seq OFFSET 19 LIMIT 1"))
        positions.mark(connection, 20, 999)
    with desk.service.connect() as connection:
        found = [positions.at(connection, "toys", position) for position in (1, 20, 21, 50, 51)]
    numbers = [item.payload()["number"] if item else None for item in found]
    assert numbers == [0, 19, 20, 49, None]


def test_a_restored_database_is_halted_until_an_epoch_is_begun(desk: Desk, bus: Bus) -> None:
    desk.record(*(Counted("a", n) for n in range(5)))
    send_all(desk, relay_of(desk, bus))
    restore_to(desk, 3)
    relay_of(desk, bus).step()
    desk.clock.advance(timedelta(seconds=2))
    with pytest.raises(Unavailable, match="fundtrail epoch begin"):
        desk.record(Counted("a", 6))

    with desk.owner.begin() as connection:
        epoch = positions.begin_epoch(connection, "the disk was lost")
    assert (epoch.epoch, epoch.first_position) == (2, 4)
    desk.clock.advance(timedelta(seconds=2))
    desk.record(Counted("a", 6))
    restarted = relay_of(desk, bus)
    send_all(desk, restarted)
    newest = [item for item in everything_on(bus, desk, 6) if item.epoch == 2]
    assert [(item.position, item.payload()["number"]) for item in newest] == [(4, 6)]
    relay_of(desk, bus).step()
    desk.record(Counted("a", 7))


def test_a_database_whose_row_differs_from_the_bus_is_halted(desk: Desk, bus: Bus) -> None:
    desk.record(*(Counted("a", n) for n in range(3)))
    send_all(desk, relay_of(desk, bus))
    restore_to(desk, 2)
    desk.record(Counted("a", 99))
    relay_of(desk, bus).step()
    halted = desk.one("SELECT halted FROM journal_cursor")
    assert halted is not None
    assert "row 3" in halted


def test_a_database_that_is_ahead_of_the_bus_goes_on(desk: Desk, bus: Bus) -> None:
    desk.record(*(Counted("a", n) for n in range(3)))
    send_all(desk, relay_of(desk, bus))
    desk.record(Counted("a", 4))
    send_all(desk, relay_of(desk, bus))
    assert desk.one("SELECT halted FROM journal_cursor") is None


def restore_to(desk: Desk, rows: int) -> None:
    """The database as it was when it had so many rows, all of them sent."""
    desk.change("DELETE FROM journal WHERE seq > :rows", rows=rows)
    desk.change("UPDATE journal_cursor SET position = :rows, seq = :rows", rows=rows)
    desk.change("SELECT setval('journal_seq_seq', :rows)", rows=rows)
    with desk.owner.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM journal")) == rows


def test_a_page_ends_with_the_rows_or_with_the_bytes_it_may_have(desk: Desk) -> None:
    large = positions.PAGE_BYTES // 4
    with desk.service.begin() as connection:
        for number, size in enumerate((large, large, large, large, 10, large * 5, 10, 10)):
            connection.execute(
                text(
                    "INSERT INTO journal (id, topic, type, key, subjects, occurred_at, actor, backdated, "
                    "data) VALUES (gen_random_uuid(), 'events', 'toy', :key, '{}', now(), 'me', false, :data)"
                ),
                {"key": f"toy-{number}", "data": b"x" * size},
            )
    pages, after = [], Cursor(0, 0)
    with desk.service.connect() as connection:
        while page := positions.page(connection, desk.name, after, 2**62, 2_000):
            pages.append([item.key for _, item in page])
            after = Cursor(page[-1][1].position, page[-1][0])
    keys = [f"toy-{number}" for number in range(8)]
    assert [key for page in pages for key in page] == keys
    assert pages[0] == keys[:4], "four rows are as many bytes as a page may have"
    assert keys[5:6] in pages, "a row beyond the bound goes alone"
    assert after.position == 8
