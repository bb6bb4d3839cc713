"""What providers answered: statements, their rows, one outcome per payment, returns after settling.

Rows and outcomes come by the million and are made from their statement and list by one statement of SQL;
that these exist is an invariant which `fundtrail check` looks for, and no foreign key that is tried row by
row (docs/adr/0010). What a statement says of a list is summed up once, when it is matched (docs/adr/0021).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from services.beneficiaries.metadata import metadata
from shared.db.types import instant

statements = Table(
    "statements",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("matched_count", BigInteger, nullable=False),
    Column("unmatched_count", BigInteger, nullable=False),
    Column("lists_to_tell", Integer, nullable=False, server_default=text("0")),
    Column("received_on", Date, nullable=False),
    Column("received_by", Text, nullable=False),
    Column("received_at", instant(), nullable=False, server_default=func.now()),
    UniqueConstraint("provider", "document"),
    CheckConstraint("state IN ('received', 'matched', 'told')", name="state"),
    CheckConstraint("lists_to_tell >= 0 AND (lists_to_tell > 0) = (state = 'matched')", name="lists_to_tell"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

statement_rows = Table(
    "statement_rows",
    metadata,
    Column("statement_id", Uuid, primary_key=True),
    Column("row", BigInteger, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("payment_id", Uuid),
    Column("amount_vnd", BigInteger),
    Column("result", Text, nullable=False),
    Column("reason_code", Text),
    Column("value_on", Date),
    Column("code", Text),
    Column("explanation", Text),
    Column("explained_by", Text),
    Column("explained_on", Date),
    CheckConstraint("result IN ('settled', 'returned')", name="result"),
    CheckConstraint(
        "explanation IS NULL OR (code IS NOT NULL AND explained_by IS NOT NULL)", name="explained"
    ),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("payment_id", Uuid, primary_key=True),
    Column("list_id", Uuid, nullable=False),
    Column("statement_id", Uuid, nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("reason_code", Text),
    Column("value_on", Date, nullable=False),
    CheckConstraint("kind IN ('settled', 'returned')", name="kind"),
    CheckConstraint("(kind = 'returned') = (reason_code IS NOT NULL)", name="reason"),
)

Index(
    "ix_outcomes_returned",
    outcomes.c.list_id,
    outcomes.c.payment_id,
    postgresql_where=outcomes.c.kind == "returned",
)

late_returns = Table(
    "late_returns",
    metadata,
    Column("payment_id", Uuid, ForeignKey("outcomes.payment_id"), primary_key=True),
    Column("list_id", Uuid, ForeignKey("lists.id"), nullable=False),
    Column("statement_id", Uuid, ForeignKey("statements.id"), nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("value_on", Date, nullable=False),
)

Index("ix_late_returns_list", late_returns.c.list_id, late_returns.c.payment_id)

statement_sums = Table(
    "statement_sums",
    metadata,
    Column("statement_id", Uuid, ForeignKey("statements.id"), primary_key=True),
    Column("list_id", Uuid, ForeignKey("lists.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("reason_code", Text, primary_key=True, server_default=text("''")),  # "" where there is none
    Column("payment_count", BigInteger, nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    CheckConstraint("kind IN ('settled', 'returned', 'returned_late')", name="kind"),
    CheckConstraint("(kind = 'settled') = (reason_code = '')", name="reason"),
    CheckConstraint("payment_count > 0 AND amount_vnd > 0", name="said"),
)
Index("ix_statement_sums_list", statement_sums.c.list_id)
Index(
    "ix_statement_rows_open",
    statement_rows.c.statement_id,
    postgresql_where=statement_rows.c.code.is_not(None) & statement_rows.c.explanation.is_(None),
)
