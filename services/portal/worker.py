"""The portal's worker: relay, consumer, and what forgets expired files."""

from __future__ import annotations

from services.portal.listening import HANDLERS, TOPICS
from services.portal.uploads.forgetting import forgetting_loop
from shared.process import run_loops
from shared.service import make_unit_of_work
from shared.settings import Settings
from shared.worker import consumer_loop, relay_loop, sign_of, worker_bus


def run(settings: Settings) -> int:
    """The exit status once the worker was told to stop, or crashed."""
    unit_of_work = make_unit_of_work("portal", "worker", settings)
    with worker_bus("portal", settings) as bus:
        loops = {
            "relay": relay_loop("portal", unit_of_work, bus),
            "consumer": consumer_loop("portal", unit_of_work, bus, TOPICS, HANDLERS),
            "forgetting": forgetting_loop(unit_of_work),
        }
        sign = sign_of("worker", unit_of_work, settings)
        return run_loops(loops, settings.host, settings.health_port, sign)
