"""Matching in sets: staged rows against payments, on id and amount, in a handful of statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, text, update

from services.beneficiaries.reconciliation.model import Answer
from services.beneficiaries.reconciliation.tables import outcomes, statement_rows, statements
from shared.db.copy import copy_rows

ROW_COLUMNS = (
    "statement_id",
    "row",
    "reference",
    "payment_id",
    "amount_vnd",
    "result",
    "reason_code",
    "value_on",
    "code",
)

# The first fault that applies is the one a person is told. "Provider" and "state" are judged by the list.
JUDGE = text(
    """
    WITH rows AS (
        SELECT r.row, r.payment_id, r.amount_vnd, r.value_on,
               row_number() OVER (PARTITION BY r.payment_id ORDER BY r.row) AS nth
        FROM statement_rows r WHERE r.statement_id = :statement AND r.code IS NULL
    ), judged AS (
        SELECT rows.row,
               CASE WHEN p.id IS NULL THEN 'payment_unknown'
                    WHEN l.provider <> s.provider THEN 'provider_foreign'
                    WHEN p.amount_vnd IS DISTINCT FROM rows.amount_vnd THEN 'amount_differs'
                    WHEN rows.nth > 1 THEN 'line_repeated'
                    WHEN o.payment_id IS NOT NULL THEN 'outcome_exists'
                    WHEN l.state NOT IN ('instructed') THEN 'list_not_instructed'
                    WHEN rows.value_on IS NULL THEN 'value_date_missing'
               END AS code
        FROM rows
        JOIN statements s ON s.id = :statement
        LEFT JOIN payments p ON p.id = rows.payment_id
        LEFT JOIN lists l ON l.id = p.list_id
        LEFT JOIN outcomes o ON o.payment_id = p.id
    )
    UPDATE statement_rows r SET code = judged.code
    FROM judged WHERE r.statement_id = :statement AND r.row = judged.row AND judged.code IS NOT NULL
    """
)

SETTLE = text(
    """
    INSERT INTO outcomes (payment_id, list_id, statement_id, row, kind, amount_vnd, reason_code, value_on)
    SELECT p.id, p.list_id, r.statement_id, r.row, r.result, r.amount_vnd, r.reason_code, r.value_on
    FROM statement_rows r JOIN payments p ON p.id = r.payment_id
    WHERE r.statement_id = :statement AND r.code IS NULL
    ORDER BY p.id
    """
)


def stage(connection: Connection, statement_id: UUID, answers: Iterable[Answer]) -> int:
    """The number of rows staged, in the order of the file."""
    return copy_rows(
        connection, statement_rows, ROW_COLUMNS, (_staged(statement_id, answer) for answer in answers)
    )


def match(connection: Connection, statement_id: UUID) -> int:
    """The number of outcomes that the statement brings; every other row keeps its fault."""
    connection.execute(
        text(
            "SELECT l.id FROM lists l WHERE l.id IN (SELECT p.list_id FROM statement_rows r "
            "JOIN payments p ON p.id = r.payment_id WHERE r.statement_id = :statement) "
            "ORDER BY l.id FOR UPDATE"
        ),
        {"statement": statement_id},
    )
    connection.execute(JUDGE, {"statement": statement_id})
    return connection.execute(SETTLE, {"statement": statement_id}).rowcount


def finish_matching(connection: Connection, statement_id: UUID, matched: int) -> Row[Any]:
    """The statement with its counts."""
    counted = select(func.count()).where(statement_rows.c.statement_id == statement_id).scalar_subquery()
    return connection.execute(
        update(statements)
        .where(statements.c.id == statement_id)
        .values(state="matched", row_count=counted, matched_count=matched, unmatched_count=counted - matched)
        .returning(statements)
    ).one()


def outcomes_after(
    connection: Connection, statement_id: UUID, after: tuple[UUID, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """The next outcomes of a statement in order of list and payment, with the person of each."""
    query = text(
        """
        SELECT o.payment_id, o.list_id, o.kind, o.amount_vnd, o.reason_code, o.value_on, p.person_id
        FROM outcomes o JOIN payments p ON p.id = o.payment_id
        WHERE o.statement_id = :statement AND (o.list_id, o.payment_id) > (:list, :payment)
        ORDER BY o.list_id, o.payment_id LIMIT :limit
        """
    )
    list_id, payment_id = after or (UUID(int=0), UUID(int=0))
    bound = {"statement": statement_id, "list": list_id, "payment": payment_id, "limit": limit}
    return connection.execute(query, bound).all()


def sums_of(connection: Connection, list_id: UUID) -> dict[str, tuple[int, int]]:
    """Count and sum in đồng of a list's outcomes, by kind."""
    rows = connection.execute(
        select(outcomes.c.kind, func.count().label("n"), func.sum(outcomes.c.amount_vnd).label("vnd"))
        .where(outcomes.c.list_id == list_id)
        .group_by(outcomes.c.kind)
    )
    return {row.kind: (row.n, int(row.vnd)) for row in rows}


def _staged(statement_id: UUID, answer: Answer) -> tuple[Any, ...]:
    payment_id = _uuid(answer.reference)
    code = "payment_unknown" if payment_id is None else None
    if code is None and answer.currency != "VND":
        code = "currency_unknown"
    return (
        statement_id,
        answer.row,
        answer.reference[:100],
        payment_id,
        answer.amount_vnd,
        answer.outcome.value,
        answer.reason_code,
        answer.value_on,
        code,
    )


def _uuid(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None
