"""The workers of beneficiaries: relay and consumer in one process, jobs in another."""

from __future__ import annotations

from services.beneficiaries import parts
from services.beneficiaries.listening import HANDLERS, TOPICS
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
from shared.jobs.runner import Job, Runner
from shared.process import run_loops
from shared.service import make_unit_of_work
from shared.settings import Settings
from shared.worker import consumer_loop, relay_loop, sign_of, worker_bus


def run(settings: Settings) -> int:
    """The exit status of the worker process: relay and consumer."""
    unit_of_work = make_unit_of_work("beneficiaries", "worker", settings)
    with worker_bus("beneficiaries", settings) as bus:
        loops = {
            "relay": relay_loop("beneficiaries", unit_of_work, bus),
            "consumer": consumer_loop("beneficiaries", unit_of_work, bus, TOPICS, HANDLERS),
        }
        sign = sign_of("worker", unit_of_work, settings)
        return run_loops(loops, settings.host, settings.health_port, sign)


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
    loops = {"jobs": Runner(unit_of_work, kinds).run}
    return run_loops(loops, settings.host, settings.health_port, sign_of("jobs", unit_of_work, settings))
