"""Matching in sets: staged rows against payments, on id and amount, in a handful of statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, case, select, text, update

from services.beneficiaries.reconciliation import standing
from services.beneficiaries.reconciliation.model import (
    FREE_TEXT,
    REASON_CHARS_MAX,
    REASONS,
    Answer,
    Outcome,
)
from services.beneficiaries.reconciliation.tables import statement_rows, statement_sums, statements
from shared.db.copy import copy_rows
from shared.kernel.errors import NotFound

DIGIT = "[0-9a-fA-F]"  # where the expression as a whole ignores case, each search takes three times as long
PAYMENT_ID = re.compile(f"{DIGIT}{{8}}(?:-{DIGIT}{{4}}){{3}}-{DIGIT}{{12}}|{DIGIT}{{32}}")
REFERENCE_CHARS_MAX = 100
SAID_MAX = 4_096  # different results, with reason and day, whose texts are kept
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

# One look at the payments for everything that follows. A list that is with its provider has its payments for
# ever, so that what is read here together with its state stays true. PostgreSQL knows nothing yet of a
# statement that was staged just now, takes it for one row and looks each payment up: sorted before, they lie
# beside each other. By the same mistake it would later compare each row with each: rows are found by place.
FIND = text(
    """
    CREATE TEMPORARY TABLE answered ON COMMIT DROP AS
    SELECT r.place, r.row, r.payment_id, p.list_id, r.result AS kind, r.amount_vnd, r.reason_code, r.value_on,
           CASE WHEN p.id IS NULL THEN 'payment_unknown'
                WHEN l.provider <> (SELECT s.provider FROM statements s WHERE s.id = :statement)
                    THEN 'provider_foreign'
                WHEN p.amount_vnd IS DISTINCT FROM r.amount_vnd THEN 'amount_differs'
                WHEN r.nth > 1 THEN 'line_repeated'
                WHEN l.state NOT IN ('instructed', 'closing', 'closed') THEN 'list_not_instructed'
                WHEN r.value_on IS NULL THEN 'value_date_missing'
           END AS code
    FROM (
        SELECT ctid AS place, row, payment_id, result, amount_vnd, reason_code, value_on,
               row_number() OVER (PARTITION BY payment_id ORDER BY row) AS nth
        FROM statement_rows
        WHERE statement_id = :statement AND code IS NULL
        ORDER BY payment_id, row
        OFFSET 0
    ) AS r
    LEFT JOIN payments p ON p.id = r.payment_id
    LEFT JOIN lists l ON l.id = p.list_id
    """
)

# Unknown, a million rows would be sorted to sum up a few dozen lists, and all be read to find the faulty.
KNOW = text("ANALYZE answered (list_id, kind, reason_code, code)")

# A list may still be answered after it was closed: that is how an unknown payment gets its outcome.
NAMED = text(
    """
    SELECT l.id, l.unit_id FROM lists l WHERE l.id IN (SELECT a.list_id FROM answered a)
    ORDER BY l.id FOR UPDATE
    """
)

# The first fault that applies is the one a person is told: whose list it is comes before what the row says.
FOREIGN = text(
    """
    UPDATE answered SET code = 'unit_foreign'
    WHERE list_id = ANY(CAST(:foreign AS uuid[])) AND code IS DISTINCT FROM 'provider_foreign'
    """
)

ANSWERED_BEFORE = text(
    """
    UPDATE answered a
    SET kind = 'returned_late',
        code = CASE WHEN (o.kind = 'returned' OR late.payment_id IS NOT NULL) AND a.kind = 'settled'
                        THEN 'settled_after_return'
                    WHEN o.kind = a.kind OR late.payment_id IS NOT NULL THEN 'outcome_exists'
               END
    FROM outcomes o LEFT JOIN late_returns late ON late.payment_id = o.payment_id
    WHERE o.payment_id = a.payment_id AND a.code IS NULL
    """
)

FAULTY = text(
    """
    UPDATE statement_rows r SET code = a.code FROM answered a WHERE r.ctid = a.place AND a.code IS NOT NULL
    """
)

# A code of the published list is told on; words of the provider's own may be about a person and stay here.
REASON = (
    "CASE WHEN a.reason_code IS NULL OR a.reason_code = ANY(:reasons) THEN a.reason_code ELSE :free_text END"
)

LATE = text(
    f"""
    INSERT INTO late_returns (payment_id, list_id, statement_id, row, amount_vnd, reason_code, value_on)
    SELECT a.payment_id, a.list_id, :statement, a.row, a.amount_vnd, {REASON}, a.value_on
    FROM answered a WHERE a.code IS NULL AND a.kind = 'returned_late'
    """
)

SETTLE = text(
    f"""
    INSERT INTO outcomes (payment_id, list_id, statement_id, row, kind, amount_vnd, reason_code, value_on)
    SELECT a.payment_id, a.list_id, :statement, a.row, a.kind, a.amount_vnd, {REASON}, a.value_on
    FROM answered a WHERE a.code IS NULL AND a.kind <> 'returned_late'
    """
)

SUM_UP = text(
    f"""
    INSERT INTO statement_sums (statement_id, list_id, kind, reason_code, payment_count, amount_vnd)
    SELECT :statement, a.list_id, a.kind, coalesce({REASON}, ''), count(*), sum(a.amount_vnd)
    FROM answered a WHERE a.code IS NULL GROUP BY 2, 3, 4
    """
)

# In the order of a list's payments, which have an index for it: each is looked up among the outcomes, one
# after the other until the page is full. Without the offsets PostgreSQL, which knows nothing yet of outcomes
# that were stored just now, would think of reading them all for every page.
TOLD = text(
    """
    SELECT told.kind, CAST(p.id AS text), CAST(p.person_id AS text), told.amount_vnd, told.reason_code,
           to_char(told.value_on, 'YYYY-MM-DD')
    FROM (
        SELECT id, person_id FROM payments WHERE list_id = :list AND id > :payment ORDER BY id OFFSET 0
    ) AS p
    CROSS JOIN LATERAL (
        SELECT o.kind, o.amount_vnd, o.reason_code, o.value_on
        FROM outcomes o WHERE o.payment_id = p.id AND o.statement_id = :statement
        UNION ALL
        SELECT 'returned_late', r.amount_vnd, r.reason_code, r.value_on
        FROM late_returns r WHERE r.payment_id = p.id AND r.statement_id = :statement
        OFFSET 0
    ) AS told
    ORDER BY p.id LIMIT :limit
    """
)


class ToldOutcome(NamedTuple):
    """What one statement said of one payment. Units: đồng. Shape: ids and the day as texts."""

    kind: str
    payment_id: str
    person_id: str
    amount_vnd: int
    reason_code: str | None
    value_on: str


UNTOLD = text(
    """
    SELECT s.id FROM statements s
    WHERE s.state = 'matched'
      AND EXISTS (SELECT 1 FROM statement_sums said WHERE said.statement_id = s.id AND said.list_id = :list)
    ORDER BY s.id
    """
)


def stage(connection: Connection, statement_id: UUID, answers: Iterable[Answer]) -> int:
    """The number of rows staged, in the order of the file."""
    named = str(statement_id)
    return copy_rows(connection, statement_rows, ROW_COLUMNS, (_staged(named, answer) for answer in answers))


def find(connection: Connection, statement_id: UUID) -> Sequence[Row[Any]]:
    """Id and unit of every list that rows of the statement name, locked in order of id.

    The rows are found with their payments, for `match` in the same transaction.
    """
    connection.execute(FIND, {"statement": statement_id})
    connection.execute(KNOW)
    return connection.execute(NAMED).all()


def match(connection: Connection, statement_id: UUID, foreign: Sequence[UUID] = ()) -> int:
    """The number of outcomes that the statement brings; every other row keeps its fault.

    Shape: `foreign` are the lists whose units the uploader does not act for.
    """
    if foreign:
        connection.execute(FOREIGN, {"foreign": list(foreign)})
    connection.execute(ANSWERED_BEFORE)
    connection.execute(FAULTY)
    bound = {"statement": statement_id, "reasons": list(REASONS), "free_text": FREE_TEXT}
    returned = connection.execute(LATE, bound).rowcount
    matched = returned + connection.execute(SETTLE, bound).rowcount
    connection.execute(SUM_UP, bound)
    return matched


def lists_answered(connection: Connection, statement_id: UUID) -> Sequence[UUID]:
    """The lists of which a matched statement brings outcomes, in order of id."""
    wanted = select(statement_sums.c.list_id).where(statement_sums.c.statement_id == statement_id).distinct()
    return connection.scalars(wanted.order_by(statement_sums.c.list_id)).all()


def finish_matching(
    connection: Connection, statement_id: UUID, staged: int, matched: int, lists: int
) -> Row[Any]:
    """The statement with its counts, and so many lists to tell; without any it is told already."""
    return connection.execute(
        update(statements)
        .where(statements.c.id == statement_id)
        .values(
            state="matched" if lists else "told",
            row_count=staged,
            matched_count=matched,
            unmatched_count=staged - matched,
            lists_to_tell=lists,
        )
        .returning(statements)
    ).one()


def finish_list(connection: Connection, statement_id: UUID) -> None:
    """One list less to tell; after the last the statement is told."""
    left = statements.c.lists_to_tell - 1
    connection.execute(
        update(statements)
        .where(statements.c.id == statement_id)
        .values(lists_to_tell=left, state=case((left == 0, "told"), else_=statements.c.state))
    )


def untold(connection: Connection, list_id: UUID) -> Sequence[UUID]:
    """The statements that say something of a list, and of which not everything has been told yet.

    The list must be locked, as it is while a statement is matched.
    """
    return connection.scalars(UNTOLD, {"list": list_id}).all()


def outcomes_after(
    connection: Connection, statement_id: UUID, list_id: UUID, after: UUID, limit: int
) -> list[ToldOutcome]:
    """The next outcomes of a list in a statement in order of payment, with the person of each."""
    bound = {"statement": statement_id, "list": list_id, "payment": after, "limit": limit}
    return [ToldOutcome(*row) for row in connection.execute(TOLD, bound)]


def sums_of(connection: Connection, list_id: UUID) -> dict[Outcome, tuple[int, int]]:
    """Count and sum in đồng of a list's payments by how they stand; what came back late is returned."""
    sums = dict.fromkeys(Outcome, (0, 0))
    for _, stands, _, count, vnd in connection.execute(standing.lists_standing([list_id])):
        counted, summed = sums[Outcome(stands)]
        sums[Outcome(stands)] = (counted + count, summed + vnd)
    return sums


