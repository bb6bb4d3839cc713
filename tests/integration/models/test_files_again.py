"""A whole file that is sent again has no effect: nobody is registered twice and nothing is settled twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from deploy.local.provisioning import Addresses
from services.beneficiaries.reconciliation import handlers, store
from services.beneficiaries.reconciliation.jobs import ReconcileStatementJob, TellOutcomesJob
from services.beneficiaries.refusals import REFUSALS
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.documents.store import DocumentStore
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.errors import Conflict
from tests.bench.figures.statement import answer_to, fill_lists
from tests.bench.population import NOON
from tests.integration.beneficiaries.conftest import checked, with_rates
from tests.integration.beneficiaries.office import Office, person

FULL = pytest.mark.full
PATIENT = pytest.mark.timeout(900)
ACT = Act("officer", NOON)


@pytest.fixture
def office(
    database: Callable[..., Addresses], application: Callable[..., Flask], tmp_path: Path
) -> Iterator[Office]:
    with checked(database("beneficiaries", with_rates), application, tmp_path) as made:
        yield made


@pytest.fixture
def desk(database: Callable[..., Addresses], tmp_path: Path) -> Iterator[Desk]:
    addresses = database("beneficiaries")
    service = make_engine(addresses.service, application="tests-statement")
    owner = make_engine(addresses.owner, application="tests-statement")
    yield Desk(UnitOfWork(service, FixedClock(NOON), REFUSALS), owner, DocumentStore(tmp_path, bytes(32)))
    service.dispose()
    owner.dispose()


@dataclass
class Desk:
    """Takes statements and tells their outcomes, as the jobs do."""

    unit_of_work: UnitOfWork
    owner: Engine
    documents: DocumentStore

    def take(self, content: bytes) -> tuple[int, int]:
        """How many rows were matched, and how many were kept for a person."""
        work_of = self.unit_of_work
        units = [str(row.id) for row in self.rows("SELECT id FROM units")]
        document = self.documents.put(content)
        received = handlers.Received("POST-QNA", document, is_table=True)
        with work_of.begin(ACT) as work:
            statement_id, _ = handlers.receive_statement(work, received, units)
        named = {"statement_id": str(statement_id), "document": document, "format": handlers.TABLE}
        with work_of.begin(ACT) as work:
            ReconcileStatementJob(self.documents).step(work, {**named, "units": units}, None)
            lists = store.lists_answered(work.connection, statement_id)
        for list_id in lists:
            self._tell({**named, "list_id": str(list_id)})
        (row,) = self.rows(
            f"SELECT matched_count, unmatched_count FROM statements WHERE id = '{statement_id}'"
        )
        return row.matched_count, row.unmatched_count

    def effects(self) -> tuple[Any, ...]:
        """What there is of what a statement changes."""
        outcomes = "SELECT count(*), count(*) FILTER (WHERE kind = 'settled') FROM outcomes"
        told = "SELECT count(*) FROM journal WHERE type LIKE 'vn.fundtrail.payments.%'"
        return tuple(value for query in (outcomes, told) for value in self.rows(query)[0])

    def rows(self, query: str) -> Sequence[Any]:
        with self.owner.connect() as connection:
            return connection.execute(text(query)).all()

    def _tell(self, params: dict[str, Any]) -> None:
        checkpoint, finished = None, False
        while not finished:
            with self.unit_of_work.begin(ACT) as work:
                progress = TellOutcomesJob().step(work, params, checkpoint)
            checkpoint, finished = progress.checkpoint, progress.finished


@PATIENT
@pytest.mark.parametrize("lines", [300, pytest.param(100_000, marks=FULL)])
def test_a_statement_sent_again_settles_nothing(desk: Desk, lines: int) -> None:
    with desk.owner.connect() as owner:
        fill_lists(owner, lines)
        content = answer_to(owner, right=True)
    assert desk.take(content) == (lines, 0)
    before = desk.effects()
    assert before[0] == lines
    with pytest.raises(Conflict) as refused:
        desk.take(content)
    assert refused.value.code == "statement_repeated"
    assert desk.effects() == before
    head, *rows = content.splitlines(keepends=True)
    assert desk.take(head + b"".join(reversed(rows))) == (0, lines)
    assert desk.effects() == before


@PATIENT
@pytest.mark.parametrize("count", [20, pytest.param(5_000, marks=FULL)])
def test_a_register_sent_again_registers_nobody(office: Office, count: int) -> None:
    persons = [person(f"QN-{number}") for number in range(count)]
    assert office.import_persons(*persons)["fault_count"] == 0
    told = len(office.events("persons.registered"))
    again = office.import_persons(*persons)
    assert again["fault_count"] == count
    assert office.one("SELECT count(*) FROM persons") == count
    assert len(office.events("persons.registered")) == told
