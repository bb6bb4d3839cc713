"""What people must hear of: one message per fact and occasion, before anybody is looked up."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB

from services.notifications.metadata import metadata
from shared.db.types import instant

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("permission", Text, nullable=False),
    Column("unit_id", Text),
    Column("facts", JSONB, nullable=False),
    Column("channels", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", instant(), nullable=False, server_default=func.now()),
    Column("created_at", instant(), nullable=False, server_default=func.now()),
    CheckConstraint("state IN ('pending', 'addressed', 'dead')", name="state"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

Index("ix_messages_due", messages.c.next_attempt_at, postgresql_where=messages.c.state == "pending")
