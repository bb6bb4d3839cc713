"""Funding rules as they were loaded."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Table, Text, Uuid

from services.allocation.metadata import metadata

funding_rules = Table(
    "funding_rules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("capital_kind", Text, nullable=False),
    Column("article_id", Uuid, ForeignKey("articles.id"), nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
)
