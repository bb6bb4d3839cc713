"""Computing a month: 4,000 persons at a time, in order of id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.beneficiaries.entitlements.model import differences, district_in, due
from services.beneficiaries.lists import store as lists
from services.beneficiaries.lists.model import list_id_of, payment_id_of
from services.beneficiaries.obligations import store as obligations
from services.beneficiaries.obligations.model import Kind, PersonMonth, person_month
from services.beneficiaries.payroll.handlers import closed_months, finish_payroll
from services.beneficiaries.providers.model import channels
from services.beneficiaries.rates.handlers import rate_book
from services.beneficiaries.register import store as register
from shared.db.unit_of_work import UnitOfWork, Work
from shared.jobs.runner import Progress
from shared.kernel.errors import Fault, Rejected
from shared.kernel.periods import Period

CHUNK_PERSONS = 4000
LOOK_BACK_MONTHS = 12


class _Paid(NamedTuple):
    """One person's month, placed in a list."""

    person_id: UUID
    month: PersonMonth
    district_id: UUID
    provider: str
    amount_vnd: int


class _Chunk(NamedTuple):
    """The persons of one step, computed and not stored yet."""

    persons: int
    last: UUID | None
    months: Sequence[_Paid]
    faults: Sequence[Fault]


class _Ahead(NamedTuple):
    """A chunk that is being computed in a thread, for the run and the place it was begun for."""

    run: tuple[Period, date]
    after: UUID
    chunk: Future[_Chunk]


class PayrollJob:
    """Computes what everybody gets in one month.

    While the database stores a chunk, the next one is read and computed beside it: both cores work, and a
    step that finds nothing prepared computes its chunk itself.
    """

    def __init__(self, unit_of_work: UnitOfWork, chunk_persons: int = CHUNK_PERSONS) -> None:
        self._unit_of_work = unit_of_work
        self._chunk_persons = chunk_persons
        self._beside = ThreadPoolExecutor(1, "payroll")
        self._ahead: _Ahead | None = None

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        """Store the next 4,000 persons, or finish the run after the last."""
        run = Period.parse(params["period"]), date.fromisoformat(params["known_on"])
        place = checkpoint or {
            "after": None,
            "done": 0,
            "sums": dict.fromkeys(SUMS, 0),
            "total": register.count(work.connection),
        }
        chunk = self._next(work, run, UUID(place["after"]) if place["after"] else None)
        if chunk.last is None:
            finish_payroll(work, UUID(params["run_id"]), run[0], place["sums"])
            return Progress(place, place["done"], place["done"], finished=True, result=place["sums"])
        self._ahead = _Ahead(run, chunk.last, self._beside.submit(self._read_ahead, run, chunk.last))
        _store(work, chunk.months, run[0])
        sums = _added(place["sums"], [paid.month for paid in chunk.months])
        done = place["done"] + chunk.persons
        total = place.get("total")
        place = {"after": str(chunk.last), "done": done, "sums": sums, "total": total}
        return Progress(place, done, total, finished=False, faults=chunk.faults)

    def _next(self, work: Work, run: tuple[Period, date], after: UUID | None) -> _Chunk:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and (ahead.run, ahead.after) == (run, after):
            return ahead.chunk.result()
        return _compute(work.connection, run, after, self._chunk_persons)

    def _read_ahead(self, run: tuple[Period, date], after: UUID) -> _Chunk:
        with self._unit_of_work.reading() as connection:
            return _compute(connection, run, after, self._chunk_persons)


SUMS = ("arrears_vnd", "recoveries_vnd", "carried_vnd")


def _compute(
    connection: Connection, run: tuple[Period, date], after: UUID | None, chunk_persons: int
) -> _Chunk:
    period, known_on = run
    providers = register.providers_after(connection, after, chunk_persons)
    if not providers:
        return _Chunk(0, None, (), ())
    book = rate_book(connection)
    closed = closed_months(connection)[-LOOK_BACK_MONTHS:]
    ids = list(providers)
    before = obligations.paid(connection, ids, closed)
    months: list[_Paid] = []
    faults: list[Fault] = []
    for facts, paid in zip(register.facts_of(connection, ids), before, strict=True):
        district = district_in(facts, period, known_on)
        try:
            dues = due(facts, period, book, known_on)
            late = differences(facts, closed, paid, book, known_on)
        except Rejected as error:
            faults.append(Fault(error.code, f"{facts.person_id}: {error.message}"))
            continue
        month = person_month(facts.person_id, period, dues, late)
        if district is not None:
            provider = providers[facts.person_id]
            months.append(_Paid(facts.person_id, month, district, provider, month.amount_vnd))
        elif month.obligations or month.carried_vnd:
            faults.append(Fault("district_unknown", f"{facts.person_id}: no district is known for {period}."))
    return _Chunk(len(ids), ids[-1], months, faults)


def _store(work: Work, months: Sequence[_Paid], period: Period) -> None:
    channel_of = channels()
    list_of = {
        (district_id, provider): list_id_of(period, district_id, provider)
        for district_id, provider in {(paid.district_id, paid.provider) for paid in months if paid.amount_vnd}
    }
    lists.open_lists(
        work.connection,
        {
            list_id: (period, district_id, provider, channel_of[provider])
            for (district_id, provider), list_id in list_of.items()
        },
    )
    payment_of: dict[UUID, UUID] = {}
    rows = []
    for paid in months:
        if paid.amount_vnd:  # a payment of 0 is not instructed: its lines set each other off
            list_id = list_of[paid.district_id, paid.provider]
            payment_of[paid.person_id] = payment_id_of(list_id, paid.person_id)
            rows.append((payment_of[paid.person_id], list_id, paid.person_id, paid.amount_vnd))
    lists.add_payments(work.connection, rows)
    owed = (one for paid in months for one in paid.month.obligations)
    obligations.add(work.connection, owed, payment_of)


def _added(sums: Mapping[str, int], months: Sequence[PersonMonth]) -> dict[str, int]:
    lines = [one for month in months for one in month.obligations]
    return {
        "arrears_vnd": sums["arrears_vnd"] + sum(one.amount_vnd for one in lines if one.kind is Kind.ARREARS),
        "recoveries_vnd": sums["recoveries_vnd"]
        - sum(one.amount_vnd for one in lines if one.kind is Kind.RECOVERY),
        "carried_vnd": sums["carried_vnd"] + sum(month.carried_vnd for month in months),
    }
