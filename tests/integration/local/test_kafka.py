"""A broker of our own: it keeps what it confirmed, and its absence is noticed within bounds."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import RunningKafka, Tools, ensure_library, find_tools, library_folder, start_kafka
from deploy.local.keeper import free_port
from shared.bus.open import open_bus
from shared.bus.port import Record
from shared.kernel.errors import Unavailable
from shared.testing.waiting import wait_until
from tests.folders import fresh_folder

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(isinstance(find_tools(os.environ), str), reason="Java or Maven is not here"),
]
TOPIC = "allocation.events.v1"


@pytest.fixture
def state() -> Iterator[Path]:
    folder = fresh_folder("kafka")
    yield folder
    shutil.rmtree(folder)


def start(state: Path, ports: tuple[int, int]) -> RunningKafka:
    tools = find_tools(os.environ)
    assert isinstance(tools, Tools)
    library = ensure_library(library_folder(os.environ), tools, print)
    return start_kafka(state, ports, library, tools, state / "kafka.log")


def test_what_was_confirmed_outlives_a_kill_and_the_client_finds_its_way_back(state: Path) -> None:
    ports = free_port(), free_port()
    kafka = start(state, ports)
    bus = open_bus(kafka.url, "tests")
    bus.ensure_topics([TOPIC], partitions=2)
    ids = bus.topic_ids([TOPIC])
    subscription = bus.subscribe("group", [TOPIC])
    try:
        bus.publish([Record(TOPIC, f"key-{n}", (), f"before {n}".encode()) for n in range(100)])
        os.kill(kafka.process.pid, signal.SIGKILL)
        kafka.process.wait(10)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            bus.publish([Record(TOPIC, "key-1", (), b"lost")])
        with pytest.raises(Unavailable):
            bus.topic_ids([TOPIC])
        assert time.monotonic() - began < 45
        kafka = start(state, ports)
        assert bus.topic_ids([TOPIC]) == ids
        bus.publish([Record(TOPIC, "key-1", (), b"after")])
        values: set[bytes] = set()

        def everything_came() -> bool:
            values.update(one.value for one in subscription.poll(0.5))
            return {f"before {n}".encode() for n in range(100)} | {b"after"} <= values

        wait_until(everything_came, 60, "records from before and after the kill")
        subscription.acknowledge()
    finally:
        subscription.close()
        bus.close()
        kafka.stop()
