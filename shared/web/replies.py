"""The replies that were given to acts, kept in the same transaction so that a repeat gets the same again."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, Table, Text, func

from shared.db import naming
from shared.db.types import instant

metadata = naming.metadata()

replies = Table(
    "idempotency_replies",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("etag", Text),
    Column("body", LargeBinary, nullable=False),
    Column("stored_at", instant(), nullable=False, server_default=func.now()),
)
