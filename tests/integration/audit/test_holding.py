"""Rows that come before their turn: in memory while the bus would give them again, then staged."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from services.audit.config import SERVICES
from services.audit.log import handlers, loops, model, queries, store
from services.audit.log.loops import Intake
from services.audit.search import handlers as search
from shared.bus import cloud_events
from shared.bus.port import Bus, Subscription
from shared.journal.envelope import Envelope
from shared.journal.relay import topic_name, topics_of
from shared.testing.waiting import wait_until

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit

MakeEnvelope = Callable[..., Envelope]
MakeRows = Callable[..., list[Envelope]]

TOPICS = [topic for service in SERVICES for topic in topics_of(service)]


def publish(bus: Bus, *items: Envelope) -> None:
    bus.ensure_topics(TOPICS)
    ids = bus.topic_ids(TOPICS)
    named = [(topic_name(item.source, item.topic), item) for item in items]
    bus.publish([cloud_events.to_record(item.to_cloud_event(ids[topic]), topic) for topic, item in named])


def staged(audit: Audit) -> list[int]:
    with audit.reading() as connection:
        return list(connection.scalars(text("SELECT position FROM log_staged ORDER BY position")))


def size(audit: Audit) -> int:
    with audit.reading() as connection:
        return queries.size(connection)


def begun(audit: Audit, bus: Bus) -> tuple[Intake, Subscription]:
    """An intake as a process that was just started has it; what is on the bus comes with its first steps."""
    bus.ensure_topics(TOPICS)
    return Intake(SERVICES, bus, audit.unit_of_work), bus.subscribe("audit", TOPICS)


def test_what_waits_in_memory_comes_again_after_a_crash(
    audit: Audit, rows: MakeRows, postgres_bus: Bus
) -> None:
    publish(postgres_bus, *rows("portal", 2, 5))
    intake, subscription = begun(audit, postgres_bus)
    with closing(subscription):
        wait_until(lambda: intake.step(subscription) or intake._held, what="early rows in memory")
        assert (staged(audit), size(audit)) == ([], 0)
    publish(postgres_bus, *rows("portal", 1, 1))
    intake, subscription = begun(audit, postgres_bus)
    with closing(subscription):
        wait_until(lambda: intake.step(subscription) + size(audit) >= 5, what="all five")
    assert audit.findings() == []


def test_what_waits_is_staged_and_acknowledged_once_the_bus_has_nothing_more(
    audit: Audit, rows: MakeRows, postgres_bus: Bus
) -> None:
    publish(postgres_bus, *rows("portal", 2, 5))
    intake, subscription = begun(audit, postgres_bus)
    with closing(subscription):
        wait_until(lambda: intake.step(subscription) or staged(audit), what="staged rows")
    assert staged(audit) == [2, 3, 4, 5]
    publish(postgres_bus, *rows("portal", 1, 1))
    intake, subscription = begun(audit, postgres_bus)
    with closing(subscription):
        grown: list[int] = []
        wait_until(lambda: grown.append(intake.step(subscription)) or sum(grown) == 5, what="all five")
        assert not intake._held, "what was acknowledged did not come again"
    assert staged(audit) == []


@pytest.mark.parametrize("limit", ["HELD_BYTES_MAX", "ACKNOWLEDGE_WITHIN_S"])
def test_memory_and_time_without_an_acknowledgement_are_bounded(
    audit: Audit, rows: MakeRows, postgres_bus: Bus, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(loops, limit, -1)
    publish(postgres_bus, *rows("portal", 2, 5))
    intake, subscription = begun(audit, postgres_bus)
    with closing(subscription):
        wait_until(lambda: intake.step(subscription) or staged(audit) or intake._held, what="early rows")
        assert not intake._held
    assert staged(audit)[0] == 2


def test_nothing_is_acknowledged_while_anything_waits_in_memory(
    audit: Audit, rows: MakeRows, postgres_bus: Bus
) -> None:
    publish(postgres_bus, *rows("portal", 1, 3), *rows("allocation", 2, 3))
    intake, subscription = begun(audit, postgres_bus)
    with closing(subscription):
        wait_until(lambda: intake.step(subscription) or intake._held, what="what waits")
        assert size(audit) == 3
    intake, subscription = begun(audit, postgres_bus)
    with closing(subscription):
        wait_until(lambda: intake.step(subscription) or staged(audit), what="the two that waited")
    assert (size(audit), staged(audit)) == (3, [2, 3])


def test_rows_in_memory_and_staged_ones_follow_each_other(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 3, 4), *rows("portal", 7, 8))
    held = model.Early()
    for items in (rows("portal", 2, 2), rows("portal", 5, 6), rows("portal", 9, 9)):
        with audit.unit_of_work.begin(audit.act) as work:
            handlers.take(work, [model.arrival_of(item) for item in items], held)
    grown, more, arrivals = 0, True, [model.arrival_of(item) for item in rows("portal", 1, 1)]
    while more:
        with audit.unit_of_work.begin(audit.act) as work:
            taken = handlers.take(work, arrivals, held)
        grown, more, arrivals = grown + taken.entries, taken.more, []
    assert (grown, bool(held), staged(audit)) == (9, False, [])
    assert audit.findings() == []


def test_a_row_is_staged_once_however_often_it_comes(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 2, 5))
    audit.take(*rows("portal", 3, 7))
    assert staged(audit) == [2, 3, 4, 5, 6, 7]


def test_staged_rows_that_came_another_way_meanwhile_are_dropped(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 2, 5))
    assert audit.take(*rows("portal", 1, 9)) == 9
    assert staged(audit) == []


@pytest.mark.parametrize("limit", ["STAGED_ROWS_PAGE", "STAGED_BYTES_PAGE"])
def test_staged_rows_follow_in_pages(
    audit: Audit, rows: MakeRows, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(store, limit, 7 if limit == "STAGED_ROWS_PAGE" else 1_000)
    audit.take(*rows("portal", 2, 50))
    pages = []
    arrivals = [model.arrival_of(item) for item in rows("portal", 1, 1)]
    while not pages or pages[-1].more:
        with audit.unit_of_work.begin(audit.act) as work:
            pages.append(handlers.take(work, arrivals))
        arrivals = []
    assert sum(page.entries for page in pages) == 50
    assert max(page.entries for page in pages) <= 8
    assert audit.findings() == []


def test_the_index_is_filled_in_pages_of_a_size(
    audit: Audit, envelope: MakeEnvelope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PAGE_BYTES", 300_000)
    large = {"note": "x" * 200_000, "person_id": "P1"}
    audit.take(*(envelope("portal", position, data=large) for position in range(1, 9)))
    steps = []
    while not steps or steps[-1]:
        steps.append(search.Indexing(audit.unit_of_work).step())
    assert sum(steps) == 8
    assert max(steps) == 2, "a pack of 256 KiB holds two of them"
    assert audit.findings() == []


def test_the_data_of_any_entries_are_read_from_the_packs_of_many_commits(
    audit: Audit, rows: MakeRows
) -> None:
    for first, last in ((1, 1), (2, 3), (4, 300), (301, 301), (302, 700)):
        audit.take(*rows("portal", first, last))
    with audit.reading() as connection:
        assert queries.data(connection, [0, 1, 2, 255, 256, 299, 300, 301, 699, 700, 900]) == {
            index: b'{"number":%d}' % (index + 1) for index in (0, 1, 2, 255, 256, 299, 300, 301, 699)
        }
        assert queries.data(connection, []) == {}
        assert len(queries.data(connection, range(700))) == 700
