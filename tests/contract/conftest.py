"""Payment events as they really come: recorded by the benefits office, sent by its relay to a real Kafka."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.local.scratch import ScratchDatabases
from shared.bus.open import open_bus
from shared.bus.port import Bus, Delivered, Record
from shared.db.engine import make_engine
from shared.journal.relay import Relay, topics_of
from shared.kernel import canonical
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id
from shared.testing.waiting import wait_until
from tests.contract.api.worlds import world_of
from tests.contract.published.payloads import Row, rows_of
from tests.contract.published.ways import of_beneficiaries

ONE_AT_A_TIME = Path(tempfile.gettempdir()) / "fundtrail-published-topics.lock"
SERVICE = "beneficiaries"
TOPIC = f"{SERVICE}.events.v1"
SETTLED = "vn.fundtrail.payments.settled.v1"


@dataclass
class Sent:
    """What stands on the topics of a service, and the way to send more."""

    servers: str
    rows: list[Row]
    bus: Bus

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of every payment event of a kind, in the order of the journal."""
        return [dict(row.data) for row in self.rows if row.type == f"vn.fundtrail.payments.{kind}.v1"]

    def send_again(self) -> None:
        """Every business fact comes a second time."""
        expected, found = sum(row.topic == "events" for row in self.rows), list[Delivered]()
        subscription = self.bus.subscribe(f"again-{new_id()}", [TOPIC])
        wait_until(lambda: found.extend(subscription.poll(1)) or len(found) >= expected, 60, "all are read")
        subscription.close()
        self.bus.publish([Record(one.topic, one.key, one.headers, one.value) for one in found])

    def send_from_the_future(self) -> list[str]:
        """The ids of payments, one behind the facts of each list, in events with fields not known today."""
        lists = {row.key: row for row in self.rows if row.type == SETTLED}
        payments = {key: str(new_id()) for key in lists}
        self.bus.publish([_from_the_future(lists[key], payment) for key, payment in payments.items()])
        return list(payments.values())


def _from_the_future(row: Row, payment: str) -> Record:
    item = {"payment_id": payment, "amount_vnd": 7, "colour": "red"}
    headers = {"ce_id": str(new_id()), "ce_type": row.type, "ce_flavour": "sweet"}
    encoded = tuple((name, text.encode()) for name, text in headers.items())
    return Record(
        TOPIC, row.key, encoded, canonical.encode({**row.data, "items": [item], "mood": {"good": True}})
    )


@pytest.fixture
def sent_payments(kafka_url: str, scratch: ScratchDatabases, tmp_path: Path) -> Iterator[Sent]:
    """A month of payments on the topics whose names are published; one test at a time has these topics."""
    with (
        ONE_AT_A_TIME.open("w") as lock,
        world_of(SERVICE, scratch, tmp_path) as world,
    ):
        of_beneficiaries(world)
        fcntl.flock(lock, fcntl.LOCK_EX)
        bus = open_bus(kafka_url, "published")
        engine = make_engine(
            world.caller.context.unit_of_work.engine.url.render_as_string(hide_password=False),
            application="relay",
        )
        with engine.connect() as connection:
            rows = rows_of(SERVICE, connection)
        relay, count = Relay(SERVICE, engine, bus, SystemClock()), []
        wait_until(lambda: count.append(relay.step()) or sum(count) == len(rows), 60, "all rows are sent")
        yield Sent(kafka_url.removeprefix("kafka://"), rows, bus)
        bus.delete_topics(topics_of(SERVICE))
        bus.close()
        engine.dispose()
