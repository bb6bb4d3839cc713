"""Reading decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select

from services.allocation.decisions.events import (
    DecisionApproved,
    DecisionDrafted,
    DecisionIssued,
    DecisionRevised,
    DecisionSentBack,
    DecisionSubmitted,
    DecisionWithdrawn,
)
from services.allocation.decisions.tables import decision_lines, decisions
from services.allocation.units.reach import Reach, foreign, reach_of, years_of
from shared.journal.tables import journal
from shared.kernel.errors import NotFound
from shared.kernel.principals import Principal
from shared.web.pages import Page, decode, page

READ = "decisions.read"
STEPS = {
    DecisionDrafted.TYPE: "drafted",
    DecisionRevised.TYPE: "revised",
    DecisionSubmitted.TYPE: "submitted",
    DecisionApproved.TYPE: "approved",
    DecisionSentBack.TYPE: "sent_back",
    DecisionIssued.TYPE: "issued",
    DecisionWithdrawn.TYPE: "withdrawn",
}


def find_decision(connection: Connection, decision_id: UUID) -> dict[str, Any]:
    """One decision with its lines. Raises: NotFound decision_unknown."""
    row = _row(connection, select(decisions), decision_id)
    lines = connection.execute(
        select(decision_lines)
        .where(decision_lines.c.decision_id == decision_id)
        .order_by(decision_lines.c.position)
    )
    return {**row, "lines": lines.mappings().all()}


def lock_decision(connection: Connection, decision_id: UUID) -> Mapping[Any, Any]:
    """A decision without its lines; it stays at its version until the transaction ends.

    Raises: NotFound decision_unknown.
    """
    return _row(connection, select(decisions).with_for_update(), decision_id)


def ensure_readable(connection: Connection, principal: Principal, decision_id: UUID) -> None:
    """Nothing, where the decision concerns a unit that the principal may read of.

    Raises: NotFound decision_unknown; Denied unit_foreign.
    """
    wanted = select(decisions.c.fiscal_year).where(decisions.c.id == decision_id)
    year = connection.scalar(wanted)
    if year is None:
        raise NotFound("decision_unknown", f"There is no decision {decision_id}.")
    reach = reach_of(connection, principal, READ, [year])
    if connection.scalar(wanted.where(_concerning(reach))) is None:
        raise foreign(READ)


def decisions_page(connection: Connection, principal: Principal, query: dict[str, Any]) -> Page[Any]:
    """Decisions that concern a unit which the principal may read of, without their lines, a page at a time.

    Shape: in order of id, or against it.
    """
    newest, year = query["newest"], query["fiscal_year"]
    years = years_of(connection, decisions.c.fiscal_year) if year is None else [year]
    reach = reach_of(connection, principal, READ, years)
    order = decisions.c.id.desc() if newest else decisions.c.id
    wanted = select(decisions).where(_concerning(reach)).order_by(order).limit(query["limit"] + 1)
    for name in ("state", "kind", "component", "fiscal_year"):
        if query[name] is not None:
            wanted = wanted.where(decisions.c[name] == query[name])
    after = decode(query["cursor"], UUID)
    if after is not None:
        last = UUID(str(after[0]))
        wanted = wanted.where(decisions.c.id < last if newest else decisions.c.id > last)
    return page(connection.execute(wanted).all(), query["limit"], lambda row: [str(row.id)])


def history_page(connection: Connection, decision_id: UUID, query: dict[str, Any]) -> Page[Any]:
    """The steps of a decision as the journal has them, oldest first.

    An issue of many lines stands in several rows of one act; it is one step.
    Raises: NotFound decision_unknown.
    """
    _row(connection, select(decisions.c.id), decision_id)
    columns = [journal.c[name] for name in ("type", "occurred_at", "actor", "reason", "backdated")]
    seq = func.min(journal.c.seq)
    wanted = (
        select(seq.label("seq"), func.min(journal.c.recorded_at).label("recorded_at"), *columns)
        .where(journal.c.type.in_(STEPS), journal.c.key == str(decision_id))
        .group_by(journal.c.xid, *columns)
        .order_by(seq)
        .limit(query["limit"] + 1)
    )
    after = decode(query["cursor"], int)
    if after is not None:
        wanted = wanted.having(seq > int(after[0]))
    rows = [{**row, "step": STEPS[row["type"]]} for row in connection.execute(wanted).mappings()]
    return page(rows, query["limit"], lambda row: [row["seq"]])


def decisions_of(connection: Connection, lines: Iterable[UUID]) -> dict[UUID, UUID]:
    """The decision that each of the lines belongs to."""
    rows = connection.execute(
        select(decision_lines.c.id, decision_lines.c.decision_id).where(decision_lines.c.id.in_(list(lines)))
    )
    return {row.id: row.decision_id for row in rows}


def _row(connection: Connection, wanted: Select[Any], decision_id: UUID) -> Mapping[Any, Any]:
    found = connection.execute(wanted.where(decisions.c.id == decision_id)).mappings().one_or_none()
    if found is None:
        raise NotFound("decision_unknown", f"There is no decision {decision_id}.")
    return found


def _concerning(reach: Reach) -> ColumnElement[bool]:
    """A decision concerns the unit that issues it, and every unit to which a line gives money."""
    year = decisions.c.fiscal_year
    given = exists().where(
        decision_lines.c.decision_id == decisions.c.id, reach.of(year, decision_lines.c.unit_id)
    )
    return or_(reach.of(year, decisions.c.issuing_unit_id), given)
