"""The tree of units as allocation published it: a read model, kept by events."""

from __future__ import annotations

from sqlalchemy import Column, Date, Table, Uuid

from services.portal.metadata import metadata

unit_parents = Table(
    "unit_parents",
    metadata,
    Column("unit_id", Uuid, primary_key=True),
    Column("parent_id", Uuid, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("valid_to", Date),
    info={"grants": "SELECT, INSERT, UPDATE"},
)
