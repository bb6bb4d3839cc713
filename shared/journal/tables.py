"""The journal is outbox and audit trail at once: one plain table, never pruned, never changed.

The column `xid` stands before `seq` on purpose: defaults are computed from left to right, so a row's
transaction has its number before the row has its sequence number, and the relay's watermark rests on that.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from shared.db import naming
from shared.db.types import Xid8, instant

metadata = naming.metadata()

PAYLOAD_COLUMNS = (
    "id",
    "topic",
    "type",
    "key",
    "subjects",
    "occurred_at",
    "actor",
    "on_behalf_of",
    "unit",
    "reason",
    "correlation",
    "causation",
    "traceparent",
    "backdated",
    "data",
    "items_root",
)

journal = Table(
    "journal",
    metadata,
    Column("xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("seq", BigInteger, Identity(always=True, cache=1), primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("topic", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("subjects", ARRAY(Text), nullable=False),
    Column("occurred_at", instant(), nullable=False),
    Column("recorded_at", instant(), nullable=False, server_default=func.clock_timestamp()),
    Column("actor", Text, nullable=False),
    Column("on_behalf_of", Text),
    Column("unit", Text),
    Column("reason", Text),
    Column("correlation", Text),
    Column("causation", Text),
    Column("traceparent", Text),
    Column("backdated", Boolean, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("items_root", LargeBinary),
    CheckConstraint("topic IN ('events', 'trail')", name="topic"),
    info={"grants": f"SELECT, INSERT ({', '.join(PAYLOAD_COLUMNS)})", "sequences": ("journal_seq_seq",)},
)

journal_cursor = Table(
    "journal_cursor",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("seq", BigInteger, nullable=False, server_default=text("0")),
    Column("halted", Text),
    CheckConstraint("singleton", name="one_row"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

journal_marks = Table(
    "journal_marks",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)

journal_epochs = Table(
    "journal_epochs",
    metadata,
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("first_position", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("begun_at", instant(), nullable=False, server_default=func.now()),
)

journal_topics = Table(
    "journal_topics",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("topic_id", Text, nullable=False),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

Index("ix_journal_type", journal.c.type)
