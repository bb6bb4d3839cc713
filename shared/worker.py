"""What every worker is made of: a relay for its own journal and a consumer of other services' events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from shared.bus.open import open_bus
from shared.bus.port import Bus
from shared.db.unit_of_work import UnitOfWork
from shared.inbox.consumer import Consumer, Handler
from shared.journal.relay import Relay
from shared.journal.republishing import REPUBLISH_REQUESTED, obey
from shared.process import Loop, Sign
from shared.settings import Settings
from shared.signs.store import Signs

AUDIT_EVENTS = "audit.events.v1"


def relay_loop(service: str, unit_of_work: UnitOfWork, bus: Bus) -> Loop:
    """The loop that sends this service's journal."""
    return Relay(service, unit_of_work.engine, bus, unit_of_work.clock).run


def consumer_loop(
    service: str, unit_of_work: UnitOfWork, bus: Bus, topics: Sequence[str], handlers: Mapping[str, Handler]
) -> Loop:
    """The loop that takes other services' events, and the audit log's requests to send rows again."""
    wanted = [*topics, *([] if AUDIT_EVENTS in topics else [AUDIT_EVENTS])]
    every = {REPUBLISH_REQUESTED: obey(service), **handlers}
    return Consumer(service, bus, wanted, unit_of_work, every).run


def sign_of(role: str, unit_of_work: UnitOfWork, settings: Settings) -> Sign:
    """What leaves this process's signs of life in the database of its service."""
    return Signs(unit_of_work, role, settings.member or "").leave


@contextmanager
def worker_bus(service: str, settings: Settings) -> Iterator[Bus]:
    """The bus of one worker process, closed when its loops have ended."""
    bus = open_bus(settings.bus_url, f"{service}-worker", settings.member)
    try:
        yield bus
    finally:
        bus.close()
