"""Rows of messages and deliveries. What a sender has in hand is held by an advisory lock on a connection of
its own: several senders never take the same, and what a dead one held is free at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.notifications.deliveries.model import ATTEMPTS_MAX, RANK, State, back_off
from services.notifications.deliveries.tables import deliveries
from services.notifications.messages.tables import messages
from shared.kernel.ids import id_of

HOLD = text(
    "SELECT id FROM unnest(CAST(:ids AS uuid[])) AS id "
    "WHERE pg_try_advisory_lock(hashtextextended(:kind || '|' || id, 0)) LIMIT :limit"
)


def hold(lock: Connection, kind: str, ids: Sequence[UUID], limit: int) -> Sequence[UUID]:
    """Those of the ids that nobody else has in hand; they are ours until the connection ends."""
    return lock.execute(HOLD, {"kind": kind, "ids": list(ids), "limit": limit}).scalars().all()


def due_messages(connection: Connection, now: datetime, limit: int) -> Sequence[UUID]:
    """Messages whose recipients are to be found, the longest due first."""
    due = (
        select(messages.c.id)
        .where(messages.c.state == "pending", messages.c.next_attempt_at <= now)
        .order_by(messages.c.next_attempt_at, messages.c.id)
        .limit(limit)
    )
    return connection.execute(due).scalars().all()


def take_message(connection: Connection, message_id: UUID, now: datetime) -> Row[Any] | None:
    """The message at the begin of one more attempt; None where it is not due any more."""
    return connection.execute(
        update(messages)
        .where(messages.c.id == message_id, messages.c.state == "pending", messages.c.next_attempt_at <= now)
        .values(attempts=messages.c.attempts + 1)
        .returning(messages)
    ).one_or_none()


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


def due_deliveries(connection: Connection, now: datetime, limit: int) -> Sequence[UUID]:
    """Deliveries that are due, the longest due first."""
    due = (
        select(deliveries.c.id)
        .where(deliveries.c.state == State.QUEUED.value, deliveries.c.next_attempt_at <= now)
        .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
        .limit(limit)
    )
    return connection.execute(due).scalars().all()


def take_delivery(connection: Connection, delivery_id: UUID, now: datetime) -> Row[Any] | None:
    """The delivery with its message, at the begin of one more attempt; None where it is not due any more."""
    return connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id == delivery_id,
            deliveries.c.state == State.QUEUED.value,
            deliveries.c.next_attempt_at <= now,
            messages.c.id == deliveries.c.message_id,
        )
        .values(attempts=deliveries.c.attempts + 1)
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
    ).one_or_none()


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
