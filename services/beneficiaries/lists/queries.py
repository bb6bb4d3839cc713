"""Reading lists and payments, a page at a time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from services.beneficiaries.lists.store import owed_by
from services.beneficiaries.lists.tables import lists, payments
from shared.kernel.errors import NotFound
from shared.web.pages import Page, decode, page


def find_list(connection: Connection, list_id: UUID) -> Row[Any]:
    """One list. Raises: NotFound list_unknown."""
    row = connection.execute(select(lists).where(lists.c.id == list_id)).one_or_none()
    if row is None:
        raise NotFound("list_unknown", f"There is no payment list {list_id}.")
    return row


def lists_of(connection: Connection, query: dict[str, Any]) -> Page[Row[Any]]:
    """The lists of a month in order of id."""
    wanted = (
        select(lists).where(lists.c.period == query["period"]).order_by(lists.c.id).limit(query["limit"] + 1)
    )
    if query["state"]:
        wanted = wanted.where(lists.c.state == query["state"])
    if query["unit_id"]:
        wanted = wanted.where(lists.c.unit_id == query["unit_id"])
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(lists.c.id > UUID(str(after[0])))
    return page(connection.execute(wanted).all(), query["limit"], lambda row: [str(row.id)])


def payments_of(connection: Connection, list_id: UUID, query: dict[str, Any]) -> Page[dict[str, Any]]:
    """The payments of a list in order of id, each with how its amount came about."""
    wanted = (
        select(payments)
        .where(payments.c.list_id == list_id)
        .order_by(payments.c.id)
        .limit(query["limit"] + 1)
    )
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(payments.c.id > UUID(str(after[0])))
    found = connection.execute(wanted).mappings().all()
    owed = owed_by(connection, {row["id"]: row["reissue_of"] for row in found})
    shown = [{**row, "obligations": owed[row["id"]]} for row in found]
    return page(shown, query["limit"], lambda row: [str(row["id"])])
