"""The workers of beneficiaries: relay and consumer in one process, jobs in another."""

from __future__ import annotations

from services.beneficiaries import parts
from services.beneficiaries.lists import handlers as lists
from services.beneficiaries.lists.jobs import InstructListJob
from services.beneficiaries.openings import jobs as openings
from services.beneficiaries.payroll import handlers as payroll
from services.beneficiaries.payroll.jobs import PayrollJob
from services.beneficiaries.reconciliation import handlers as reconciliation
from services.beneficiaries.reconciliation.jobs import ReconcileStatementJob, TellOutcomesJob
from services.beneficiaries.register import jobs as register
from services.beneficiaries.register.handlers import Registrar
from services.beneficiaries.register.model import ENTER, READ
from services.beneficiaries.units.handlers import keep_units
from shared.jobs.runner import Job, Runner
from shared.process import run_loops
from shared.service import make_unit_of_work
from shared.settings import Settings
from shared.worker import consumer_loop, relay_loop, worker_bus

TOPICS = ("allocation.events.v1",)
HANDLERS = {
    "vn.fundtrail.units.loaded.v1": keep_units,
    "vn.fundtrail.funds.held.v1": lists.funds_held,
    "vn.fundtrail.funds.refused.v1": lists.funds_refused,
    "vn.fundtrail.funds.drawn.v1": lists.funds_drawn,
    "vn.fundtrail.funds.voided.v1": lists.funds_voided,
    "vn.fundtrail.funds.withdrawal_too_late.v1": lists.withdrawal_too_late,
    "vn.fundtrail.funds.list_closed.v1": lists.list_closed,
    "vn.fundtrail.funds.close_refused.v1": lists.close_refused,
}


def run(settings: Settings) -> int:
    """The exit status of the worker process: relay and consumer."""
    unit_of_work = make_unit_of_work("beneficiaries", "worker", settings)
    with worker_bus("beneficiaries", settings) as bus:
        loops = {
            "relay": relay_loop("beneficiaries", unit_of_work, bus),
            "consumer": consumer_loop("beneficiaries", unit_of_work, bus, TOPICS, HANDLERS),
        }
        return run_loops(loops, settings.host, settings.health_port)


def run_jobs(settings: Settings) -> int:
    """The exit status of the jobs process."""
    unit_of_work = make_unit_of_work("beneficiaries", "jobs", settings)
    documents = parts.documents(settings)
    kinds: dict[str, Job] = {
        READ: register.ImportPersonsJob(documents, Registrar(parts.sealer(settings))),
        ENTER: register.EnterRegistrationJob(),
        openings.KIND: openings.ImportOpeningJob(documents),
        payroll.KIND: PayrollJob(unit_of_work),
        lists.INSTRUCT: InstructListJob(),
        reconciliation.KIND: ReconcileStatementJob(documents),
        reconciliation.TELL: TellOutcomesJob(),
    }
    return run_loops({"jobs": Runner(unit_of_work, kinds).run}, settings.host, settings.health_port)
