"""Keeping the tree of units and walking it upwards."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert as upsert

from services.portal.units.tables import unit_parents
from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope

DEPTH_MAX = 6


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


def with_ancestors(connection: Connection, unit_id: UUID, on: date) -> list[UUID]:
    """The unit and everything above it on a day, nearest first."""
    rows = connection.execute(
        text(
            "WITH RECURSIVE up(id, depth) AS (SELECT CAST(:unit AS uuid), 0 UNION ALL "
            "SELECT p.parent_id, up.depth + 1 FROM up JOIN unit_parents p ON p.unit_id = up.id "
            "AND p.valid_from <= :on AND (p.valid_to IS NULL OR p.valid_to >= :on) WHERE up.depth < :depth) "
            "SELECT id FROM up ORDER BY depth"
        ),
        {"unit": unit_id, "on": on, "depth": DEPTH_MAX},
    )
    return [row.id for row in rows]
