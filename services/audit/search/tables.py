"""The search index: what inspectors filter by, taken from the log and thrown away without loss."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.audit.metadata import metadata
from shared.db.types import instant

BUSINESS_DAY = "CAST(timezone('Asia/Ho_Chi_Minh', occurred_at) AS date)"

search_entries = Table(
    "search_entries",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("subjects", ARRAY(Text), nullable=False),
    Column("actor", Text, nullable=False),
    Column("unit", Text),
    Column("occurred_at", instant(), nullable=False),
    Column("recorded_at", instant(), nullable=False),
    # The business day, by which the places in the log are found where a period begins and ends.
    Column("occurred_on", Date, Computed(BUSINESS_DAY, persisted=True)),
)
Index("ix_search_entries_type", search_entries.c.type, search_entries.c.index)
Index("ix_search_entries_actor", search_entries.c.actor, search_entries.c.index)
Index("ix_search_entries_unit", search_entries.c.unit, search_entries.c.index)
Index("ix_search_entries_day", search_entries.c.occurred_on, search_entries.c.index)

# Compared byte by byte: a database's own order of texts takes longer, and nobody asks for subjects in order.
search_subjects = Table(
    "search_subjects",
    metadata,
    Column("subject", Text(collation="C"), primary_key=True),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("item", SmallInteger, primary_key=True, autoincrement=False),
)

search_cursor = Table(
    "search_cursor",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("indexed", BigInteger, nullable=False),
    CheckConstraint("singleton", name="one_row"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)
