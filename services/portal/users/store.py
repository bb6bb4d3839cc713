"""Rows of accounts and their roles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, or_, select, update

from services.portal.users.commands import Assignment, CreateUser
from services.portal.users.factors import SealedFactor
from services.portal.users.tables import assignments, users


def add(connection: Connection, command: CreateUser, password_hash: str, factor: SealedFactor | None) -> None:
    """Store a new account with its roles."""
    connection.execute(
        insert(users).values(
            id=command.user_id,
            username=command.username,
            display_name=command.display_name,
            kind=command.kind,
            unit_id=command.unit_id,
            email=command.email,
            phone=command.phone,
            language=command.language,
            password_hash=password_hash,
            totp_key=factor.key if factor else None,
            totp_secret=factor.secret if factor else None,
        )
    )
    if command.assignments:
        connection.execute(insert(assignments), [_row(command.user_id, one) for one in command.assignments])


def by_username(connection: Connection, username: str) -> Row[Any] | None:
    """The account of a user name, locked until the transaction ends."""
    return connection.execute(
        select(users).where(users.c.username == username).with_for_update()
    ).one_or_none()


def by_id(connection: Connection, user_id: UUID) -> Row[Any] | None:
    """The account of an id."""
    return connection.execute(select(users).where(users.c.id == user_id)).one_or_none()


def id_of(connection: Connection, username: str) -> str | None:
    """The id of the account with a user name."""
    found = connection.scalar(select(users.c.id).where(users.c.username == username))
    return str(found) if found else None


def names_of(connection: Connection, user_ids: Collection[UUID]) -> dict[str, str]:
    """The names of accounts by their ids, as far as there are such accounts."""
    rows = connection.execute(select(users.c.id, users.c.display_name).where(users.c.id.in_(user_ids)))
    return {str(row.id): str(row.display_name) for row in rows}


def anybody(connection: Connection) -> bool:
    """Whether there is an account at all."""
    return connection.execute(select(users.c.id).limit(1)).one_or_none() is not None


def assignments_of(connection: Connection, user_id: UUID, on: date) -> Sequence[Row[Any, Any, Any]]:
    """The roles an account holds on a day."""
    return connection.execute(
        select(assignments.c.role, assignments.c.unit_id, assignments.c.to_on)
        .where(
            assignments.c.user_id == user_id,
            assignments.c.from_on <= on,
            or_(assignments.c.to_on.is_(None), assignments.c.to_on >= on),
        )
        .order_by(assignments.c.number)
    ).all()


def set_totp_step(connection: Connection, user_id: UUID, step: int) -> None:
    """Remember the time step whose code was used, so that it cannot be used again."""
    connection.execute(update(users).where(users.c.id == user_id).values(totp_step=step))


def set_password(connection: Connection, user_id: UUID, password_hash: str) -> None:
    """Replace the password of an account."""
    connection.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(password_hash=password_hash, version=users.c.version + 1)
    )


def block(connection: Connection, user_id: UUID) -> bool:
    """Whether the account was active and is blocked now."""
    blocked = connection.execute(
        update(users)
        .where(users.c.id == user_id, users.c.active)
        .values(active=False, version=users.c.version + 1)
    )
    return blocked.rowcount == 1


def _row(user_id: UUID, one: Assignment) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "role": one.role,
        "unit_id": one.unit_id,
        "from_on": one.from_on,
        "to_on": one.to_on,
    }
