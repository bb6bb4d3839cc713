"""Rows of decisions <-> the aggregate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, insert, select, update

from services.allocation.decisions.model import Decision, DecisionKind, Header, Line, State
from services.allocation.decisions.tables import decision_lines, decisions
from services.allocation.ledger.model import CapitalKind
from shared.kernel.errors import Conflict, NotFound


def add(connection: Connection, decision: Decision) -> None:
    """Store a new decision with its lines."""
    connection.execute(
        insert(decisions).values(
            id=decision.id,
            **_columns(decision.header),
            state=decision.state.value,
            total_vnd=decision.total_vnd,
            prepared_by=decision.prepared_by,
            makers=list(decision.makers),
            version=decision.version,
        )
    )
    _add_lines(connection, decision)


def load(connection: Connection, decision_id: UUID) -> Decision:
    """A decision, locked until the transaction ends. Raises: NotFound decision_unknown."""
    row = connection.execute(
        select(decisions).where(decisions.c.id == decision_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("decision_unknown", f"There is no decision {decision_id}.")
    return _decision(row, lines_of(connection, decision_id))


def save(connection: Connection, before: Decision, state: State, **changed: Any) -> None:  # noqa: ANN401
    """Store the new state and what changed with it. Raises: Conflict decision_changed after a lost race."""
    saved = connection.execute(
        update(decisions)
        .where(decisions.c.id == before.id, decisions.c.version == before.version)
        .values(state=state.value, version=before.version + 1, **changed)
    )
    if saved.rowcount != 1:
        raise Conflict("decision_changed", "Somebody else changed this decision just now; read it again.")


def rewrite(connection: Connection, before: Decision, after: Decision) -> None:
    """Store the header and the lines of `after` in place of those of `before`.

    Raises: Conflict decision_changed after a lost race.
    """
    save(
        connection,
        before,
        after.state,
        **_columns(after.header),
        total_vnd=after.total_vnd,
        prepared_by=after.prepared_by,
        makers=list(after.makers),
        approved_by=after.approved_by,
    )
    connection.execute(delete(decision_lines).where(decision_lines.c.decision_id == before.id))
    _add_lines(connection, after)


def lines_of(connection: Connection, decision_id: UUID) -> list[Line]:
    """The lines of a decision in their order."""
    rows = connection.execute(
        select(decision_lines)
        .where(decision_lines.c.decision_id == decision_id)
        .order_by(decision_lines.c.position)
    )
    return [
        Line(
            row.id,
            row.position,
            row.label,
            row.text,
            row.unit_id,
            row.article_id,
            row.amount_vnd,
            row.quantity,
            row.note,
        )
        for row in rows
    ]


def _columns(header: Header) -> dict[str, Any]:
    return {name: getattr(header, name) for name in header.__slots__}


def _add_lines(connection: Connection, decision: Decision) -> None:
    rows = [
        {name: getattr(line, name) for name in line.__slots__} | {"decision_id": decision.id}
        for line in decision.lines
    ]
    connection.execute(insert(decision_lines), rows)


def _decision(row: Row[Any], lines: list[Line]) -> Decision:
    header = Header(
        kind=DecisionKind(row.kind),
        title=row.title,
        fiscal_year=row.fiscal_year,
        component=row.component,
        source=row.source,
        capital_kind=CapitalKind(row.capital_kind),
        issuing_unit_id=row.issuing_unit_id,
        demonstration=row.demonstration,
        document=row.document,
        arithmetic=row.arithmetic,
    )
    return Decision(
        id=row.id,
        header=header,
        state=State(row.state),
        prepared_by=row.prepared_by,
        approved_by=row.approved_by,
        version=row.version,
        lines=lines,
        makers=tuple(row.makers),
    )
