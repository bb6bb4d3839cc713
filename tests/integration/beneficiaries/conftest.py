"""The benefits office on a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from joserfc.jwk import ECKey, KeySet

from deploy.local.provisioning import Addresses
from deploy.oversight.invariants import invariants_of, places
from services.beneficiaries.channels.api import blueprint as channels
from services.beneficiaries.lists import handlers as lists_handlers
from services.beneficiaries.lists.api import blueprint as lists
from services.beneficiaries.lists.jobs import InstructListJob
from services.beneficiaries.openings import jobs as openings_jobs
from services.beneficiaries.openings.api import blueprint as openings
from services.beneficiaries.payroll import handlers as payroll_handlers
from services.beneficiaries.payroll.api import blueprint as payroll
from services.beneficiaries.payroll.jobs import PayrollJob
from services.beneficiaries.providers.api import blueprint as providers
from services.beneficiaries.rates.api import blueprint as rates
from services.beneficiaries.rates.handlers import load_rates
from services.beneficiaries.rates.published import published_rates
from services.beneficiaries.reconciliation import handlers as reconciliation_handlers
from services.beneficiaries.reconciliation.api import blueprint as reconciliation
from services.beneficiaries.reconciliation.jobs import ReconcileStatementJob, TellOutcomesJob
from services.beneficiaries.refusals import REFUSALS
from services.beneficiaries.register import jobs as register_jobs
from services.beneficiaries.register.api import blueprint as register
from services.beneficiaries.register.handlers import Registrar
from services.beneficiaries.register.model import ENTER, READ
from services.beneficiaries.reissues.api import blueprint as reissues
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.documents.store import DocumentStore
from shared.jobs.api import blueprint as jobs
from shared.jobs.runner import Job, Runner
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.sealing import Sealer
from shared.web.auth import TokenVerifier
from shared.web.context import Context
from tests.integration.beneficiaries.office import AUDIENCE, ISSUER, JULY_20, Office

BLUEPRINTS = (register, openings, payroll, lists, channels, reconciliation, reissues, rates, providers, jobs)


@pytest.fixture
def office(
    database: Callable[..., Addresses], application: Callable[..., Flask], tmp_path: Path
) -> Iterator[Office]:
    """An office that knows the rates and two districts, on 20/7/2024; its invariants hold afterwards."""
    with checked(database("beneficiaries", with_rates), application, tmp_path) as made:
        yield made


@contextmanager
def checked(addresses: Addresses, application: Callable[..., Flask], folder: Path) -> Iterator[Office]:
    """The office on a migrated database; every invariant holds when it closes."""
    clock, key = FixedClock(JULY_20), ECKey.generate_key("P-256", auto_kid=True)
    engine = make_engine(addresses.service, application="tests-office")
    owner = make_engine(addresses.owner, application="tests-office")
    unit_of_work = UnitOfWork(engine, clock, REFUSALS)
    documents, sealer = DocumentStore(folder, bytes(32)), Sealer(bytes(32))
    published = KeySet([key]).as_dict(private=False)
    verifier = TokenVerifier(ISSUER, AUDIENCE, lambda: published, clock)
    parts = {"documents": documents, "sealer": sealer}
    app = application(Context("beneficiaries", unit_of_work, verifier, clock, parts), BLUEPRINTS)
    kinds: dict[str, Job] = {
        READ: register_jobs.ImportPersonsJob(documents, Registrar(sealer)),
        ENTER: register_jobs.EnterRegistrationJob(),
        openings_jobs.KIND: openings_jobs.ImportOpeningJob(documents),
        payroll_handlers.KIND: PayrollJob(unit_of_work),
        lists_handlers.INSTRUCT: InstructListJob(),
        reconciliation_handlers.KIND: ReconcileStatementJob(documents),
        reconciliation_handlers.TELL: TellOutcomesJob(),
    }
    made = Office(app, unit_of_work, Runner(unit_of_work, kinds), owner, clock, key)
    made.load_units()
    yield made
    assert broken_rules(addresses.reader) == []
    engine.dispose()
    owner.dispose()


def with_rates(addresses: Addresses) -> None:
    engine = make_engine(addresses.service, application="tests-office")
    with UnitOfWork(engine, FixedClock(JULY_20)).begin(Act.system("beneficiaries", JULY_20)) as work:
        load_rates(work, published_rates())
    engine.dispose()


def broken_rules(reader: str) -> list[str]:
    """Every place where an invariant of the service does not hold, as its reader sees it."""
    engine = make_engine(reader, application="tests-office")
    with engine.connect() as connection:
        found = [
            str(place)
            for invariant in invariants_of("beneficiaries")
            for place in places("beneficiaries", connection, invariant)
        ]
    engine.dispose()
    return found
