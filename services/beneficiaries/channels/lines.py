"""What a provider needs to know of each payment, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, select

from services.beneficiaries.lists.tables import payments
from services.beneficiaries.register.tables import persons

FETCH_ROWS = 2000


@dataclass(frozen=True, slots=True)
class PayLine:
    """One payee. Units: amount_vnd in đồng."""

    payment_id: UUID
    number: str
    full_name: str
    birth_year: int
    amount_vnd: int
    bank_code: str | None
    account_number: str | None


def pay_lines(connection: Connection, list_id: UUID) -> Iterator[PayLine]:
    """Every payee of a list in order of payment id, fetched 2,000 at a time."""
    query = (
        select(
            payments.c.id,
            persons.c.number,
            persons.c.full_name,
            persons.c.birth_year,
            payments.c.amount_vnd,
            persons.c.bank_code,
            persons.c.account_number,
        )
        .join(persons, persons.c.id == payments.c.person_id)
        .where(payments.c.list_id == list_id)
        .order_by(payments.c.id)
    )
    for row in connection.execute(query.execution_options(yield_per=FETCH_ROWS)):
        yield PayLine(*row)
