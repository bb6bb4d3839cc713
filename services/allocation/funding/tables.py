"""The money of payment lists: what was held for them, drawn, and posted by what providers answered."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Integer, Table, Text, Uuid

from services.allocation.metadata import metadata

list_funds = Table(
    "list_funds",
    metadata,
    Column("list_id", Uuid, primary_key=True),
    Column("submission", Integer, primary_key=True, autoincrement=False),
    Column("period", Text, nullable=False),
    Column("fiscal_year", Integer, nullable=False),
    Column("unit_id", Uuid, nullable=False),
    Column("provider", Text, nullable=False),
    Column("total_vnd", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    CheckConstraint("state IN ('held', 'refused', 'drawn', 'voided', 'closed')", name="state"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

list_holds = Table(
    "list_holds",
    metadata,
    Column("hold_id", Uuid, primary_key=True),
    Column("list_id", Uuid, nullable=False, index=True),
    Column("submission", Integer, nullable=False),
    Column("line", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("debit_account", Uuid, nullable=False),
    Column("credit_account", Uuid, nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("decision_line", Uuid),
    CheckConstraint("origin IN ('returned', 'allotment')", name="origin"),
)

list_posts = Table(
    "list_posts",
    metadata,
    Column("transfer_id", Uuid, primary_key=True),
    Column("list_id", Uuid, nullable=False, index=True),
    Column("statement_id", Uuid, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("line", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    CheckConstraint("kind IN ('settled', 'returned', 'returned_late')", name="kind"),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("list_id", Uuid, nullable=False),
    Column("submission", Integer, nullable=False),
    Column("unit_id", Uuid, nullable=False),
    Column("provider", Text, nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("requested_on", Date, nullable=False),
    Column("reference", Text),
    Column("reason", Text),
    Column("version", Integer, nullable=False),
    CheckConstraint("state IN ('requested', 'confirmed', 'refused', 'cancelled')", name="state"),
    CheckConstraint("amount_vnd > 0", name="amount"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)
