"""Rows of messages and deliveries, taken in small leases so that several senders never take the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.notifications.deliveries.model import ATTEMPTS_MAX, RANK, State, back_off
from services.notifications.deliveries.tables import deliveries
from services.notifications.messages.tables import messages
from shared.kernel.ids import id_of

LEASE = timedelta(seconds=30)


def lease_messages(connection: Connection, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Messages whose recipients are to be found, ours for 30 seconds."""
    due = (
        select(messages.c.id)
        .where(messages.c.state == "pending", messages.c.next_attempt_at <= now)
        .order_by(messages.c.next_attempt_at, messages.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(
        update(messages)
        .where(messages.c.id.in_(due.scalar_subquery()))
        .values(next_attempt_at=now + LEASE, attempts=messages.c.attempts + 1)
        .returning(messages)
    ).all()


def address(connection: Connection, message: Row[Any], contacts: Sequence[dict[str, Any]]) -> None:
    """One delivery for each person and channel that reaches them; the message is addressed."""
    wanted = message.channels.split(",")
    rows = [
        {
            "id": id_of("delivery", message.id, contact["user_id"], channel),
            "message_id": message.id,
            "user_id": contact["user_id"],
            "language": contact["language"],
            "channel": channel,
            "state": (State.DELIVERED if channel == "in_app" else State.QUEUED).value,
            "rank": RANK[State.DELIVERED if channel == "in_app" else State.QUEUED],
        }
        for contact in contacts
        for channel in wanted
        if channel == "in_app" or contact[{"email": "email", "sms": "phone"}[channel]]
    ]
    if rows:
        connection.execute(
            upsert(deliveries).on_conflict_do_nothing(index_elements=["message_id", "user_id", "channel"]),
            rows,
        )
    connection.execute(update(messages).where(messages.c.id == message.id).values(state="addressed"))


def put_off(connection: Connection, message: Row[Any], now: datetime) -> None:
    """Look for the recipients again later; after the last attempt the message is dead."""
    state = "dead" if message.attempts >= ATTEMPTS_MAX else "pending"
    connection.execute(
        update(messages)
        .where(messages.c.id == message.id)
        .values(state=state, next_attempt_at=now + back_off(message.attempts))
    )


def lease_deliveries(connection: Connection, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Deliveries that are due, ours for 30 seconds, each with the message it carries."""
    due = (
        select(deliveries.c.id)
        .where(deliveries.c.state == State.QUEUED.value, deliveries.c.next_attempt_at <= now)
        .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(due.scalar_subquery()), messages.c.id == deliveries.c.message_id)
        .values(next_attempt_at=now + LEASE, attempts=deliveries.c.attempts + 1)
        .returning(
            deliveries.c.id,
            deliveries.c.user_id,
            deliveries.c.language,
            deliveries.c.channel,
            deliveries.c.attempts,
            messages.c.template,
            messages.c.facts,
            messages.c.permission,
            messages.c.unit_id,
        )
    ).all()


def advance(connection: Connection, delivery_id: UUID, state: State) -> bool:
    """Whether the delivery moved up to the state; a lower or equal one changes nothing."""
    moved = connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.rank < RANK[state])
        .values(state=state.value, rank=RANK[state])
    )
    return moved.rowcount == 1


def fail(connection: Connection, delivery: Row[Any], now: datetime, failure: str) -> None:
    """Try again later; after the last attempt the delivery has failed for good."""
    if delivery.attempts >= ATTEMPTS_MAX:
        advance(connection, delivery.id, State.FAILED)
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery.id)
        .values(next_attempt_at=now + back_off(delivery.attempts), failure=failure[:500])
    )


def inbox_of(
    connection: Connection, user_id: str, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any, Any, Any, Any, Any, Any]]:
    """A person's own messages, newest first."""
    query = (
        select(
            deliveries.c.id,
            deliveries.c.language,
            deliveries.c.read_at,
            deliveries.c.created_at,
            messages.c.template,
            messages.c.facts,
        )
        .join(messages, messages.c.id == deliveries.c.message_id)
        .where(deliveries.c.user_id == user_id, deliveries.c.channel == "in_app")
        .order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(
            (deliveries.c.created_at < before[0])
            | ((deliveries.c.created_at == before[0]) & (deliveries.c.id < before[1]))
        )
    return connection.execute(query).all()


def mark_read(connection: Connection, delivery_id: UUID, user_id: str, now: datetime) -> bool:
    """Whether the person has such a message; it is read now, if it was not before."""
    found = connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.user_id == user_id)
        .values(read_at=func.coalesce(deliveries.c.read_at, now))
    )
    return found.rowcount == 1
