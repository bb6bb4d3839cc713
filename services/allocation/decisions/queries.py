"""Reading decisions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from services.allocation.decisions.tables import decision_lines, decisions
from shared.kernel.errors import NotFound
from shared.web.pages import Page, decode, page


def find_decision(connection: Connection, decision_id: UUID) -> dict[str, Any]:
    """One decision with its lines. Raises: NotFound decision_unknown."""
    row = connection.execute(select(decisions).where(decisions.c.id == decision_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("decision_unknown", f"There is no decision {decision_id}.")
    lines = connection.execute(
        select(decision_lines)
        .where(decision_lines.c.decision_id == decision_id)
        .order_by(decision_lines.c.position)
    )
    return {**row, "lines": lines.mappings().all()}


def decisions_page(connection: Connection, query: dict[str, Any]) -> Page[Any]:
    """Decisions in order of id, without their lines, a page at a time."""
    wanted = select(decisions).order_by(decisions.c.id).limit(query["limit"] + 1)
    for name in ("state", "kind", "component"):
        if query[name] is not None:
            wanted = wanted.where(decisions.c[name] == query[name])
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(decisions.c.id > UUID(str(after[0])))
    return page(connection.execute(wanted).all(), query["limit"], lambda row: [str(row.id)])


def decisions_of(connection: Connection, lines: Iterable[UUID]) -> dict[UUID, UUID]:
    """The decision that each of the lines belongs to."""
    rows = connection.execute(
        select(decision_lines.c.id, decision_lines.c.decision_id).where(decision_lines.c.id.in_(list(lines)))
    )
    return {row.id: row.decision_id for row in rows}
