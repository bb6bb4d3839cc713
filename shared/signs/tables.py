"""Signs of life: when each process of a service last showed that all its loops go round."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from shared.db import naming
from shared.db.types import instant

metadata = naming.metadata()

process_signs = Table(
    "process_signs",
    metadata,
    Column("role", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("started_at", instant(), nullable=False),
    Column("seen_at", instant(), nullable=False),
    Column("slowest", Text, nullable=False),
    info={"grants": "SELECT, INSERT, UPDATE, DELETE"},
)
