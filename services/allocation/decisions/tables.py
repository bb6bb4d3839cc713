"""Decisions and their lines; a line is never changed, and gone only where a draft is rewritten."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.allocation.metadata import metadata
from shared.db.types import instant

decisions = Table(
    "decisions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("fiscal_year", Integer, nullable=False),
    Column("component", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("capital_kind", Text, nullable=False),
    Column("issuing_unit_id", Uuid, ForeignKey("units.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("demonstration", Boolean, nullable=False),
    Column("total_vnd", BigInteger, nullable=False),
    Column("document", Text),
    Column("arithmetic", Text),
    Column("prepared_by", Text, nullable=False),
    Column("makers", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("approved_by", Text),
    Column("issued_by", Text),
    Column("number", Text),
    Column("issued_on", Date),
    Column("version", Integer, nullable=False),
    Column("created_at", instant(), nullable=False, server_default=func.now()),
    UniqueConstraint("issuing_unit_id", "number"),
    CheckConstraint("kind IN ('appropriation', 'allocation', 'supplement')", name="kind"),
    CheckConstraint(
        "state IN ('draft', 'submitted', 'sent_back', 'approved', 'issued', 'withdrawn')", name="state"
    ),
    CheckConstraint("approved_by IS NULL OR approved_by <> prepared_by", name="other_person"),
    CheckConstraint("approved_by IS NULL OR approved_by <> ALL (makers)", name="no_maker_approved"),
    CheckConstraint("(state = 'issued') = (number IS NOT NULL AND issued_on IS NOT NULL)", name="issued"),
    CheckConstraint("total_vnd > 0", name="total"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

decision_lines = Table(
    "decision_lines",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("decision_id", Uuid, ForeignKey("decisions.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("unit_id", Uuid, ForeignKey("units.id")),
    Column("article_id", Uuid, ForeignKey("articles.id"), nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("quantity", BigInteger),
    Column("note", Text, nullable=False),
    UniqueConstraint("decision_id", "position"),
    CheckConstraint("amount_vnd > 0", name="amount"),
    CheckConstraint("quantity IS NULL OR quantity > 0", name="quantity"),
    info={"grants": "SELECT, INSERT, DELETE"},
)
