"""Walking up a tree of units whose links hold for spans of time.

Several services keep such a tree in a table `unit_parents` (unit_id, parent_id, valid_from, valid_to): the
owner of units as its record, the others as a read model.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from shared.db.many import array_of_ids

DEPTH_MAX = 6

ANCESTORS = text(
    """
    WITH RECURSIVE up(id, depth) AS (
        SELECT CAST(:unit AS uuid), 0
        UNION ALL
        SELECT p.parent_id, up.depth + 1 FROM up JOIN unit_parents p ON p.unit_id = up.id
        AND p.valid_from <= :on AND (p.valid_to IS NULL OR p.valid_to >= :on)
        WHERE up.depth < :depth
    )
    SELECT id FROM up ORDER BY depth
    """
)


def with_ancestors(connection: Connection, unit_id: UUID, on: date) -> list[UUID]:
    """The unit and everything above it on a day, nearest first. Bounds: at most six steps up."""
    return list(connection.scalars(ANCESTORS, {"unit": unit_id, "on": on, "depth": DEPTH_MAX}))


DESCENDANTS = text(
    """
    WITH RECURSIVE down(id, depth) AS (
        SELECT unnest(CAST(:units AS uuid[])), 0
        UNION
        SELECT p.unit_id, down.depth + 1 FROM down JOIN unit_parents p ON p.parent_id = down.id
        AND p.valid_from <= :on AND (p.valid_to IS NULL OR p.valid_to >= :on)
        WHERE down.depth < :depth
    )
    SELECT DISTINCT id FROM down
    """
)


def with_descendants(connection: Connection, unit_ids: Iterable[UUID], on: date) -> list[UUID]:
    """The units and everything below them on a day. Bounds: at most six steps down."""
    bound = {"units": array_of_ids(list(unit_ids)), "on": on, "depth": DEPTH_MAX}
    return list(connection.scalars(DESCENDANTS, bound))
