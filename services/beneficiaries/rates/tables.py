"""Published rates as they were loaded; rows are never changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Integer, Table, Text, Uuid

from services.beneficiaries.metadata import metadata

rates = Table(
    "rates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("decree", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("injury_percent", Integer),
    Column("label", Text, nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("applies_from", Text, nullable=False),
    Column("known_from", Date, nullable=False),
    Column("source", Text, nullable=False),
    CheckConstraint("amount_vnd > 0", name="amount"),
)
