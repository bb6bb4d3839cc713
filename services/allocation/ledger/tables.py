"""Accounts with their running totals, one immutable row per transfer, holds, and refusals that stay refused.

The database repeats the law of the ledger: a bounded account never promises or spends more than it received.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)

from services.allocation.metadata import metadata
from shared.kernel.money import MAX_VND

ZERO = text("0")

accounts = Table(
    "accounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("fiscal_year", Integer, nullable=False),
    Column("component", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("capital_kind", Text, nullable=False),
    Column("unit_id", Uuid),
    Column("role", Text, nullable=False),
    Column("party", Text),
    Column("bounded", Boolean, nullable=False),
    Column("debits_posted", BigInteger, nullable=False, server_default=ZERO),
    Column("credits_posted", BigInteger, nullable=False, server_default=ZERO),
    Column("debits_pending", BigInteger, nullable=False, server_default=ZERO),
    Column("credits_pending", BigInteger, nullable=False, server_default=ZERO),
    CheckConstraint("capital_kind IN ('development', 'recurrent')", name="capital_kind"),
    CheckConstraint(
        "role IN ('source', 'envelope', 'allotment', 'provider', 'returned', 'advance', 'spent', 'carried', "
        "'cancelled', 'unmatched')",
        name="role",
    ),
    CheckConstraint("bounded = (role NOT IN ('source', 'unmatched'))", name="bounded"),
    CheckConstraint("NOT bounded OR credits_posted - debits_posted - debits_pending >= 0", name="covered"),
    CheckConstraint(
        "debits_posted >= 0 AND credits_posted >= 0 AND debits_pending >= 0 AND credits_pending >= 0",
        name="totals",
    ),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

transfers = Table(
    "transfers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(always=True, cache=1), nullable=False),
    Column("debit_account", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("credit_account", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("period", Text, nullable=False),
    Column("hold_id", Uuid),
    Column("decision_line", Uuid),
    Column("group_id", Uuid),
    Column("reverses", Uuid, ForeignKey("transfers.id")),
    CheckConstraint(f"amount_vnd BETWEEN 1 AND {MAX_VND}", name="amount"),
    CheckConstraint("debit_account <> credit_account", name="accounts"),
    CheckConstraint("kind IN ('direct', 'hold', 'post', 'void')", name="kind"),
    CheckConstraint("(kind IN ('post', 'void')) = (hold_id IS NOT NULL)", name="hold"),
)

transfer_refusals = Table(
    "transfer_refusals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("debit_account", Uuid, nullable=False),
    Column("credit_account", Uuid, nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("period", Text, nullable=False),
    Column("hold_id", Uuid),
    Column("decision_line", Uuid),
    Column("group_id", Uuid),
    Column("reverses", Uuid),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("shortfall_vnd", BigInteger, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    Column("id", Uuid, ForeignKey("transfers.id"), primary_key=True),
    Column("debit_account", Uuid, nullable=False),
    Column("credit_account", Uuid, nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("posted_vnd", BigInteger, nullable=False, server_default=ZERO),
    Column("voided_vnd", BigInteger, nullable=False, server_default=ZERO),
    CheckConstraint(
        "posted_vnd >= 0 AND voided_vnd >= 0 AND posted_vnd + voided_vnd <= amount_vnd", name="parts"
    ),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

ledger_years = Table(
    "ledger_years",
    metadata,
    Column("fiscal_year", Integer, primary_key=True, autoincrement=False),
    Column("closed_on", Date, nullable=False),
    Column("closed_by", Text, nullable=False),
)

Index("ix_accounts_unit", accounts.c.fiscal_year, accounts.c.unit_id, accounts.c.id)
Index("ix_transfers_debit", transfers.c.debit_account, transfers.c.number)
Index("ix_transfers_credit", transfers.c.credit_account, transfers.c.number)
Index("ix_transfers_line", transfers.c.decision_line, postgresql_where=transfers.c.decision_line.is_not(None))
Index(
    "uq_transfers_reverses",
    transfers.c.reverses,
    unique=True,
    postgresql_where=transfers.c.reverses.is_not(None),
)
Index(
    "ix_transfer_refusals_reverses",
    transfer_refusals.c.reverses,
    postgresql_where=transfer_refusals.c.reverses.is_not(None),
)
