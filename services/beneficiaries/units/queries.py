"""Where a unit stands in the tree, and which units a permission reaches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, and_, or_, select

from services.beneficiaries.units.tables import unit_parents, units
from shared.db.trees import with_ancestors, with_descendants
from shared.kernel.errors import Denied
from shared.kernel.principals import Principal

COMMUNE_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune with the unit above it, which is its district until 30/6/2025."""

    id: UUID
    code: str
    name: str
    district_id: UUID


def communes(connection: Connection, on: date) -> dict[str, Commune]:
    """Every commune valid on a day that has a district above it, by its code."""
    valid = and_(units.c.valid_from <= on, or_(units.c.valid_to.is_(None), units.c.valid_to >= on))
    placed = and_(
        unit_parents.c.valid_from <= on, or_(unit_parents.c.valid_to.is_(None), unit_parents.c.valid_to >= on)
    )
    rows = connection.execute(
        select(units.c.id, units.c.code, units.c.name, unit_parents.c.parent_id)
        .join(unit_parents, unit_parents.c.unit_id == units.c.id)
        .where(valid, placed, units.c.level == COMMUNE_LEVEL)
    )
    return {row.code: Commune(row.id, row.code, row.name, row.parent_id) for row in rows}


def names_of(connection: Connection) -> dict[UUID, str]:
    """The name of every unit that ever was."""
    return {row.id: row.name for row in connection.execute(select(units.c.id, units.c.name))}


def ensure_reach(
    connection: Connection, principal: Principal, permission: str, unit_id: UUID, on: date
) -> None:
    """Nothing, where the principal holds the permission for the unit or for one above it.

    Raises: Denied unit_foreign.
    """
    above = {str(unit) for unit in with_ancestors(connection, unit_id, on)}
    if above.isdisjoint(principal.units_for(permission)):
        raise Denied(
            "unit_foreign",
            f"{permission} is not held for this unit; an administrator can give the role for it.",
        )


def reached(connection: Connection, principal: Principal, permission: str, on: date) -> list[UUID]:
    """Every unit for which the principal holds the permission on a day."""
    held = [UUID(unit) for unit in principal.units_for(permission)]
    return with_descendants(connection, held, on)
