"""Reading withdrawal requests."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Integer, Row, cast, extract, select

from services.allocation.funding.tables import withdrawals
from services.allocation.units.reach import ensure_reach_in, reach_of, years_of
from shared.kernel.errors import NotFound
from shared.kernel.principals import Principal
from shared.web.pages import Page, decode, page

READ, ANSWER = "withdrawals.read", "withdrawals.answer"
YEAR = cast(extract("year", withdrawals.c.requested_on), Integer)


def ensure_may_answer(connection: Connection, principal: Principal, withdrawal_id: UUID) -> None:
    """Nothing, where the principal may answer for the unit whose money was asked for.

    Raises: NotFound withdrawal_unknown; Denied unit_foreign.
    """
    wanted = select(YEAR.label("year"), withdrawals.c.unit_id).where(withdrawals.c.id == withdrawal_id)
    asked = connection.execute(wanted).one_or_none()
    if asked is None:
        raise NotFound("withdrawal_unknown", f"There is no withdrawal request {withdrawal_id}.")
    ensure_reach_in(connection, principal, ANSWER, asked.year, asked.unit_id)


def withdrawals_of(connection: Connection, principal: Principal, query: dict[str, Any]) -> Page[Row[Any]]:
    """The requests of units that the principal may read of in order of id, a page at a time."""
    reach = reach_of(connection, principal, READ, years_of(connection, YEAR))
    wanted = select(withdrawals).where(reach.of(YEAR, withdrawals.c.unit_id))
    wanted = wanted.order_by(withdrawals.c.id).limit(query["limit"] + 1)
    if query["state"]:
        wanted = wanted.where(withdrawals.c.state == query["state"])
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(withdrawals.c.id > UUID(str(after[0])))
    return page(connection.execute(wanted).all(), query["limit"], lambda row: [str(row.id)])
