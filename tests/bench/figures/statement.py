"""A provider's answer of a million lines: staged, reconciled on id and amount, and told list by list."""

from __future__ import annotations

import io
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Connection, text

from services.beneficiaries.reconciliation import handlers
from services.beneficiaries.reconciliation.jobs import ReconcileStatementJob, TellOutcomesJob
from shared.db.unit_of_work import UnitOfWork
from shared.documents.store import DocumentStore
from shared.jobs.runner import Progress
from shared.kernel.acts import Act
from tests.bench.harness import Bench, Goal, Lap, timed
from tests.bench.population import DISTRICTS, NOON, PERSONS, UNITS
from tests.bench.site import Site, engine_of

LISTS = """
    INSERT INTO lists (id, period, unit_id, provider, channel, reissue, state, submission, payment_count,
                       total_vnd, instructed_on, version)
    SELECT md5('list' || n)::uuid, '2024-08', md5('unit' || n)::uuid, 'POST-QNA', 'post', 0, 'instructed', 1,
           0, 0, DATE '2024-07-23', 1
    FROM generate_series(0, :districts - 1) n
"""
PAYMENTS = """
    INSERT INTO payments (id, list_id, person_id, amount_vnd)
    SELECT md5('payment' || n)::uuid, md5('list' || n % :districts)::uuid, md5('person' || n)::uuid, 2055000
    FROM generate_series(1, :people) n
"""
RETURNED_EVERY, WRONG_EVERY = 50, 1_000


def fill_lists(owner: Connection, people: int) -> None:
    """Instructed lists of as many payments as there are people."""
    for statement in (UNITS, PERSONS, LISTS, PAYMENTS):
        owner.execute(text(statement), {"people": people, "districts": DISTRICTS})
    owner.commit()
    owner.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def answer_to(owner: Connection, *, right: bool = False) -> bytes:
    """The provider's file: 2 % returned and, unless all is right, one in a thousand of another amount."""
    file = io.StringIO()
    file.write("payment_id,amount_vnd,result,reason,paid_on\n")
    rows = owner.execute(text("SELECT id, amount_vnd FROM payments")).all()
    for number, (payment_id, amount) in enumerate(rows, 1):
        result = "unpaid,CNPC" if number % RETURNED_EVERY == 0 else "paid,"
        wrong = not right and number % WRONG_EVERY == 1
        file.write(f"{payment_id},{amount + wrong},{result},2024-08-05\n")
    return file.getvalue().encode()


def take(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """One file of `size` lines."""
    for _ in range(rounds):
        with site.database("beneficiaries") as addresses:
            with engine_of(addresses.owner, "bench") as owner, owner.connect() as connection:
                fill_lists(connection, size)
                content = answer_to(connection)
            documents = DocumentStore(site.folder / "documents", bytes(32))
            with site.working(addresses) as unit_of_work:
                yield from reconcile(
                    unit_of_work, ReconcileStatementJob(documents), documents.put(content), size
                )


def reconcile(
    unit_of_work: UnitOfWork, job: ReconcileStatementJob, document: str, size: int
) -> Iterator[Lap]:
    """The file is staged and matched, and then told list by list."""
    act = Act("officer", NOON)
    units = [str(one) for one in _units(unit_of_work)]
    with unit_of_work.begin(act) as work:
        statement_id, _ = handlers.receive_statement(
            work, handlers.Received("POST-QNA", document, is_table=True), units
        )
    params = {
        "statement_id": str(statement_id),
        "document": document,
        "format": handlers.TABLE,
        "units": units,
    }
    with timed() as watch, unit_of_work.begin(act) as work:
        job.step(work, params, None)
    yield Lap("reconciled", watch.seconds, size)
    with timed() as watch:
        told = sum(_tell(unit_of_work, act, statement_id, list_id) for list_id in _lists(unit_of_work))
    yield Lap("told", watch.seconds, size)
    if told != size - -(-size // WRONG_EVERY):
        raise AssertionError(f"{told} of {size} lines had an outcome.")


def _tell(unit_of_work: UnitOfWork, act: Act, statement_id: UUID, list_id: UUID) -> int:
    params = {"statement_id": str(statement_id), "list_id": str(list_id)}
    progress = Progress(None, 0, None, finished=False)
    while not progress.finished:
        with unit_of_work.begin(act) as work:
            progress = TellOutcomesJob().step(work, params, progress.checkpoint)
    return progress.done


def _lists(unit_of_work: UnitOfWork) -> list[UUID]:
    with unit_of_work.reading() as connection:
        return list(connection.scalars(text("SELECT id FROM lists ORDER BY id")))


def _units(unit_of_work: UnitOfWork) -> list[object]:
    with unit_of_work.reading() as connection:
        return list(connection.scalars(text("SELECT id FROM units")))


BENCHES = (
    Bench(
        "statement-100k",
        100_000,
        take,
        (Goal("reconciled", "statement of 100,000 lines staged and reconciled", "lines", within=3),),
    ),
    Bench(
        "statement-1200k",
        1_200_000,
        take,
        (
            Goal("reconciled", "statement of 1.2 million lines staged and reconciled", "lines", within=25),
            Goal("told", "its outcomes told list by list", "lines"),
        ),
        rounds=1,
    ),
)
