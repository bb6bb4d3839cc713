"""Sessions with the hash of their refresh token, and counted failures."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table, Text, Uuid, func

from services.portal.metadata import metadata
from shared.db.types import instant

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("refresh_hash", Text, nullable=False, unique=True),
    Column("begun_at", instant(), nullable=False, server_default=func.now()),
    Column("expires_at", instant(), nullable=False),
    Column("ended_at", instant()),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("username", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("blocked_until", instant()),
    info={"grants": "SELECT, INSERT, UPDATE, DELETE"},
)
