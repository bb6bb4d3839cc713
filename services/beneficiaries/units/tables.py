"""Units and their tree as allocation published them: a read model, kept by events."""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, Table, Text, Uuid

from services.beneficiaries.metadata import metadata

units = Table(
    "units",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

unit_parents = Table(
    "unit_parents",
    metadata,
    Column("unit_id", Uuid, primary_key=True),
    Column("parent_id", Uuid, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("valid_to", Date),
    info={"grants": "SELECT, INSERT, UPDATE"},
)
