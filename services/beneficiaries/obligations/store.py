"""Rows of obligations, written by COPY, read as sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from services.beneficiaries.obligations.model import Obligation
from services.beneficiaries.obligations.tables import obligations
from shared.db.copy import copy_rows
from shared.db.many import one_of
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
) -> dict[UUID, dict[tuple[UUID, Period], int]]:
    """For each person, everything established so far for each entitlement and closed month, in đồng."""
    rows = connection.execute(
        select(
            obligations.c.person_id,
            obligations.c.entitlement_id,
            obligations.c.due_period,
            func.sum(obligations.c.amount_vnd).label("amount_vnd"),
        )
        .where(
            one_of(obligations.c.person_id, person_ids),
            obligations.c.due_period.in_([str(period) for period in closed]),
        )
        .group_by(obligations.c.person_id, obligations.c.entitlement_id, obligations.c.due_period)
    ).all()
    found: dict[UUID, dict[tuple[UUID, Period], int]] = defaultdict(dict)
    for row in rows:
        found[row.person_id][row.entitlement_id, Period.parse(row.due_period)] = int(row.amount_vnd)
    return found


def of_payments(connection: Connection, payment_ids: Sequence[UUID]) -> dict[UUID, list[Row[Any]]]:
    """The obligations that each payment sums up."""
    rows = connection.execute(
        select(obligations)
        .where(one_of(obligations.c.payment_id, payment_ids))
        .order_by(obligations.c.payment_id, obligations.c.due_period, obligations.c.id)
    ).all()
    found: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.payment_id].append(row)
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
