"""Reading lists and payments, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, literal, select, tuple_

from services.beneficiaries.lists.store import owed_by
from services.beneficiaries.lists.tables import lists, payments
from shared.db.many import one_of
from shared.kernel.errors import NotFound
from shared.web.pages import Page, decode, page


def find_list(connection: Connection, list_id: UUID) -> Row[Any]:
    """One list. Raises: NotFound list_unknown."""
    row = connection.execute(select(lists).where(lists.c.id == list_id)).one_or_none()
    if row is None:
        raise NotFound("list_unknown", f"There is no payment list {list_id}.")
    return row


def lists_of(connection: Connection, units: Sequence[UUID], query: dict[str, Any]) -> Page[Row[Any]]:
    """The lists of some units in a month, in order of id."""
    wanted = _wanted(units, query).where(lists.c.period == query["period"]).order_by(lists.c.id)
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(lists.c.id > UUID(str(after[0])))
    return page(connection.execute(wanted).all(), query["limit"], lambda row: [str(row.id)])


def newest_lists(connection: Connection, units: Sequence[UUID], query: dict[str, Any]) -> Page[Row[Any]]:
    """The lists of some units, those of the newest month first."""
    key = tuple_(lists.c.period, lists.c.id)
    wanted = _wanted(units, query).order_by(lists.c.period.desc(), lists.c.id.desc())
    after = decode(query["cursor"], date, UUID)
    if after is not None:
        wanted = wanted.where(key < tuple_(literal(f"{after[0]:%Y-%m}"), literal(after[1])))
    found = connection.execute(wanted).all()
    return page(found, query["limit"], lambda row: [f"{row.period}-01", str(row.id)])


def _wanted(units: Sequence[UUID], query: dict[str, Any]) -> Select[Any]:
    wanted = select(lists).where(one_of(lists.c.unit_id, units)).limit(query["limit"] + 1)
    if query["state"]:
        wanted = wanted.where(lists.c.state == query["state"])
    if query["unit_id"]:
        wanted = wanted.where(lists.c.unit_id == query["unit_id"])
    return wanted


def payments_of(connection: Connection, list_id: UUID, query: dict[str, Any]) -> Page[dict[str, Any]]:
    """The payments of a list in order of id, each with how its amount came about."""
    again = payments.alias("again")
    wanted = (
        select(payments, again.c.id.label("reissued_by"))
        .outerjoin(again, again.c.reissue_of == payments.c.id)
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
