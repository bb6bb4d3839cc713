"""What is owed to whom: one immutable row per entitlement, month due and month of paying.

A row's id is made of these three, so its primary key keeps a second one out.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    Uuid,
)

from services.beneficiaries.metadata import metadata

obligations = Table(
    "obligations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False),
    Column("entitlement_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("due_period", Text, nullable=False),
    Column("in_period", Text, nullable=False),
    Column("rate_id", Uuid),
    Column("decree", Text),
    Column("due_vnd", BigInteger, nullable=False),
    Column("paid_vnd", BigInteger, nullable=False),
    Column("amount_vnd", BigInteger, nullable=False),
    Column("payment_id", Uuid),
    Column("opening_id", Uuid),
    CheckConstraint("kind IN ('opening', 'monthly', 'arrears', 'recovery')", name="kind"),
    CheckConstraint("(kind = 'recovery') = (amount_vnd < 0)", name="sign"),
    CheckConstraint("(kind IN ('opening', 'monthly')) = (due_period = in_period)", name="periods"),
    CheckConstraint("due_vnd >= 0 AND paid_vnd >= 0", name="amounts"),
)

Index("ix_obligations_person", obligations.c.person_id)
Index("ix_obligations_payment", obligations.c.payment_id)
