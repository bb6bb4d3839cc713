"""Which rows of a year a permission reaches: those of its units as they stood in it, and of all below them.

Money is kept by the year, and a unit that was merged stands under nothing any more; so who holds a permission
for the unit that it stood under last in a year reaches what that year has of it, on whatever day they ask.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Text,
    Uuid,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.allocation.units.forest import Forest, Link
from services.allocation.units.model import Level
from services.allocation.units.tables import unit_parents, units
from shared.db.many import array_of_ids, array_of_numbers
from shared.kernel.errors import Denied
from shared.kernel.principals import Principal

Year = Column[Any] | ColumnElement[int]


@dataclass(frozen=True, slots=True)
class Reach:
    """Units by the year in which they are reached; `whole` are the years that are reached from their top."""

    units: Mapping[int, Collection[UUID]]
    whole: Collection[int]

    def covers(self, year: int, unit_id: UUID | None) -> bool:
        """Whether a row of the year and unit is reached; one of no unit is the whole province's."""
        return year in self.whole if unit_id is None else unit_id in self.units.get(year, ())

    def of(self, year: Year, unit: Column[Any]) -> ColumnElement[bool]:
        """The same, asked of the rows of a table."""
        pairs = [(one, unit_id) for one, found in self.units.items() for unit_id in found]
        listed = select(
            func.unnest(_array(array_of_numbers(one for one, _ in pairs), Integer())),
            func.unnest(_array(array_of_ids(unit_id for _, unit_id in pairs), Uuid())),
        )
        within = tuple_(year, unit).in_(listed)
        if not self.whole:
            return within
        return or_(within, and_(unit.is_(None), year.in_(sorted(self.whole))))


def years_of(connection: Connection, year: Year) -> list[int]:
    """The years that the rows of a table have, the newest first."""
    return list(connection.scalars(select(year).distinct().order_by(year.desc())))


def reach_of(connection: Connection, principal: Principal, permission: str, years: Iterable[int]) -> Reach:
    """What a permission of the principal reaches in some years."""
    held = [UUID(one) for one in principal.units_for(permission)]
    wanted = sorted(set(years))
    found = {year: one.below(held) for year, one in forests(connection, wanted).items()}
    return Reach(found, _whole(connection, held, wanted))


def ensure_reach_in(
    connection: Connection, principal: Principal, permission: str, year: int, unit_id: UUID | None
) -> None:
    """Nothing, where the permission reaches the unit in the year. Raises: Denied unit_foreign."""
    if not reach_of(connection, principal, permission, [year]).covers(year, unit_id):
        raise foreign(permission)


def foreign(permission: str) -> Denied:
    """The refusal of what stands with a unit that the permission is not held for."""
    return Denied(
        "unit_foreign", f"{permission} is not held for this unit; an administrator can give the role for it."
    )


def forests(connection: Connection, years: Iterable[int]) -> dict[int, Forest]:
    """The units of each year, each under what it stood under last in it; one question, however many years."""
    links = connection.execute(select(unit_parents).order_by(unit_parents.c.valid_from)).all()
    found = {}
    for year in years:
        if not MINYEAR <= year <= MAXYEAR:
            continue  # no unit has a date in it
        first, last = date(year, 1, 1), date(year, 12, 31)
        placed = {
            row.unit_id: row.parent_id
            for row in links
            if row.valid_from <= last and (row.valid_to is None or row.valid_to >= first)
        }
        found[year] = Forest.of(Link(unit, parent) for unit, parent in placed.items())
    return found


def _whole(connection: Connection, held: Collection[UUID], years: Collection[int]) -> set[int]:
    """The years in which one of the units stood at the top."""
    tops = connection.execute(
        select(units.c.valid_from, units.c.valid_to).where(
            units.c.level == int(Level.PROVINCE), units.c.id.in_(held)
        )
    ).all()
    return {
        year
        for year in years
        for top in tops
        if top.valid_from.year <= year and (top.valid_to is None or top.valid_to.year >= year)
    }


def _array(written: str, kind: Any) -> ColumnElement[Any]:  # noqa: ANN401 - a type of SQLAlchemy
    return cast(literal(written, Text), ARRAY(kind))
