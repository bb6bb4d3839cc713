"""A month's topics are read again from the first record, in order and shuffled: no row changes anywhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import create_engine, text

from services.allocation import listening as allocation
from services.audit.config import SERVICES
from services.audit.log.loops import Intake
from services.beneficiaries import listening as beneficiaries
from shared.bus.open import open_bus
from shared.bus.port import Delivered
from shared.inbox.consumer import Consumer
from shared.journal.relay import topics_of
from shared.journal.republishing import REPUBLISH_REQUESTED, obey
from shared.worker import AUDIT_EVENTS
from tests.bench.province import Province
from tests.faults import report
from tests.faults.campaign import carry_out, province_of, say, seed, share_of
from tests.faults.edge import Edge, Given, everything_on, in_windows
from tests.faults.ground import Ground, open_ground

pytestmark = [pytest.mark.kafka, pytest.mark.full, pytest.mark.timeout(900)]

PEOPLE = 20_000
CONSUMERS = {
    "allocation": (allocation.TOPICS, allocation.HANDLERS),
    "beneficiaries": (beneficiaries.TOPICS, beneficiaries.HANDLERS),
}
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
CHECKSUM = """
    SELECT count(*) || ' ' || coalesce(md5(string_agg(row, '' ORDER BY row)), '')
    FROM (SELECT md5(t::text) AS row FROM {} t) AS rows
"""


@pytest.fixture
def ground() -> Iterator[Ground]:
    with open_ground() as made:
        yield made


def checksums(province: Province) -> dict[str, str]:
    """A checksum over the rows of every table of the three databases."""
    found = {}
    for service in ("allocation", "beneficiaries", "audit"):
        engine = create_engine(province.databases[service].reader)
        with engine.connect() as connection:
            for table in connection.scalars(text(TABLES)).all():
                found[f"{service}.{table}"] = str(connection.scalar(text(CHECKSUM.format(table))))
        engine.dispose()
    return found


def feed(step: Callable[[Given], object], given: Given) -> None:
    """The consumer takes everything that it is given."""
    while not given.exhausted:
        step(given)


def replay(province: Province, edge: Edge) -> None:
    """Both consumers and the log's intake take all records of their topics."""
    never = threading.Event()
    for service, (topics, handlers) in CONSUMERS.items():
        wanted = [*topics, AUDIT_EVENTS]
        every = {REPUBLISH_REQUESTED: obey(service), **handlers}
        consumer = Consumer(service, edge, wanted, province.work_of(service), every)  # type: ignore[arg-type]
        feed(lambda given, one=consumer: one.step(given, never), edge.subscribe(service, wanted))
    everything = [topic for service in SERVICES for topic in topics_of(service)]
    intake = Intake(SERVICES, edge, province.work_of("audit"))  # type: ignore[arg-type]
    feed(intake.step, edge.subscribe("audit", everything))


def forget_inboxes(province: Province) -> None:
    """As if nobody remembered what was received."""
    for service in CONSUMERS:
        engine = create_engine(province.databases[service].owner)
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM inbox"))
        engine.dispose()


def changed(before: dict[str, str], after: dict[str, str], but: Sequence[str] = ()) -> list[str]:
    """The tables whose rows are not what they were."""
    return [name for name in before if before[name] != after[name] and not name.endswith(tuple(but))]


def test_topics_read_again_in_order_and_shuffled_change_no_row(ground: Ground) -> None:
    number = seed()
    say(f"SEED={number}")
    with province_of(ground, share_of(PEOPLE), 1) as province:
        outcome = carry_out(province, {}, lambda done, _: done < 1)
        outcome.verdict.ensure_clean()
        bus = open_bus(ground.kafka_url, "faults")
        topics = [topic for service in SERVICES for topic in topics_of(service)]
        records: list[Delivered] = everything_on(bus, "faults-replay", topics)
        assert len(records) >= outcome.verdict.leaves
        before = checksums(province)
        for order in (records, records, in_windows(records, number)):
            replay(province, Edge(bus, order))
            assert changed(before, checksums(province)) == []
        forget_inboxes(province)
        replay(province, Edge(bus, records))
        assert changed(before, checksums(province), [".inbox"]) == [], (
            "without inboxes the acts know themselves"
        )
        bus.close()
    outcome.more = {"records": len(records)}
    report.keep(report.row_of("topics read again", number, outcome, 4, None))
