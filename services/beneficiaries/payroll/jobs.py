"""Computing a month: 1,000 persons at a time, in order of id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.beneficiaries.entitlements.model import PersonFacts, differences, district_in, due
from services.beneficiaries.lists import store as lists
from services.beneficiaries.lists.model import list_id_of, payment_id_of
from services.beneficiaries.obligations import store as obligations
from services.beneficiaries.obligations.model import Kind, PersonMonth, person_month
from services.beneficiaries.payroll.handlers import closed_months, finish_payroll
from services.beneficiaries.providers.model import channels
from services.beneficiaries.rates.handlers import rate_book
from services.beneficiaries.register import store as register
from services.beneficiaries.register.tables import persons
from shared.db.many import one_of
from shared.db.unit_of_work import Work
from shared.jobs.runner import Progress
from shared.kernel.errors import Fault, Rejected
from shared.kernel.periods import Period

CHUNK_PERSONS = 1000
LOOK_BACK_MONTHS = 12


@dataclass(frozen=True, slots=True)
class _Paid:
    """One person's month, placed in a list."""

    person_id: UUID
    month: PersonMonth
    district_id: UUID
    provider: str
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class PayrollJob:
    """Computes what everybody gets in one month."""

    chunk_persons: int = CHUNK_PERSONS

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        """Compute the next 1,000 persons, or finish the run after the last."""
        period, known_on = Period.parse(params["period"]), date.fromisoformat(params["known_on"])
        place = checkpoint or {"after": None, "done": 0, "sums": dict.fromkeys(SUMS, 0)}
        after = UUID(place["after"]) if place["after"] else None
        people = register.facts_after(work.connection, after, self.chunk_persons)
        if not people:
            finish_payroll(work, UUID(params["run_id"]), period, place["sums"])
            return Progress(place, place["done"], place["done"], finished=True, result=place["sums"])
        months, faults = _compute(work, people, period, known_on)
        _store(work, months, period)
        sums = _added(place["sums"], [paid.month for paid in months])
        done = place["done"] + len(people)
        place = {"after": str(people[-1].person_id), "done": done, "sums": sums}
        return Progress(place, done, None, finished=False, faults=faults)


SUMS = ("arrears_vnd", "recoveries_vnd", "carried_vnd")


def _compute(
    work: Work, people: Sequence[PersonFacts], period: Period, known_on: date
) -> tuple[list[_Paid], list[Fault]]:
    book = rate_book(work.connection)
    closed = closed_months(work.connection)[-LOOK_BACK_MONTHS:]
    ids = [facts.person_id for facts in people]
    before = obligations.paid(work.connection, ids, closed)
    providers = _providers(work, ids)
    months: list[_Paid] = []
    faults: list[Fault] = []
    for facts in people:
        district = district_in(facts, period, known_on)
        try:
            dues = due(facts, period, book, known_on)
            late = differences(facts, closed, before[facts.person_id], book, known_on)
        except Rejected as error:
            faults.append(Fault(error.code, f"{facts.person_id}: {error.message}"))
            continue
        month = person_month(facts.person_id, period, dues, late)
        if district is not None:
            provider = providers[facts.person_id]
            months.append(_Paid(facts.person_id, month, district, provider, month.amount_vnd))
        elif month.obligations or month.carried_vnd:
            faults.append(Fault("district_unknown", f"{facts.person_id}: no district is known for {period}."))
    return months, faults


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


def _providers(work: Work, ids: Sequence[UUID]) -> dict[UUID, str]:
    wanted = select(persons.c.id, persons.c.provider).where(one_of(persons.c.id, ids))
    return {row.id: row.provider for row in work.connection.execute(wanted).all()}


def _added(sums: Mapping[str, int], months: Sequence[PersonMonth]) -> dict[str, int]:
    lines = [one for month in months for one in month.obligations]
    return {
        "arrears_vnd": sums["arrears_vnd"] + sum(one.amount_vnd for one in lines if one.kind is Kind.ARREARS),
        "recoveries_vnd": sums["recoveries_vnd"]
        - sum(one.amount_vnd for one in lines if one.kind is Kind.RECOVERY),
        "carried_vnd": sums["carried_vnd"] + sum(month.carried_vnd for month in months),
    }
