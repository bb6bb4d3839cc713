"""Pressing twice does once: the reply is stored in the transaction of the act and given again to a repeat.

Source: draft-ietf-httpapi-idempotency-key-header-07. Keys belong to their caller; failures burn none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeVar

from flask import Request, Response
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from shared.db.copy import insert_rows
from shared.db.direct import rows_of
from shared.kernel.errors import Conflict, Rejected
from shared.web.replies import replies

Part = TypeVar("Part")

HEADER = "Idempotency-Key"
KEY_CHARS_MAX = 255

TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(lock)s, 0)) AS free"
STORED = f"""
    SELECT request_hash, status, content_type, etag, body
    FROM {replies.name} WHERE principal = %(principal)s AND key = %(key)s
"""
COLUMNS = ("principal", "key", "request_hash", "status", "content_type", "etag", "body")


class KeyMissing(Rejected):
    """A request that moves or promises money carries no key; it is answered with 400."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request under one key."""

    principal: str
    key: str
    request_hash: str

    def claim(self, connection: Connection) -> Response | None:
        """The stored reply of an earlier equal request, or None where this one may run.

        Raises: Conflict request_in_flight while the first still runs; Rejected idempotency_key_reused.
        """
        (lock,) = rows_of(connection, TRY_LOCK, {"lock": f"idempotency|{self.principal}|{self.key}"})
        if not lock.free:
            raise Conflict(
                "request_in_flight", "A request with this Idempotency-Key is still running; wait for it."
            )
        stored = rows_of(connection, STORED, {"principal": self.principal, "key": self.key})
        if not stored:
            return None
        (row,) = stored
        if row.request_hash != self.request_hash:
            raise Rejected(
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request; make a new key for every new act.",
            )
        reply = Response(row.body, row.status, content_type=row.content_type)
        reply.headers["Idempotency-Hit"] = "true"
        if row.etag:
            reply.headers["ETag"] = row.etag
        return reply

    def keep(self, connection: Connection, reply: Response) -> None:
        """Store the reply together with the act."""
        row = (
            self.principal,
            self.key,
            self.request_hash,
            reply.status_code,
            reply.content_type or "application/json",
            reply.headers.get("ETag"),
            reply.get_data(),
        )
        insert_rows(connection, replies, COLUMNS, [row])


def attempt_of(request: Request, principal: str) -> Attempt:
    """The attempt that a request makes.

    Raises: KeyMissing where the header is absent, empty or longer than 255 characters.
    """
    key = request.headers.get(HEADER, "").strip()
    if not key or len(key) > KEY_CHARS_MAX:
        raise KeyMissing(
            "idempotency_key_missing",
            f"Send the header {HEADER} with 1 to {KEY_CHARS_MAX} characters that are new for every act, "
            "so that a repeat after a broken line cannot pay twice.",
        )
    content = hashlib.sha256()
    for part in _content_of(request):
        content.update(part)
    return Attempt(principal, key, content.hexdigest())


def _by_name(parts: MultiDict[str, Part]) -> list[tuple[str, list[Part]]]:
    """The parts of a form in the order of their names; one without a name has the empty one."""
    return sorted(((name or "", values) for name, values in parts.lists()), key=itemgetter(0))


def _content_of(request: Request) -> Iterator[bytes]:
    """What makes a request equal to another. A form counts by its fields and the content of its files: how
    these are framed on their way is different each time that they are sent.
    """
    parts = (request.method, request.full_path, request.headers.get("Business-Date", ""))
    yield "\n".join(parts).encode() + b"\n"
    if not (request.form or request.files):
        yield request.get_data()
        return
    yield json.dumps(_by_name(request.form)).encode()
    for name, files in _by_name(request.files):
        for file in files:
            digest = hashlib.file_digest(file.stream, "sha256")  # type: ignore[arg-type]  # reads from memory or disk
            file.stream.seek(0)
            yield json.dumps([name, file.filename, digest.hexdigest()]).encode()
