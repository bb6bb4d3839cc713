"""Rows of visits. What a form held is sealed under a key of its own: it may be about persons."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, insert, select, update

from services.portal.sessions.tables import sessions
from services.portal.users.tables import users
from services.portal.visits.model import Kept, Tokens
from services.portal.visits.tables import visits
from shared.kernel.sealing import SealBroken, Sealer, WrappedKey


def secret_hash(secret: str) -> str:
    """What is stored of the secret in a browser's cookie."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find(connection: Connection, secret: str) -> Row[Any] | None:
    """A visit with its session and that one's user, as far as there are any."""
    return connection.execute(
        select(
            visits,
            sessions.c.user_id,
            sessions.c.expires_at,
            sessions.c.ended_at,
            users.c.username,
            users.c.active,
            users.c.totp_secret.is_not(None).label("has_code"),
        )
        .select_from(
            visits.outerjoin(sessions, sessions.c.id == visits.c.session_id).outerjoin(
                users, users.c.id == sessions.c.user_id
            )
        )
        .where(visits.c.secret_hash == secret_hash(secret))
    ).one_or_none()


def open_visit(connection: Connection, visit_id: UUID, secret: str, language: str, now: datetime) -> None:
    """A new browser has come."""
    connection.execute(
        insert(visits).values(id=visit_id, secret_hash=secret_hash(secret), language=language, seen_at=now)
    )


def change(connection: Connection, visit_id: UUID, **values: Any) -> None:  # noqa: ANN401 - columns of visits
    """Store what has changed about a visit."""
    connection.execute(update(visits).where(visits.c.id == visit_id).values(**values))


def forget_before(connection: Connection, instant: datetime) -> int:
    """The number of visits removed that nobody has come back to."""
    return connection.execute(delete(visits).where(visits.c.seen_at < instant)).rowcount


def keep(connection: Connection, sealer: Sealer, visit_id: UUID, kept: Kept | None) -> None:
    """Store a form that could not be sent, sealed; None forgets it."""
    if kept is None:
        change(connection, visit_id, kept=None, kept_key=None)
        return
    key = sealer.new_key()
    sealed = sealer.seal(key, json.dumps(asdict(kept)), _place(visit_id))
    change(connection, visit_id, kept=sealed, kept_key=bytes(key))


def kept_of(sealer: Sealer, row: Row[Any]) -> Kept | None:
    """The form that a visit keeps; None where there is none, or where it does not open any more."""
    if row.kept is None:
        return None
    try:
        opened: Mapping[str, Any] = json.loads(
            sealer.open(WrappedKey(bytes(row.kept_key)), row.kept, _place(row.id))
        )
    except SealBroken:
        return None
    return Kept(**opened)


def keep_tokens(connection: Connection, sealer: Sealer, visit_id: UUID, tokens: Tokens | None) -> None:
    """Store what another issuer gave, sealed; None forgets it."""
    if tokens is None:
        change(connection, visit_id, tokens=None, tokens_key=None)
        return
    key = sealer.new_key()
    sealed = sealer.seal(key, json.dumps(asdict(tokens)), _place(visit_id, "tokens"))
    change(connection, visit_id, tokens=sealed, tokens_key=bytes(key))


def tokens_of(sealer: Sealer, row: Row[Any]) -> Tokens | None:
    """What another issuer gave for the person of a visit, as far as it opens."""
    if row.tokens is None:
        return None
    try:
        opened = sealer.open(WrappedKey(bytes(row.tokens_key)), row.tokens, _place(row.id, "tokens"))
    except SealBroken:
        return None
    return Tokens(**json.loads(opened))


def _place(visit_id: UUID, field: str = "kept") -> str:
    return f"visits/{visit_id}/{field}"
