"""Both adapters of the bus, and topics of each test's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from deploy.local.provisioning import Addresses
from shared.bus.open import open_bus
from shared.bus.port import Bus


@pytest.fixture(params=["postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
def bus_url(request: pytest.FixtureRequest) -> str:
    if request.param == "kafka":
        url: str = request.getfixturevalue("kafka_url")
        return url
    empty_database: Callable[[str], Addresses] = request.getfixturevalue("empty_database")
    return empty_database("bus").owner


@pytest.fixture
def bus(bus_url: str) -> Iterator[Bus]:
    opened = open_bus(bus_url, "contract")
    yield opened
    opened.close()


@pytest.fixture
def other_bus(bus_url: str) -> Iterator[Bus]:
    """A second client of the same bus."""
    opened = open_bus(bus_url, "contract-other")
    yield opened
    opened.close()


@pytest.fixture
def topic(bus: Bus) -> Iterator[str]:
    name = f"{uuid.uuid4().hex}.events.v1"
    bus.ensure_topics([name], partitions=4)
    yield name
    bus.delete_topics([name])


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4().hex}"
