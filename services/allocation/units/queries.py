"""Units as they stood on a day, and which of them a permission reaches."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, and_, func, or_, select

from services.allocation.units.model import Change, Level, Parent, Registry, Succession, Unit
from services.allocation.units.tables import unit_parents, unit_successions, units
from shared.db.trees import with_ancestors
from shared.kernel.errors import Denied
from shared.kernel.principals import Principal
from shared.web.pages import Page, Small, decode, page


def units_on(connection: Connection, query: dict[str, Any], on: date) -> Page[RowMapping]:
    """The units valid on a day with what each stands under, by level and code, a page at a time."""
    placed = and_(
        unit_parents.c.unit_id == units.c.id,
        unit_parents.c.valid_from <= on,
        or_(unit_parents.c.valid_to.is_(None), unit_parents.c.valid_to >= on),
    )
    wanted = (
        select(units, unit_parents.c.parent_id)
        .outerjoin(unit_parents, placed)
        .where(units.c.valid_from <= on, or_(units.c.valid_to.is_(None), units.c.valid_to >= on))
        .order_by(units.c.level, units.c.code)
        .limit(query["limit"] + 1)
    )
    if query["level"] is not None:
        wanted = wanted.where(units.c.level == query["level"])
    if query["parent_id"] is not None:
        wanted = wanted.where(unit_parents.c.parent_id == query["parent_id"])
    after = decode(query["cursor"], Small, str)
    if after is not None:
        wanted = wanted.where(
            or_(
                units.c.level > int(after[0]),
                and_(units.c.level == int(after[0]), units.c.code > str(after[1])),
            )
        )
    rows = connection.execute(wanted).mappings().all()
    return page(rows, query["limit"], lambda row: [row["level"], row["code"]])


def registry(connection: Connection) -> Registry:
    """Every unit, link and succession that is stored."""
    found = tuple(
        Unit(
            row.id,
            row.code,
            row.name,
            row.kind,
            Level(row.level),
            row.valid_from,
            row.valid_to,
            row.assumed,
            row.predecessor_text,
        )
        for row in connection.execute(select(units).order_by(units.c.level, units.c.code))
    )
    links = tuple(
        Parent(row.unit_id, row.parent_id, row.valid_from, row.valid_to)
        for row in connection.execute(select(unit_parents))
    )
    steps = tuple(
        Succession(row.predecessor_id, row.successor_id, row.on, Change(row.kind), row.share_ppm)
        for row in connection.execute(select(unit_successions))
    )
    return Registry(found, links, steps, min((unit.valid_from for unit in found), default=date.max))


def count(connection: Connection) -> int:
    """The number of units that ever were."""
    return int(connection.scalar(select(func.count()).select_from(units)) or 0)


def ensure_reach(
    connection: Connection, principal: Principal, permission: str, unit_id: UUID, on: date
) -> None:
    """Nothing, where the principal holds the permission for the unit or for one above it.

    Raises: Denied unit_foreign.
    """
    held_for = principal.units_for(permission)
    if str(unit_id) in held_for:
        return
    if {str(unit) for unit in with_ancestors(connection, unit_id, on)}.isdisjoint(held_for):
        raise Denied(
            "unit_foreign",
            f"{permission} is not held for this unit; an administrator can give the role for it.",
        )


def ensure_reach_of_all(connection: Connection, principal: Principal, permission: str, on: date) -> None:
    """Nothing, where the principal holds the permission for every unit that stands at the top on the day.

    Raises: Denied unit_foreign.
    """
    tops = connection.scalars(
        select(units.c.id).where(
            units.c.level == int(Level.PROVINCE),
            units.c.valid_from <= on,
            or_(units.c.valid_to.is_(None), units.c.valid_to >= on),
        )
    ).all()
    for unit_id in tops:
        ensure_reach(connection, principal, permission, unit_id, on)
