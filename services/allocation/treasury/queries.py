"""Reading withdrawal requests."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from services.allocation.funding.tables import withdrawals
from shared.web.pages import Page, decode, page


def withdrawals_of(connection: Connection, query: dict[str, Any]) -> Page[Row[Any]]:
    """Requests in order of id, a page at a time."""
    wanted = select(withdrawals).order_by(withdrawals.c.id).limit(query["limit"] + 1)
    if query["state"]:
        wanted = wanted.where(withdrawals.c.state == query["state"])
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(withdrawals.c.id > UUID(str(after[0])))
    return page(connection.execute(wanted).all(), query["limit"], lambda row: [str(row.id)])
