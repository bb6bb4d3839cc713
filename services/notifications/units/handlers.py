"""Keeping the names of units."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.notifications.units.tables import unit_names
from shared.db.many import one_of
from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope


def keep_names(work: Work, item: Envelope) -> None:
    """Take over the names of the units that allocation loaded."""
    rows = [{"id": UUID(unit["unit_id"]), "name": unit["name"]} for unit in item.payload()["items"]]
    statement = upsert(unit_names)
    work.connection.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"name": statement.excluded.name}), rows
    )


def names_of(connection: Connection, unit_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The names of the units; those that nobody has named yet are left out."""
    rows = connection.execute(select(unit_names).where(one_of(unit_names.c.id, unit_ids)))
    return {row.id: row.name for row in rows}
