"""The audit service's worker: relay of its own journal, intake of all, signing, indexing."""

from __future__ import annotations

from services.audit.config import SERVICES
from services.audit.log import keys
from services.audit.log.loops import Intake, Signing
from services.audit.search.handlers import Indexing
from shared.process import run_loops
from shared.service import make_unit_of_work
from shared.settings import Settings
from shared.worker import relay_loop, sign_of, worker_bus


def run(settings: Settings) -> int:
    """The exit status once the worker was told to stop, or crashed."""
    unit_of_work = make_unit_of_work("audit", "worker", settings)
    with worker_bus("audit", settings) as bus:
        signer = keys.load_signer(settings.keys_dir)
        loops = {
            "relay": relay_loop("audit", unit_of_work, bus),
            "intake": Intake(SERVICES, bus, unit_of_work).run,
            "signing": Signing(unit_of_work, signer, settings.keys_dir).run,
            "indexing": Indexing(unit_of_work).run,
        }
        sign = sign_of("worker", unit_of_work, settings)
        return run_loops(loops, settings.host, settings.health_port, sign)
