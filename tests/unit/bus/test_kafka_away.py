"""Where no Kafka answers, a client that could not begin leaves nothing behind in the process."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from deploy.local.keeper import free_port
from shared.bus import kafka
from shared.bus.kafka import KafkaBus
from shared.bus.port import Record
from shared.kernel.errors import Unavailable

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")
Attempt = Callable[[KafkaBus], object]


@pytest.mark.parametrize(
    "attempt",
    [
        lambda bus: bus.topic_ids(["allocation.events.v1"]),
        lambda bus: bus.publish([Record("allocation.events.v1", "key", (), b"{}")]),
        lambda bus: bus.subscribe("tests", ["allocation.events.v1"]),
        lambda bus: bus.last_records("allocation.events.v1"),
    ],
    ids=["administering", "publishing", "subscribing", "looking back"],
)
def test_an_attempt_that_fails_leaves_no_thread(monkeypatch: pytest.MonkeyPatch, attempt: Attempt) -> None:
    monkeypatch.setattr(kafka, "CONNECT_TIMEOUT_MS", 200)
    bus = KafkaBus([f"127.0.0.1:{free_port()}"], "away")
    before = set(threading.enumerate())
    with pytest.raises(Unavailable):
        attempt(bus)
    assert set(threading.enumerate()) <= before
    bus.close()
