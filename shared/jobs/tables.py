"""Long work as rows: what is to be done, how far it is, and what was wrong with which row."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db import naming
from shared.db.types import instant

metadata = naming.metadata()

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'queued'")),
    Column("params", JSONB, nullable=False),
    Column("act", JSONB, nullable=False),
    Column("checkpoint", JSONB(none_as_null=True)),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("done", BigInteger, nullable=False, server_default=text("0")),
    Column("total", BigInteger),
    Column("faults", BigInteger, nullable=False, server_default=text("0")),
    Column("result", JSONB(none_as_null=True)),
    Column("failure", Text),
    Column("created_at", instant(), nullable=False, server_default=func.now()),
    Column("started_at", instant()),
    Column("finished_at", instant()),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

job_faults = Table(
    "job_faults",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id"), primary_key=True),
    Column("number", BigInteger, Identity(always=True, cache=1), primary_key=True),
    Column("row", BigInteger),
    Column("column_name", Text),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("value", Text),
)
