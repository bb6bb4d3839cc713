"""Keeping the tree of units."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert

from services.portal.units.tables import unit_parents
from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope


def keep_units(work: Work, item: Envelope) -> None:
    """Take over the parents of the units that allocation loaded."""
    rows = [
        {
            "unit_id": UUID(unit["unit_id"]),
            "parent_id": UUID(parent["parent_id"]),
            "valid_from": date.fromisoformat(parent["valid_from"]),
            "valid_to": date.fromisoformat(parent["valid_to"]) if parent["valid_to"] else None,
        }
        for unit in item.payload()["items"]
        for parent in unit["parents"]
    ]
    if rows:
        statement = upsert(unit_parents)
        work.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["unit_id", "parent_id", "valid_from"],
                set_={"valid_to": statement.excluded.valid_to},
            ),
            rows,
        )
