"""Payment lists and payments: a list per month, district and provider; a payment is one person's line.

What came back is paid again by a list with a `reissue` number of its own; each payment in it points to the
one that came back, and no payment is pointed to twice.

`version` counts every change of a list's row, and `content_version` what makes an earlier paper of it wrong:
other payments or sums, payments that are paid again by another list, a withdrawal. A list that only moves on
keeps it. While a list has no count it is being computed, and there is nothing of it to be printed.
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
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.beneficiaries.metadata import metadata

lists = Table(
    "lists",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("period", Text, nullable=False),
    Column("unit_id", Uuid, nullable=False),
    Column("provider", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("reissue", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("submission", Integer, nullable=False),
    Column("payment_count", Integer, nullable=False),
    Column("total_vnd", BigInteger, nullable=False),
    Column("content_sha256", Text),
    Column("content_version", Integer, nullable=False, server_default=text("1")),
    Column("prepared_by", Text),
    Column("approved_by", Text),
    Column("approved_on", Date),
    Column("instructed_on", Date),
    Column("refusal", JSONB(none_as_null=True)),
    Column("version", Integer, nullable=False),
    UniqueConstraint("period", "unit_id", "provider", "reissue"),
    CheckConstraint(
        "state IN ('computed', 'submitted', 'approved', 'held', 'refused', 'drawn', 'instructed', 'closing', "
        "'closed', 'withdrawing', 'withdrawn')",
        name="state",
    ),
    CheckConstraint("reissue >= 0", name="reissue"),
    CheckConstraint("approved_by IS NULL OR approved_by <> prepared_by", name="other_person"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

payments = Table(
    "payments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("list_id", Uuid, ForeignKey("lists.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("reissue_of", Uuid, ForeignKey("payments.id"), unique=True),
    UniqueConstraint("list_id", "person_id"),
    CheckConstraint("amount_vnd > 0", name="amount"),
)

Index("ix_payments_list", payments.c.list_id, payments.c.id)
