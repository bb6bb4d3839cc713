"""The figure of the bus: topics may be read again from the first record, deleted and made anew at any time.

Relay and consumers run all the while; in the end every event has taken effect exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from deploy.local.provisioning import Addresses
from shared.journal.relay import topics_of
from shared.testing.waiting import wait_until
from tests.integration.figures.pair import Pair

EVENTS = 140


BUSES = ["postgres", pytest.param("kafka", marks=pytest.mark.kafka)]
AT_LENGTH = ["postgres", pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.full])]


@pytest.fixture(params=BUSES)
def pair(
    request: pytest.FixtureRequest,
    database: Callable[[str], Addresses],
    empty_database: Callable[[str], Addresses],
) -> Iterator[Pair]:
    url = request.getfixturevalue("kafka_url") if request.param == "kafka" else empty_database("bus").owner
    made = Pair(database("portal"), database("beneficiaries"), url)
    yield made
    made.close()


def test_topics_deleted_while_all_run_lose_nothing_and_repeat_nothing(pair: Pair) -> None:
    pair.start()
    pair.tell(0, 60)
    pair.wait_for(60)
    pair.other_bus.delete_topics(topics_of(pair.name))
    pair.tell(60, 100)
    pair.other_bus.ensure_topics(topics_of(pair.name))
    pair.tell(100, EVENTS)
    pair.wait_for(EVENTS)
    pair.ensure_each_once_and_in_order(EVENTS)


def test_reading_everything_again_from_the_first_record_changes_nothing(pair: Pair) -> None:
    pair.start()
    pair.tell(0, 100)
    pair.wait_for(100)
    for _ in range(2):
        pair.forget_offsets()
        wait_until(lambda: looked_again(pair), timeout_s=60, what="reading again")
    pair.tell(100, EVENTS)
    pair.wait_for(EVENTS)
    pair.ensure_each_once_and_in_order(EVENTS)


def looked_again(pair: Pair) -> bool:
    with pair.owner.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM inbox_topics")))


@pytest.mark.parametrize("pair", AT_LENGTH, indirect=True)  # each time takes Kafka's clients 18 s to notice
def test_topics_deleted_again_and_again_still_lose_nothing(pair: Pair) -> None:
    pair.start()
    for turn in range(4):
        pair.tell(turn * 35, turn * 35 + 35)
        if turn < 3:
            pair.wait_for(turn * 35 + 5)
            pair.other_bus.delete_topics(topics_of(pair.name))
    pair.wait_for(EVENTS)
    pair.ensure_each_once_and_in_order(EVENTS)
