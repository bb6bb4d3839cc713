"""Rows of sessions and of failures to sign in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.portal.sessions.tables import sessions, sign_in_failures


def blocked_until(connection: Connection, username: str) -> datetime | None:
    """Until when this user name must wait, if it must."""
    return connection.scalar(
        select(sign_in_failures.c.blocked_until).where(sign_in_failures.c.username == username)
    )


def count_failure(connection: Connection, username: str) -> int:
    """How often in a row signing in has failed for this user name."""
    statement = upsert(sign_in_failures).values(username=username, failures=1)
    counted = statement.on_conflict_do_update(
        index_elements=["username"], set_={"failures": sign_in_failures.c.failures + 1}
    ).returning(sign_in_failures.c.failures)
    return int(connection.execute(counted).scalar_one())


def hold_back(connection: Connection, username: str, until: datetime) -> None:
    """Let this user name wait."""
    connection.execute(
        update(sign_in_failures).where(sign_in_failures.c.username == username).values(blocked_until=until)
    )


def forget_failures(connection: Connection, username: str) -> None:
    """A success ends the count."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.username == username))


def open_session(
    connection: Connection, session_id: UUID, user_id: UUID, refresh_hash: str, expires_at: datetime
) -> None:
    """Store a new session."""
    connection.execute(
        insert(sessions).values(
            id=session_id, user_id=user_id, refresh_hash=refresh_hash, expires_at=expires_at
        )
    )


def by_refresh_hash(connection: Connection, refresh_hash: str) -> Row[Any] | None:
    """The session a refresh token belongs to, locked until the transaction ends."""
    return connection.execute(
        select(sessions).where(sessions.c.refresh_hash == refresh_hash).with_for_update()
    ).one_or_none()


def rotate(connection: Connection, session_id: UUID, refresh_hash: str) -> None:
    """Give the session a new refresh token; the old one is worth nothing from now."""
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(refresh_hash=refresh_hash))


def end(connection: Connection, session_id: UUID, at: datetime) -> UUID | None:
    """The account whose session was ended; None where it was over already."""
    ended = update(sessions).where(sessions.c.id == session_id, sessions.c.ended_at.is_(None))
    user_id: UUID | None = connection.scalar(ended.values(ended_at=at).returning(sessions.c.user_id))
    return user_id


def holder_of(connection: Connection, session_id: UUID) -> UUID:
    """The account of a session."""
    user_id: UUID = connection.execute(
        select(sessions.c.user_id).where(sessions.c.id == session_id)
    ).scalar_one()
    return user_id


def open_sessions(connection: Connection, user_id: UUID) -> Sequence[UUID]:
    """The sessions of an account that are not over, locked in order of id."""
    return connection.scalars(
        select(sessions.c.id)
        .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
        .order_by(sessions.c.id)
        .with_for_update()
    ).all()


def end_all(connection: Connection, user_id: UUID, at: datetime) -> None:
    """End every open session of an account."""
    connection.execute(
        update(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
        .values(ended_at=at)
    )
