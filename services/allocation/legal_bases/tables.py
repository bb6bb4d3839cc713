"""Instruments and their articles; rows are added, never changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, ForeignKey, Table, Text, Uuid

from services.allocation.metadata import metadata

instruments = Table(
    "instruments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("number", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("signed_on", Date),
    Column("effective_from", Date),
    Column("effective_to", Date),
    Column("confirmed", Boolean, nullable=False),
    Column("source", Text, nullable=False),
)

articles = Table(
    "articles",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instrument_id", Uuid, ForeignKey("instruments.id"), nullable=False),
    Column("article", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("ceiling_vnd", BigInteger),
    Column("ceiling_per", Text),
    CheckConstraint("(ceiling_vnd IS NULL) = (ceiling_per IS NULL)", name="ceiling"),
)
