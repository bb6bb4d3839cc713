"""Months that were paid before this system, taken over as they were paid."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Table, Text, Uuid

from services.beneficiaries.metadata import metadata

openings = Table(
    "openings",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("period", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("total_vnd", BigInteger, nullable=False),
    Column("prepared_by", Text, nullable=False),
    Column("approved_by", Text),
    Column("approved_on", Date),
    CheckConstraint("state IN ('importing', 'imported', 'closed')", name="state"),
    CheckConstraint("approved_by IS NULL OR approved_by <> prepared_by", name="other_person"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)
