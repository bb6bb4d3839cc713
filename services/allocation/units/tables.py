"""Units, what each stands under through time, and which territory followed which."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Date, ForeignKey, Integer, Table, Text, Uuid

from services.allocation.metadata import metadata

units = Table(
    "units",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("assumed", Boolean, nullable=False),
    Column("predecessor_text", Text),
    CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
    CheckConstraint("level BETWEEN 1 AND 3", name="level"),
)

unit_parents = Table(
    "unit_parents",
    metadata,
    Column("unit_id", Uuid, ForeignKey("units.id"), primary_key=True),
    Column("parent_id", Uuid, ForeignKey("units.id"), primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("valid_to", Date),
)

unit_successions = Table(
    "unit_successions",
    metadata,
    Column("predecessor_id", Uuid, ForeignKey("units.id"), primary_key=True),
    Column("successor_id", Uuid, ForeignKey("units.id"), primary_key=True),
    Column("on", Date, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("share_ppm", Integer),
    CheckConstraint("kind IN ('merge', 'split', 'rename', 'transfer')", name="kind"),
    CheckConstraint("share_ppm BETWEEN 0 AND 1000000", name="share"),
)
