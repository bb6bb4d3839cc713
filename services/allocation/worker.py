"""The worker of allocation: relay."""

from __future__ import annotations

from shared.process import run_loops
from shared.service import make_unit_of_work, open_worker_bus, relay_loop
from shared.settings import Settings


def run(settings: Settings) -> int:
    """The exit status of the worker process."""
    unit_of_work = make_unit_of_work("allocation", "worker", settings)
    bus = open_worker_bus("allocation", settings)
    return run_loops(
        {"relay": relay_loop("allocation", unit_of_work, bus)}, settings.host, settings.health_port
    )
