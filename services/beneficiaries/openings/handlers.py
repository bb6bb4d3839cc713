"""Taking over months that were paid the old way."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, exists, insert, select, update

from services.beneficiaries.obligations.tables import obligations
from services.beneficiaries.openings.events import OpeningClosed
from services.beneficiaries.openings.tables import openings
from shared.db.unit_of_work import Work
from shared.jobs.tables import jobs
from shared.kernel.approvals import ensure_maker_is_not_checker
from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.kernel.ids import id_of
from shared.kernel.periods import Period


def begin_opening(work: Work, period: Period, document: str) -> UUID:
    """The id of an opening whose rows are about to be read; after a file that failed another may follow.

    Raises: Rejected opening_ahead; Conflict opening_exists, month_computed.
    """
    _ensure_past(work, period)
    opening_id = id_of("opening", period)
    if _has_failed(work.connection, opening_id):
        work.connection.execute(
            update(openings)
            .where(openings.c.id == opening_id)
            .values(document=document, prepared_by=work.act.actor)
        )
        return opening_id
    work.connection.execute(
        insert(openings).values(
            id=opening_id,
            period=str(period),
            state="importing",
            document=document,
            row_count=0,
            total_vnd=0,
            prepared_by=work.act.actor,
        )
    )
    return opening_id


def _ensure_past(work: Work, period: Period) -> None:
    if period > Period.of(work.act.business_date):
        raise Rejected("opening_ahead", f"{period} lies ahead; only a month that was paid is taken over.")
    computed = exists().where(obligations.c.in_period == str(period), obligations.c.opening_id.is_(None))
    if work.connection.scalar(select(computed)):
        raise Conflict("month_computed", f"{period} was computed here; it cannot be taken over as well.")


def _has_failed(connection: Connection, opening_id: UUID) -> bool:
    """Whether this opening waits for rows that no job brings any more."""
    row = connection.execute(
        select(openings.c.state, openings.c.row_count).where(openings.c.id == opening_id).with_for_update()
    ).one_or_none()
    if row is None or row.state != "importing" or row.row_count > 0:
        return False
    alive = exists().where(
        jobs.c.params["opening_id"].astext == str(opening_id), jobs.c.state.in_(["queued", "running"])
    )
    return not connection.scalar(select(alive))


def close_opening(work: Work, opening_id: UUID) -> Row[Any]:
    """The opening, closed by another person than the one who prepared it.

    Raises: NotFound opening_unknown; Conflict opening_not_ready; Denied maker_is_checker.
    """
    row = find(work.connection, opening_id)
    if row.state != "imported":
        raise Conflict(
            "opening_not_ready", f"The opening of {row.period} is {row.state}; it must be imported first."
        )
    ensure_maker_is_not_checker([row.prepared_by], work.act.actor)
    work.connection.execute(
        update(openings)
        .where(openings.c.id == opening_id)
        .values(state="closed", approved_by=work.act.actor, approved_on=work.act.business_date)
    )
    work.record(OpeningClosed(str(opening_id), row.period, row.row_count, row.total_vnd))
    return find(work.connection, opening_id)


def find(connection: Connection, opening_id: UUID) -> Row[Any]:
    """An opening, locked until the transaction ends. Raises: NotFound opening_unknown."""
    row = connection.execute(
        select(openings).where(openings.c.id == opening_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("opening_unknown", f"There is no opening {opening_id}.")
    return row


def open_periods(connection: Connection) -> list[Period]:
    """Every month that was begun to be taken over and is not closed, oldest first."""
    found = connection.scalars(
        select(openings.c.period).where(openings.c.state != "closed").order_by(openings.c.period)
    )
    return [Period.parse(text) for text in found]


def closed_periods(connection: Connection) -> list[Period]:
    """Every month that was taken over and closed, oldest first."""
    found = connection.scalars(
        select(openings.c.period).where(openings.c.state == "closed").order_by(openings.c.period)
    )
    return [Period.parse(text) for text in found]
