"""What was received: every message once, and those that could not be taken with their reason.

Inbox rows are never pruned, so a message has its effect once however often it comes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db import naming
from shared.db.types import instant

metadata = naming.metadata()

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("received_at", instant(), nullable=False, server_default=func.now()),
)

inbox_topics = Table(
    "inbox_topics",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("topic_id", Text, nullable=False),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

inbox_attempts = Table(
    "inbox_attempts",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("attempts", Integer, nullable=False),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("number", BigInteger, Identity(always=True, cache=1), primary_key=True),
    Column("consumer", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("quarantined_at", instant(), nullable=False, server_default=func.now()),
    Column("settled_at", instant()),
    CheckConstraint("state IN ('rejected', 'behind', 'retried', 'dropped')", name="state"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

Index("uq_quarantine_event", quarantine.c.consumer, quarantine.c.event_id, unique=True)
Index(
    "ix_quarantine_open",
    quarantine.c.consumer,
    quarantine.c.topic,
    quarantine.c.key,
    postgresql_where=quarantine.c.state.in_(["rejected", "behind"]),
)