def row_of(connection: Connection, statement_id: UUID, row: int) -> Row[Any]:
    """One row of a statement, locked. Raises: NotFound statement_row_unknown."""
    found = connection.execute(
        select(statement_rows)
        .where(statement_rows.c.statement_id == statement_id, statement_rows.c.row == row)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound("statement_row_unknown", f"Statement {statement_id} has no row {row}.")
    return found


def explain(connection: Connection, found: Row[Any], explanation: str, actor: str, on: date) -> None:
    """Store why a row that did not match needs nothing more."""
    connection.execute(
        update(statement_rows)
        .where(statement_rows.c.statement_id == found.statement_id, statement_rows.c.row == found.row)
        .values(explanation=explanation, explained_by=actor, explained_on=on)
    )


def _staged(statement_id: str, answer: Answer) -> tuple[Any, ...]:
    """The row as COPY writes it: a text is written as it is, a UUID or a day by Python."""
    row, reference, amount_vnd, currency, outcome, reason_code, value_on = answer
    result, reason, day = _said(outcome, reason_code, value_on)
    if PAYMENT_ID.fullmatch(reference) is None:
        short = reference[:REFERENCE_CHARS_MAX]
        return statement_id, row, short, None, amount_vnd, result, reason, day, "payment_unknown"
    code = None if currency == "VND" else "currency_unknown"
    return statement_id, row, reference, reference, amount_vnd, result, reason, day, code


@lru_cache(SAID_MAX)
def _said(
    outcome: Outcome, reason_code: str | None, value_on: date | None
) -> tuple[str, str | None, str | None]:
    """What most rows of a statement say alike, as texts."""
    reason = reason_code[:REASON_CHARS_MAX] if reason_code else None
    return outcome.value, reason, value_on.isoformat() if value_on else None
