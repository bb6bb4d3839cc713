"""Rows on their way from journals over a bus into the log, with everything that a bus may do to them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from services.audit.config import SERVICES
from services.audit.log import queries
from services.audit.log.check import placed_leaves
from services.audit.log.loops import Intake, Signing
from services.audit.search.events import SearchPerformed
from services.audit.search.handlers import Indexing
from shared.bus import cloud_events
from shared.bus.port import Bus, Record, Subscription
from shared.journal import positions
from shared.journal.envelope import Envelope
from shared.journal.recording import Topic
from shared.journal.relay import Relay, topic_name, topics_of
from shared.kernel.acts import Act
from shared.kernel.clock import SystemClock
from shared.testing.waiting import wait_until

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit

MakeRows = Callable[..., list[Envelope]]

TOPICS = [topic for service in SERVICES for topic in topics_of(service)]


@pytest.fixture
def subscription(postgres_bus: Bus) -> Iterator[Subscription]:
    postgres_bus.ensure_topics(TOPICS)
    opened = postgres_bus.subscribe("audit", TOPICS)
    yield opened
    opened.close()


def records(bus: Bus, items: list[Envelope]) -> list[Record]:
    ids = bus.topic_ids(TOPICS)
    named = [(topic_name(item.source, item.topic), item) for item in items]
    return [cloud_events.to_record(item.to_cloud_event(ids[topic]), topic) for topic, item in named]


def drain(intake: Intake, subscription: Subscription, audit: Audit, size: int) -> None:
    def reached() -> bool:
        intake.step(subscription)
        with audit.reading() as connection:
            return queries.size(connection) >= size

    wait_until(reached, what=f"a log of {size}")


def test_rows_of_many_keys_arrive_scrambled_and_enter_in_order(
    audit: Audit, rows: MakeRows, postgres_bus: Bus, subscription: Subscription
) -> None:
    dice = random.Random(3)
    items = [
        item
        for source in ("allocation", "beneficiaries")
        for position in range(1, 801)
        for item in rows(
            source, position, position, key=f"K{dice.randrange(50)}", topic=dice.choice(["events", "trail"])
        )
    ]
    postgres_bus.publish(records(postgres_bus, items))
    drain(Intake(SERVICES, postgres_bus, audit.unit_of_work), subscription, audit, 1600)
    with audit.reading() as connection:
        stored = {(lane.source, position): leaf for _, lane, position, leaf in placed_leaves(connection)}
    assert stored == {(item.source, item.position): item.leaf() for item in items}
    assert audit.findings() == []


def test_everything_consumed_again_from_the_beginning_changes_nothing(
    audit: Audit, rows: MakeRows, postgres_bus: Bus, subscription: Subscription
) -> None:
    postgres_bus.publish(records(postgres_bus, rows("portal", 1, 300)))
    intake = Intake(SERVICES, postgres_bus, audit.unit_of_work)
    drain(intake, subscription, audit, 300)
    subscription.seek_to_beginning()
    postgres_bus.publish(records(postgres_bus, [*rows("portal", 1, 300), *rows("portal", 301, 301)]))
    drain(intake, subscription, audit, 301)
    with audit.reading() as connection:
        assert queries.size(connection) == 301
    assert audit.findings() == []


def test_topics_that_were_recreated_are_read_from_their_beginning(
    audit: Audit, rows: MakeRows, postgres_bus: Bus
) -> None:
    postgres_bus.ensure_topics(TOPICS)
    postgres_bus.publish(records(postgres_bus, rows("portal", 1, 50)))
    first = postgres_bus.subscribe("audit", TOPICS)
    drain(Intake(SERVICES, postgres_bus, audit.unit_of_work), first, audit, 50)
    first.close()
    postgres_bus.delete_topics(TOPICS)
    postgres_bus.ensure_topics(TOPICS)
    postgres_bus.publish(records(postgres_bus, rows("portal", 1, 60)))
    second = postgres_bus.subscribe("audit", TOPICS)
    drain(Intake(SERVICES, postgres_bus, audit.unit_of_work), second, audit, 60)
    second.close()
    with audit.reading() as connection:
        assert queries.size(connection) == 60


def test_a_record_that_cannot_be_read_stops_nothing_else(
    audit: Audit, rows: MakeRows, postgres_bus: Bus, subscription: Subscription
) -> None:
    postgres_bus.publish([Record("portal.events.v1", "K", (), b"\xff not an event")])
    postgres_bus.publish(records(postgres_bus, rows("portal", 1, 3, key="K")))
    drain(Intake(SERVICES, postgres_bus, audit.unit_of_work), subscription, audit, 3)


def test_data_that_is_no_json_is_logged_and_not_searched(audit: Audit, rows: MakeRows) -> None:
    (item,) = rows("portal", 1, 1)
    strange = Envelope(**{name: getattr(item, name) for name in item._fields} | {"data": b"\xff{"})
    audit.take(strange)
    audit.index()
    assert audit.findings() == []


def test_the_services_own_journal_takes_the_same_way(audit: Audit, postgres_bus: Bus) -> None:
    clock = SystemClock()
    with audit.unit_of_work.begin(Act("inspector-1", clock.now())) as work:
        for number in range(20):
            work.record(SearchPerformed("inspector-1", "entries", {}, number), Topic.TRAIL)
    loops = {
        "relay": Relay("audit", audit.unit_of_work.engine, postgres_bus, clock).run,
        "intake": Intake(SERVICES, postgres_bus, audit.unit_of_work).run,
        "signing": Signing(audit.unit_of_work, audit.signer, audit.folder).run,
        "indexing": Indexing(audit.unit_of_work).run,
    }
    stop = threading.Event()
    threads = [threading.Thread(target=loop, args=(stop,)) for loop in loops.values()]
    for thread in threads:
        thread.start()

    def caught_up() -> bool:
        with audit.reading() as connection:
            checkpoint = queries.newest_checkpoint(connection)
            indexed = connection.scalar(text("SELECT indexed FROM search_cursor"))
            return checkpoint is not None and (checkpoint.size, indexed) == (20, 20)

    try:
        wait_until(caught_up, what="twenty rows signed and indexed")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    with audit.reading() as connection:
        journal = positions.page(connection, "audit", positions.Cursor(0, 0), 2**60, 100)
        leaves = [leaf for _, _, _, leaf in placed_leaves(connection)]
    assert leaves == [item.leaf() for _, item in journal]
    assert audit.findings() == []
