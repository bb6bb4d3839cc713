"""Handlers that take a batch at once keep every promise of those that take one message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from shared.bus.port import Bus
from shared.db.unit_of_work import Work
from shared.inbox import consumer as consumer_module
from shared.inbox import operations
from shared.inbox.consumer import CRASHES_MAX, Handler
from shared.inbox.handling import Caused, Together
from shared.journal.envelope import Envelope
from shared.kernel.errors import Rejected, Unavailable
from shared.testing.waiting import wait_until
from tests.integration.shared.conftest import Counted
from tests.integration.shared.inbox.conftest import COUNTED, Receiver, Sender, refuse

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk

PAINTED = "vn.fundtrail.toys.painted.v1"


@dataclass
class Gatherer(Receiver):
    """A consumer whose handler writes all its effects by one statement; another type goes one by one."""

    batches: list[list[int]] = field(default_factory=list)

    def handlers(self) -> Mapping[str, Handler]:
        return {COUNTED: Together(self._gather), PAINTED: self._paint}

    def _gather(self, caused: Sequence[Caused]) -> None:
        values = [one.item.payload()["value"] for one in caused]
        self.batches.append(values)
        caused[0].work.connection.execute(
            text(
                "INSERT INTO effects (key, value) SELECT * FROM unnest(CAST(:keys AS text[]), "
                "CAST(:values AS bigint[]))"
            ),
            {"keys": [one.item.key for one in caused], "values": values},
        )
        for one, value in zip(caused, values, strict=True):
            one.work.record(Counted(one.item.key, value))
            if value in self.trouble:
                self.trouble[value]()

    def _paint(self, work: Work, item: Envelope) -> None:
        value = item.payload()["value"]
        self.batches.append([-value])
        work.connection.execute(
            text("INSERT INTO effects (key, value) VALUES (:key, :value)"), {"key": item.key, "value": value}
        )

    def tell(self, *values: int, key: str = "a", **changes: str) -> list[Envelope]:
        return [self.sender.event(self.desk, key, value, **changes) for value in values]


@pytest.fixture
def gatherer(desk: Desk, postgres_bus: Bus) -> Iterator[Gatherer]:
    """A consumer of batches on the PostgreSQL bus."""
    made = Gatherer(desk, postgres_bus, Sender(postgres_bus, f"from{desk.name}"))
    yield made
    made.close()


def test_a_batch_is_handed_over_at_once_in_its_order_and_each_message_once(gatherer: Gatherer) -> None:
    items = gatherer.tell(1, 2, 3)
    gatherer.sender.send(*items, *items[:2])
    gatherer.take(5)
    assert gatherer.batches == [[1, 2, 3]]
    gatherer.again_from_the_beginning(5)
    assert gatherer.effects == [("a", 1), ("a", 2), ("a", 3)]


def test_other_types_between_keep_their_place(gatherer: Gatherer) -> None:
    gatherer.sender.send(
        *gatherer.tell(1, 2),
        *gatherer.tell(3, type=PAINTED),
        *gatherer.tell(4),
        *gatherer.tell(5, type=PAINTED),
    )
    gatherer.take(5)
    assert gatherer.batches == [[1, 2], [-3], [4], [-5]]
    assert [value for _, value in gatherer.effects] == [1, 2, 3, 4, 5]


def test_what_each_message_of_a_batch_causes_points_back_to_it(gatherer: Gatherer) -> None:
    items = [*gatherer.tell(1, unit="u-1", correlation="c-1"), *gatherer.tell(2)]
    gatherer.sender.send(*items)
    gatherer.take(2)
    rows = gatherer.desk.rows("SELECT causation, correlation, unit, actor FROM journal ORDER BY seq")
    actor = f"system:{gatherer.desk.name}"
    assert [tuple(row) for row in rows] == [
        (items[0].id, "c-1", "u-1", actor),
        (items[1].id, items[1].id, None, actor),
    ]


def test_a_message_that_is_refused_in_a_batch_stops_its_key_and_no_other(gatherer: Gatherer) -> None:
    gatherer.trouble[2] = refuse
    gatherer.sender.send(*gatherer.tell(1, 2, 3), *gatherer.tell(9, key="b"))
    gatherer.take(4)
    assert sorted(gatherer.effects) == [("a", 1), ("b", 9)]
    assert gatherer.quarantined() == [("a", "rejected", "not_wanted"), ("a", "behind", "behind")]
    assert gatherer.desk.one("SELECT count(*) FROM journal") == 2, "nothing is left of the batch that failed"


def test_a_retry_takes_them_one_by_one(gatherer: Gatherer) -> None:
    gatherer.trouble[2] = refuse
    gatherer.sender.send(*gatherer.tell(1, 2, 3))
    gatherer.take(3)
    desk = gatherer.desk
    number = desk.one("SELECT min(number) FROM quarantine")
    with pytest.raises(Rejected, match="not_wanted"):
        operations.retry(desk.unit_of_work, desk.name, gatherer.handlers(), number, desk.act)
    gatherer.trouble.clear()
    retried = operations.retry(desk.unit_of_work, desk.name, gatherer.handlers(), number, desk.act)
    assert (retried.count, gatherer.effects) == (2, [("a", 1), ("a", 2), ("a", 3)])


def test_a_bug_is_put_aside_at_its_third_crash_and_the_rest_goes_on(gatherer: Gatherer) -> None:
    def crash() -> None:
        raise ZeroDivisionError("a bug")

    gatherer.trouble[2] = crash
    gatherer.sender.send(*gatherer.tell(1, 2), *gatherer.tell(9, key="b"))
    for _ in range(CRASHES_MAX - 1):
        gatherer.start()
        with pytest.raises(ZeroDivisionError):
            wait_until(gatherer.step, what="the crash")
    gatherer.start()
    gatherer.take(3)
    assert sorted(gatherer.effects) == [("a", 1), ("b", 9)]
    assert gatherer.quarantined() == [("a", "rejected", "bug")]


def test_a_part_that_is_away_makes_the_whole_batch_wait(
    gatherer: Gatherer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "RETRY_S", 0.01)
    failures = iter([Unavailable("away")])

    def fail() -> None:
        for failure in failures:
            raise failure

    gatherer.trouble[2] = fail
    gatherer.sender.send(*gatherer.tell(1, 2, 3))
    gatherer.take(3)
    assert gatherer.batches == [[1, 2, 3], [1, 2, 3]]
    assert gatherer.effects == [("a", 1), ("a", 2), ("a", 3)]


@pytest.mark.parametrize("name", ['with "quotes"', "back\\slash", "{a,b}", "NULL", "Đoàn", " "])
def test_a_message_of_any_name_takes_effect_once(gatherer: Gatherer, name: str) -> None:
    items = [*gatherer.tell(1, id=name), *gatherer.tell(2, id=name + "'")]
    gatherer.sender.send(*items, *items)
    gatherer.take(4)
    gatherer.again_from_the_beginning(4)
    assert gatherer.effects == [("a", 1), ("a", 2)]
    assert gatherer.desk.one("SELECT count(*) FROM inbox WHERE event_id = :name", name=name) == 1
