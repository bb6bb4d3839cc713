"""Reading statements, the rows that did not match, and how payments stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, RowMapping, func, literal, select, tuple_

from services.beneficiaries.lists.tables import lists, payments
from services.beneficiaries.reconciliation import standing
from services.beneficiaries.reconciliation.model import UNMATCHED, answer_due_on, job_id_of
from services.beneficiaries.reconciliation.tables import outcomes, statement_rows, statements
from shared.db.many import one_of
from shared.kernel.errors import NotFound
from shared.kernel.periods import Period
from shared.web.pages import Page, decode, page


def find_statement(connection: Connection, statement_id: UUID) -> dict[str, Any]:
    """One statement with the job that matches it. Raises: NotFound statement_unknown."""
    wanted = select(statements).where(statements.c.id == statement_id)
    row = connection.execute(wanted).mappings().one_or_none()
    if row is None:
        raise NotFound("statement_unknown", f"There is no statement {statement_id}.")
    return _with_job(row)


def statements_of(connection: Connection, query: dict[str, Any]) -> Page[dict[str, Any]]:
    """The statements, the newest first."""
    key = tuple_(statements.c.received_at, statements.c.id)
    wanted = select(statements).order_by(statements.c.received_at.desc(), statements.c.id.desc())
    wanted = wanted.limit(query["limit"] + 1)
    if query["provider"]:
        wanted = wanted.where(statements.c.provider == query["provider"])
    after = decode(query["cursor"], datetime, UUID)
    if after is not None:
        wanted = wanted.where(key < tuple_(*(literal(value) for value in after)))
    found = [_with_job(row) for row in connection.execute(wanted).mappings()]
    return page(found, query["limit"], lambda row: [row["received_at"].isoformat(), str(row["id"])])


def unmatched_of(connection: Connection, statement_id: UUID, query: dict[str, Any]) -> Page[dict[str, Any]]:
    """The rows of a statement that did not match, in the order of the file, each with its fault.

    Raises: NotFound statement_unknown.
    """
    find_statement(connection, statement_id)
    wanted = (
        select(statement_rows)
        .where(statement_rows.c.statement_id == statement_id, statement_rows.c.code.is_not(None))
        .order_by(statement_rows.c.row)
        .limit(query["limit"] + 1)
    )
    if query["open"]:
        wanted = wanted.where(statement_rows.c.explanation.is_(None))
    after = decode(query["cursor"], int)
    if after is not None:
        wanted = wanted.where(statement_rows.c.row > after[0])
    shown = [_with_message(dict(row)) for row in connection.execute(wanted).mappings()]
    return page(shown, query["limit"], lambda row: [row["row"]])


def find_row(connection: Connection, statement_id: UUID, row: int) -> dict[str, Any]:
    """One row of a statement that did not match, with its fault."""
    query = select(statement_rows).where(
        statement_rows.c.statement_id == statement_id, statement_rows.c.row == row
    )
    return _with_message(dict(connection.execute(query).mappings().one()))


def discrepancies(connection: Connection, query: dict[str, Any]) -> Page[dict[str, Any]]:
    """Every row of every statement that still waits for a person, the oldest statement first."""
    key = tuple_(statement_rows.c.statement_id, statement_rows.c.row)
    wanted = (
        select(statement_rows, statements.c.provider, statements.c.received_on)
        .join(statements, statements.c.id == statement_rows.c.statement_id)
        .where(statement_rows.c.code.is_not(None), statement_rows.c.explanation.is_(None))
        .order_by(statement_rows.c.statement_id, statement_rows.c.row)
        .limit(query["limit"] + 1)
    )
    if query["provider"]:
        wanted = wanted.where(statements.c.provider == query["provider"])
    if query["code"]:
        wanted = wanted.where(statement_rows.c.code == query["code"])
    after = decode(query["cursor"], UUID, int)
    if after is not None:
        wanted = wanted.where(key > tuple_(*(literal(value) for value in after)))
    shown = [_with_message(dict(row)) for row in connection.execute(wanted).mappings()]
    return page(shown, query["limit"], lambda row: [str(row["statement_id"]), row["row"]])


def outcomes_of(connection: Connection, list_id: UUID, query: dict[str, Any]) -> Page[Row[Any]]:
    """The payments of a list in order of id, each with how it stands and what pays it again."""
    wanted = (
        standing.payments_standing()
        .where(payments.c.list_id == list_id)
        .order_by(payments.c.id)
        .limit(query["limit"] + 1)
    )
    if query["standing"]:
        wanted = wanted.where(query["standing"] == standing.STANDING)
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(payments.c.id > after[0])
    return page(connection.execute(wanted).all(), query["limit"], lambda row: [str(row.id)])


def unanswered(
    connection: Connection, units: Sequence[UUID], query: dict[str, Any], on: date
) -> Page[dict[str, Any]]:
    """The lists of some units with payments that nobody has answered, and for how long they are silent."""
    wanted = (
        select(
            lists.c.id,
            lists.c.period,
            lists.c.unit_id,
            lists.c.provider,
            lists.c.state,
            lists.c.instructed_on,
            func.count().label("payment_count"),
            func.sum(payments.c.amount_vnd).label("amount_vnd"),
        )
        .join(payments, payments.c.list_id == lists.c.id)
        .outerjoin(outcomes, outcomes.c.payment_id == payments.c.id)
        .where(
            lists.c.instructed_on.is_not(None),
            outcomes.c.payment_id.is_(None),
            one_of(lists.c.unit_id, units),
        )
        .where(lists.c.instructed_on + query["days"] <= on)  # so many days before `on` there may be no day
        .group_by(lists.c.id)
        .order_by(lists.c.id)
        .limit(query["limit"] + 1)
    )
    if query["provider"]:
        wanted = wanted.where(lists.c.provider == query["provider"])
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(lists.c.id > after[0])
    shown = [_aged(dict(row), on) for row in connection.execute(wanted).mappings()]
    return page(shown, query["limit"], lambda row: [str(row["id"])])


def _with_job(row: RowMapping) -> dict[str, Any]:
    return {**row, "job_id": job_id_of(row["id"])}


def _aged(row: Mapping[str, Any], on: date) -> dict[str, Any]:
    due_on = answer_due_on(Period.parse(row["period"]), row["instructed_on"])
    return {
        **row,
        "amount_vnd": int(row["amount_vnd"]),
        "days_silent": (on - row["instructed_on"]).days,
        "due_on": due_on,
        "overdue": on > due_on,
    }


def _with_message(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "message": UNMATCHED[row["code"]]}
