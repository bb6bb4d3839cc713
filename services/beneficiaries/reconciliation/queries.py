"""Reading statements and the rows that did not match."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from services.beneficiaries.reconciliation.model import UNMATCHED
from services.beneficiaries.reconciliation.tables import statement_rows, statements
from shared.kernel.errors import NotFound
from shared.web.pages import Page, decode, page


def find_statement(connection: Connection, statement_id: UUID) -> Row[Any]:
    """One statement. Raises: NotFound statement_unknown."""
    row = connection.execute(select(statements).where(statements.c.id == statement_id)).one_or_none()
    if row is None:
        raise NotFound("statement_unknown", f"There is no statement {statement_id}.")
    return row


def unmatched_of(connection: Connection, statement_id: UUID, query: dict[str, Any]) -> Page[dict[str, Any]]:
    """The rows of a statement that did not match, in the order of the file, each with its fault."""
    wanted = (
        select(statement_rows)
        .where(statement_rows.c.statement_id == statement_id, statement_rows.c.code.is_not(None))
        .order_by(statement_rows.c.row)
        .limit(query["limit"] + 1)
    )
    after = decode(query["cursor"], 1)
    if after is not None:
        wanted = wanted.where(statement_rows.c.row > int(after[0]))
    shown = [{**row, "message": UNMATCHED[row["code"]]} for row in connection.execute(wanted).mappings()]
    return page(shown, query["limit"], lambda row: [row["row"]])
