"""The worker of allocation: relay and consumer."""

from __future__ import annotations

from services.allocation.listening import HANDLERS, TOPICS
from shared.process import run_loops
from shared.service import make_unit_of_work
from shared.settings import Settings
from shared.worker import consumer_loop, relay_loop, sign_of, worker_bus


def run(settings: Settings) -> int:
    """The exit status once the worker was told to stop, or crashed."""
    unit_of_work = make_unit_of_work("allocation", "worker", settings)
    with worker_bus("allocation", settings) as bus:
        loops = {
            "relay": relay_loop("allocation", unit_of_work, bus),
            "consumer": consumer_loop("allocation", unit_of_work, bus, TOPICS, HANDLERS),
        }
        sign = sign_of("worker", unit_of_work, settings)
        return run_loops(loops, settings.host, settings.health_port, sign)
