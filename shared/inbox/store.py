"""Rows of the inbox: what is new, what waits behind a refused message, what was put aside."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.bus.port import Delivered
from shared.inbox.tables import inbox, inbox_attempts, inbox_topics, quarantine

OPEN_STATES = ("rejected", "behind")


def accept_new(connection: Connection, consumer: str, event_ids: Sequence[str]) -> set[str]:
    """Those of the events that were not received before; they are now."""
    taken = connection.execute(
        text(
            "INSERT INTO inbox (consumer, event_id) SELECT :consumer, unnest(CAST(:ids AS text[])) "
            "ON CONFLICT DO NOTHING RETURNING event_id"
        ),
        {"consumer": consumer, "ids": _array_of_texts(event_ids)},
    )
    return {row.event_id for row in taken}


def received(connection: Connection, consumer: str, event_ids: Sequence[str]) -> set[str]:
    """Those of the events that had their effect, or were dropped, before."""
    wanted = select(inbox.c.event_id).where(inbox.c.consumer == consumer, inbox.c.event_id.in_(event_ids))
    return set(connection.scalars(wanted))


def hold_lanes(connection: Connection, consumer: str, *, alone: bool = False) -> None:
    """Nobody settles quarantined messages while others are taken in, until this transaction ends."""
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    connection.execute(text(f"SELECT {function}(hashtextextended(:name, 0))"), {"name": f"inbox|{consumer}"})


def blocked_keys(connection: Connection, consumer: str) -> set[tuple[str, str]]:
    """Topic and key of every message that others must wait behind."""
    rows = connection.execute(
        select(quarantine.c.topic, quarantine.c.key)
        .distinct()
        .where(quarantine.c.consumer == consumer, quarantine.c.state.in_(OPEN_STATES))
    )
    return {(row.topic, row.key) for row in rows}


def put_aside(
    connection: Connection,
    consumer: str,
    event_id: str,
    delivered: Delivered,
    state: str,
    code: str,
    message: str,
) -> bool:
    """Whether the message is newly in quarantine; one that is there already stays as it is."""
    new = connection.execute(
        upsert(quarantine)
        .values(
            consumer=consumer,
            event_id=event_id,
            topic=delivered.topic,
            key=delivered.key,
            headers=[[name, base64.b64encode(value).decode()] for name, value in delivered.headers],
            value=delivered.value,
            state=state,
            code=code,
            message=message,
        )
        .on_conflict_do_nothing(index_elements=["consumer", "event_id"])
        .returning(quarantine.c.number)
    )
    return new.one_or_none() is not None


def count_attempt(connection: Connection, consumer: str, event_id: str) -> int:
    """How often this message has now brought its consumer down."""
    statement = upsert(inbox_attempts).values(consumer=consumer, event_id=event_id, attempts=1)
    counted = statement.on_conflict_do_update(
        index_elements=["consumer", "event_id"], set_={"attempts": inbox_attempts.c.attempts + 1}
    ).returning(inbox_attempts.c.attempts)
    return int(connection.execute(counted).scalar_one())


def attempts_of(connection: Connection, consumer: str, event_ids: Iterable[str]) -> dict[str, int]:
    """How often each of the messages has brought its consumer down; absent means never."""
    rows = connection.execute(
        select(inbox_attempts.c.event_id, inbox_attempts.c.attempts).where(
            inbox_attempts.c.consumer == consumer, inbox_attempts.c.event_id.in_(list(event_ids))
        )
    )
    return {row.event_id: row.attempts for row in rows}


def known_topic_ids(connection: Connection, consumer: str) -> dict[str, str]:
    """The topic ids the consumer last read from."""
    rows = connection.execute(select(inbox_topics).where(inbox_topics.c.consumer == consumer))
    return {row.topic: row.topic_id for row in rows}


def remember_topic_ids(connection: Connection, consumer: str, topic_ids: dict[str, str]) -> None:
    """Store the topic ids that the consumer reads from now."""
    for topic, topic_id in topic_ids.items():
        connection.execute(
            upsert(inbox_topics)
            .values(consumer=consumer, topic=topic, topic_id=topic_id)
            .on_conflict_do_update(index_elements=["consumer", "topic"], set_={"topic_id": topic_id})
        )


def open_count(connection: Connection) -> int:
    """The number of messages in quarantine that nobody has dealt with."""
    counted = select(func.count()).select_from(quarantine).where(quarantine.c.state.in_(OPEN_STATES))
    return int(connection.scalar(counted) or 0)


def forget_topic_ids(connection: Connection) -> None:
    """Every consumer of this database starts again at the oldest record, as if its topics were new."""
    connection.execute(delete(inbox_topics))


def _array_of_texts(texts: Iterable[str]) -> str:
    """The texts as PostgreSQL writes an array: psycopg takes ten times as long for a list."""
    quoted = ['"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in texts]
    return "{" + ",".join(quoted) + "}"
