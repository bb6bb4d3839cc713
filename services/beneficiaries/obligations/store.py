"""Rows of obligations, written by COPY, read as sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from services.beneficiaries.obligations.model import Obligation
from services.beneficiaries.obligations.tables import obligations
from shared.db.copy import copy_rows
from shared.db.many import array_of_ids
from shared.kernel.periods import Period

COLUMNS = (
    "id",
    "person_id",
    "entitlement_id",
    "kind",
    "due_period",
    "in_period",
    "rate_id",
    "decree",
    "due_vnd",
    "paid_vnd",
    "amount_vnd",
    "payment_id",
    "opening_id",
)


# Persons and payments are told by the place of their id in the array: ids are slow to read back.
PAID = text(
    """
    SELECT wanted.place - 1, o.entitlement_id, o.due_period, CAST(sum(o.amount_vnd) AS bigint)
    FROM unnest(CAST(:persons AS uuid[])) WITH ORDINALITY AS wanted(person_id, place)
    JOIN obligations o ON o.person_id = wanted.person_id
    WHERE o.due_period = ANY(:months)
    GROUP BY wanted.place, o.entitlement_id, o.due_period
    """
)


OWED = text(
    """
    SELECT wanted.place, o.kind, o.due_period, o.entitlement_id, o.rate_id, o.decree, o.due_vnd, o.paid_vnd,
           o.amount_vnd
    FROM unnest(CAST(:payments AS uuid[])) WITH ORDINALITY AS wanted(payment_id, place)
    JOIN obligations o ON o.payment_id = wanted.payment_id
    ORDER BY wanted.place, o.due_period, o.id
    """
)


def add(
    connection: Connection,
    some: Iterable[Obligation],
    payments: Mapping[UUID, UUID],
    opening_id: UUID | None = None,
) -> int:
    """The number of obligations stored. Shape: `payments` maps a person to the payment that bears the sum."""
    return copy_rows(
        connection, obligations, COLUMNS, (_row(one, payments.get(one.person_id), opening_id) for one in some)
    )


def paid(
    connection: Connection, person_ids: Sequence[UUID], closed: Sequence[Period]
) -> list[dict[tuple[UUID, Period], int]]:
    """For each person, everything established so far for each entitlement and closed month, in đồng."""
    months = {str(period): period for period in closed}
    found: list[dict[tuple[UUID, Period], int]] = [{} for _ in person_ids]
    bound = {"persons": array_of_ids(person_ids), "months": list(months)}
    for place, entitlement_id, month, amount_vnd in connection.execute(PAID, bound).all():
        found[place][entitlement_id, months[month]] = amount_vnd
    return found


def of_payments(connection: Connection, payment_ids: Sequence[UUID]) -> dict[UUID, list[Row[Any]]]:
    """How the amount of each payment came about, the oldest month first."""
    found: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(OWED, {"payments": array_of_ids(payment_ids)}).all():
        found[payment_ids[row.place - 1]].append(row)
    return found


def _row(one: Obligation, payment_id: UUID | None, opening_id: UUID | None) -> tuple[Any, ...]:
    return (
        one.id,
        one.person_id,
        one.entitlement_id,
        one.kind.value,
        str(one.due_period),
        str(one.in_period),
        one.rate_id,
        one.decree,
        one.due_vnd,
        one.paid_vnd,
        one.amount_vnd,
        payment_id,
        opening_id,
    )
