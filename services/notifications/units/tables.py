"""The names of units as allocation published them: a read model, kept by events."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text, Uuid

from services.notifications.metadata import metadata

unit_names = Table(
    "unit_names",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    info={"grants": "SELECT, INSERT, UPDATE"},
)
