"""The worker of allocation: relay and consumer."""

from __future__ import annotations

from collections.abc import Mapping

from services.allocation.funding import answers
from services.allocation.funding import handlers as funding
from shared.inbox.consumer import Handler
from shared.process import run_loops
from shared.service import make_unit_of_work
from shared.settings import Settings
from shared.worker import consumer_loop, relay_loop, worker_bus

TOPICS = ("beneficiaries.events.v1",)
HANDLERS: Mapping[str, Handler] = {
    "vn.fundtrail.lists.approved.v1": funding.hold_funds,
    "vn.fundtrail.lists.withdrawal_requested.v1": funding.withdraw_list,
    answers.SETTLED: answers.post_answers,
    answers.RETURNED: answers.post_answers,
    "vn.fundtrail.payments.returned_late.v1": answers.post_returned_late,
    "vn.fundtrail.lists.closed.v1": funding.close_list,
}


def run(settings: Settings) -> int:
    """The exit status once the worker was told to stop, or crashed."""
    unit_of_work = make_unit_of_work("allocation", "worker", settings)
    with worker_bus("allocation", settings) as bus:
        loops = {
            "relay": relay_loop("allocation", unit_of_work, bus),
            "consumer": consumer_loop("allocation", unit_of_work, bus, TOPICS, HANDLERS),
        }
        return run_loops(loops, settings.host, settings.health_port)
