"""Payments that came back, as they stand today with the persons they belong to."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import Connection, and_, select

from services.beneficiaries.reconciliation import standing
from services.beneficiaries.reconciliation.model import Standing
from services.beneficiaries.register.tables import person_deaths, persons
from services.beneficiaries.reissues.model import Candidate


def candidates(connection: Connection, list_id: UUID, on: date) -> dict[UUID, Candidate]:
    """Every payment of a list in order of id, with what is known of its person on a day."""
    found = standing.payments_standing().subquery()
    query = (
        select(found, persons.c.account_number, person_deaths.c.person_id.label("dead"))
        .join(persons, persons.c.id == found.c.person_id)
        .outerjoin(
            person_deaths,
            and_(person_deaths.c.person_id == found.c.person_id, person_deaths.c.known_on <= on),
        )
        .where(found.c.list_id == list_id)
        .order_by(found.c.id)
    )
    return {
        row.id: Candidate(
            payment_id=row.id,
            person_id=row.person_id,
            amount_vnd=row.amount_vnd,
            standing=Standing(row.standing),
            disputed=row.disputed,
            reissued=row.reissued_by is not None,
            dead=row.dead is not None,
            has_account=row.account_number is not None,
        )
        for row in connection.execute(query)
    }
