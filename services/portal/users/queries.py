"""Finding the people who must act."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, or_, select

from services.portal.roles.model import catalogue
from services.portal.users.tables import assignments, users
from shared.db.trees import with_ancestors

CONTACTS_MAX = 500


def holders(
    connection: Connection, permission: str, unit_id: UUID | None, on: date
) -> Sequence[Row[Any, Any, Any, Any, Any]]:
    """Everybody who holds a permission for a unit on a day, by any role and through any unit above it.

    Bounds: at most 500.
    """
    roles = [name for name, role in catalogue().items() if permission in role.permissions]
    query = (
        select(
            users.c.id.label("user_id"), users.c.display_name, users.c.email, users.c.phone, users.c.language
        )
        .distinct()
        .join(assignments, assignments.c.user_id == users.c.id)
        .where(
            users.c.active,
            users.c.kind == "person",
            assignments.c.role.in_(roles),
            assignments.c.from_on <= on,
            or_(assignments.c.to_on.is_(None), assignments.c.to_on >= on),
        )
        .order_by(users.c.id)
        .limit(CONTACTS_MAX)
    )
    if unit_id is not None:
        query = query.where(assignments.c.unit_id.in_(with_ancestors(connection, unit_id, on)))
    return connection.execute(query).all()
