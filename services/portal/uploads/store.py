"""Rows of files that wait. Names and pieces are sealed under each file's key: they may be about persons."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from services.portal.uploads.commands import BeginUpload
from services.portal.uploads.model import KEPT_AFTER_USE, KEPT_FOR, Upload
from services.portal.uploads.tables import upload_pieces, uploads
from shared.kernel.sealing import Sealer, WrappedKey

PIECES_READ = 8  # at once, of at most a megabyte each
LOCK_BEGINNING = text("SELECT pg_advisory_xact_lock(hashtextextended('uploads', 0))")


def wait_turn(connection: Connection) -> None:
    """Files begin one after the other, so that together they keep to what may wait."""
    connection.execute(LOCK_BEGINNING)


def add(connection: Connection, sealer: Sealer, command: BeginUpload, now: datetime) -> Upload:
    """A file of which nothing is here yet."""
    key = sealer.new_key()
    connection.execute(
        insert(uploads).values(
            id=command.upload_id,
            person=command.person,
            form=command.form,
            key=bytes(key),
            name=sealer.seal(key, command.name, _place(command.upload_id, "name")),
            modified=command.modified,
            length=command.length,
            touched_at=now,
            expires_at=now + KEPT_FOR,
        )
    )
    return Upload(
        command.upload_id,
        command.form,
        command.name,
        command.modified,
        command.length,
        0,
        used=False,
        touched_at=now,
        expires_at=now + KEPT_FOR,
    )


def find(
    connection: Connection, sealer: Sealer, person: str, upload_id: UUID, now: datetime, *, lock: bool = False
) -> Upload | None:
    """A person's file; None where there is none of this person, or not any more.

    With `lock` nobody else changes it until the transaction ends.
    """
    query = select(uploads).where(
        uploads.c.id == upload_id, uploads.c.person == person, uploads.c.expires_at > now
    )
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return _upload(sealer, row) if row is not None else None


def of_person(
    connection: Connection, sealer: Sealer, person: str, now: datetime, form: str | None = None
) -> list[Upload]:
    """A person's files, for one form or all, the newest first."""
    query = select(uploads).where(uploads.c.person == person, uploads.c.expires_at > now)
    if form is not None:
        query = query.where(uploads.c.form == form)
    return [_upload(sealer, row) for row in connection.execute(query.order_by(uploads.c.touched_at.desc()))]


def append(connection: Connection, sealer: Sealer, upload: Upload, content: bytes, now: datetime) -> Upload:
    """The file with more of it here; `upload` is locked, and the content begins where it ends."""
    key = _key(connection, upload.id)
    connection.execute(
        insert(upload_pieces).values(
            upload_id=upload.id,
            first_byte=upload.received,
            size=len(content),
            sealed=sealer.seal_bytes(key, content, _place(upload.id, upload.received)),
        )
    )
    received = upload.received + len(content)
    grown = replace(upload, received=received, touched_at=now, expires_at=now + KEPT_FOR)
    values = {"received": received, "touched_at": now, "expires_at": grown.expires_at}
    connection.execute(update(uploads).where(uploads.c.id == upload.id).values(**values))
    return grown


def pieces(connection: Connection, sealer: Sealer, upload_id: UUID, offset: int) -> list[bytes]:
    """What follows from there on, in its order; nothing at the end. Bounds: PIECES_READ pieces."""
    rows = connection.execute(
        select(upload_pieces.c.first_byte, upload_pieces.c.sealed)
        .where(upload_pieces.c.upload_id == upload_id, upload_pieces.c.first_byte >= offset)
        .order_by(upload_pieces.c.first_byte)
        .limit(PIECES_READ)
    ).all()
    if not rows:
        return []
    key = _key(connection, upload_id)
    return [sealer.open_bytes(key, bytes(row.sealed), _place(upload_id, row.first_byte)) for row in rows]


def mark_used(connection: Connection, person: str, upload_ids: Collection[UUID], now: datetime) -> None:
    """Files whose form was taken stay a little, for who sends it twice."""
    connection.execute(
        update(uploads)
        .where(uploads.c.id.in_(upload_ids), uploads.c.person == person)
        .values(used=True, expires_at=now + KEPT_AFTER_USE)
    )


def forget(connection: Connection, person: str, upload_ids: Sequence[UUID]) -> int:
    """The number of a person's files that were removed."""
    return connection.execute(
        delete(uploads).where(uploads.c.id.in_(upload_ids), uploads.c.person == person)
    ).rowcount


def forget_expired(connection: Connection, now: datetime) -> int:
    """The number of files removed that waited for too long."""
    return connection.execute(delete(uploads).where(uploads.c.expires_at <= now)).rowcount


def waiting_bytes(connection: Connection) -> int:
    """How many bytes the files of everybody have, with those that are still to come."""
    return int(connection.scalar(select(func.coalesce(func.sum(uploads.c.length), 0))) or 0)


def _key(connection: Connection, upload_id: UUID) -> WrappedKey:
    return WrappedKey(bytes(connection.scalars(select(uploads.c.key).where(uploads.c.id == upload_id)).one()))


def _upload(sealer: Sealer, row: Row[Any]) -> Upload:
    return Upload(
        row.id,
        row.form,
        sealer.open(WrappedKey(bytes(row.key)), row.name, _place(row.id, "name")),
        row.modified,
        row.length,
        row.received,
        row.used,
        row.touched_at,
        row.expires_at,
    )


def _place(upload_id: UUID, part: str | int) -> str:
    return f"uploads/{upload_id}/{part}"
