"""Keeping the names of units."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.notifications.units.tables import unit_names
from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope


def keep_names(work: Work, item: Envelope) -> None:
    """Take over the names of the units that allocation loaded."""
    rows = [{"id": UUID(unit["unit_id"]), "name": unit["name"]} for unit in item.payload()["items"]]
    statement = upsert(unit_names)
    work.connection.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"name": statement.excluded.name}), rows
    )


def name_of(connection: Connection, unit_id: str | None) -> str:
    """The name of a unit, or an empty text where none is known."""
    if unit_id is None:
        return ""
    return str(connection.scalar(select(unit_names.c.name).where(unit_names.c.id == UUID(unit_id))) or "")
