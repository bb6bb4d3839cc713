"""Visits: one browser each, whoever sits before it; and what a broken-off form held."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, LargeBinary, Table, Text, Uuid, func

from services.portal.metadata import metadata
from shared.db.types import instant

visits = Table(
    "visits",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("session_id", Uuid, ForeignKey("sessions.id"), index=True),
    Column("holder", Text, nullable=False, server_default=""),
    Column("tokens_key", LargeBinary),
    Column("tokens", Text),
    Column("language", Text, nullable=False, server_default="vi"),
    Column("scale", Text, nullable=False, server_default="dong"),
    Column("business_date", Date),
    Column("locked_at", instant()),
    Column("kept_key", LargeBinary),
    Column("kept", Text),
    Column("seen_at", instant(), nullable=False, server_default=func.now()),
    info={"grants": "SELECT, INSERT, UPDATE, DELETE"},
)
