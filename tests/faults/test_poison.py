"""Events that can never take effect, among thousands that can: they are put aside and stop nobody else."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from deploy.local.provisioning import Addresses
from shared.bus.open import open_bus
from shared.bus.port import Bus
from shared.db.unit_of_work import Work
from shared.inbox.consumer import CRASHES_MAX, Consumer
from shared.journal.envelope import Envelope
from shared.kernel.clock import FixedClock
from shared.kernel.errors import Rejected
from shared.testing.waiting import wait_until
from tests.faults.campaign import seed
from tests.integration.shared.conftest import NOON, Counted, Desk, _with_table
from tests.integration.shared.inbox.conftest import COUNTED, Sender

KEYS = 100
REFUSED, BROKEN = -1, -2
SIZES = [pytest.param(300, id="300"), pytest.param(10_000, id="10,000", marks=pytest.mark.full)]


@pytest.fixture(params=["postgres", pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.full])])
def bus(request: pytest.FixtureRequest, empty_database: Callable[[str], Addresses]) -> Iterator[Bus]:
    url = request.getfixturevalue("kafka_url") if request.param == "kafka" else empty_database("bus").owner
    made = open_bus(url, "faults")
    yield made
    made.close()


@pytest.fixture
def desk(database: Callable[[str], Addresses]) -> Iterator[Desk]:
    made = _with_table(Desk(database("beneficiaries"), FixedClock(NOON)))
    yield made
    for engine in made.opened:
        engine.dispose()


def handle(work: Work, item: Envelope) -> None:
    """An effect and a row of the own journal, as every handler leaves them; some values are never taken."""
    value = item.payload()["value"]
    if value == REFUSED:
        raise Rejected("not_wanted", "This value is not wanted here.")
    if value == BROKEN:
        raise RuntimeError("a bug")
    work.connection.execute(
        text("INSERT INTO effects (key, value) VALUES (:key, :value)"), {"key": item.key, "value": value}
    )
    work.record(Counted(item.key, value))


def poisoned(sender: Sender, desk: Desk) -> dict[str, Envelope]:
    """An event of each kind that cannot take effect, by the code with which it must be put aside."""
    return {
        "event_version_unknown": sender.event(desk, "p-version", 0, type=COUNTED.replace("v1", "v2")),
        "envelope_too_large": sender.event(desk, "p-large", 0, correlation="x" * 70_000),
        "event_malformed": sender.event(desk, "p-torn", 0, data=b"{" * 1_000_000),
        "not_wanted": sender.event(desk, "p-refused", REFUSED),
        "bug": sender.event(desk, "p-bug", BROKEN),
    }


def consume(consumer: Consumer, done: Callable[[], bool]) -> int:
    """How often the process ended by a crash until all was done; each time it begins again."""
    stop, crashes = threading.Event(), 0

    def lives() -> None:
        nonlocal crashes
        while not stop.is_set():
            try:
                consumer.run(stop)
            except RuntimeError:
                crashes += 1

    thread = threading.Thread(target=lives, daemon=True)
    thread.start()
    try:
        wait_until(done, 240, "every effect and every poison put aside")
    finally:
        stop.set()
        thread.join(30)
    return crashes


@pytest.mark.parametrize("others", SIZES)
@pytest.mark.timeout(300)
def test_poison_among_thousands_is_put_aside_with_its_reason_and_stops_no_other_key(
    bus: Bus, desk: Desk, others: int
) -> None:
    sender, dice = Sender(bus, f"from{desk.name}"), random.Random(seed())
    stream = [sender.event(desk, f"key-{number % KEYS}", number) for number in range(others)]
    poison = poisoned(sender, desk)
    for item in poison.values():
        later = sender.event(desk, item.key, 0)._replace(key=item.key)
        place = dice.randrange(len(stream))
        stream[place:place] = [item, later]
    for start in range(0, len(stream), 500):
        sender.send(*stream[start : start + 500])
    consumer = Consumer(desk.name, bus, [sender.topic], desk.unit_of_work, {COUNTED: handle})

    def done() -> bool:
        aside = desk.one("SELECT count(*) FROM quarantine")
        return desk.one("SELECT count(*) FROM effects") + aside >= len(stream)

    crashes = consume(consumer, done)
    assert crashes == CRASHES_MAX - 1, "a bug ends its process until it is put aside"
    effects = desk.rows("SELECT key, value FROM effects ORDER BY number")
    assert sorted(row.value for row in effects) == list(range(others))
    for key in range(KEYS):
        values = [row.value for row in effects if row.key == f"key-{key}"]
        assert values == sorted(values), "the order of a key was lost"
    aside = desk.rows("SELECT key, code, message FROM quarantine WHERE state = 'rejected'")
    assert {row.code: row.key for row in aside} == {code: item.key for code, item in poison.items()}
    assert all(row.message for row in aside)
    behind = desk.rows("SELECT key FROM quarantine WHERE state = 'behind'")
    assert sorted(row.key for row in behind) == sorted(item.key for item in poison.values())
