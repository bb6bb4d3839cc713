"""One row per message, person and channel; addresses are not kept but asked for when sending."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from services.notifications.metadata import metadata
from shared.db.types import instant

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("message_id", Uuid, ForeignKey("messages.id"), nullable=False),
    Column("user_id", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", instant(), nullable=False, server_default=func.now()),
    Column("failure", Text),
    Column("read_at", instant()),
    Column("created_at", instant(), nullable=False, server_default=func.now()),
    UniqueConstraint("message_id", "user_id", "channel"),
    CheckConstraint("channel IN ('in_app', 'email', 'sms')", name="channel"),
    CheckConstraint("state IN ('queued', 'sent', 'delivered', 'failed')", name="state"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

Index("ix_deliveries_due", deliveries.c.next_attempt_at, postgresql_where=deliveries.c.state == "queued")
Index("ix_deliveries_user", deliveries.c.user_id, deliveries.c.created_at, deliveries.c.id)
