"""Accounts and the roles they hold, with dates."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from services.portal.metadata import metadata
from shared.db.types import instant

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unit_id", Uuid),
    Column("email", Text),
    Column("phone", Text),
    Column("language", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("totp_key", LargeBinary),
    Column("totp_secret", Text),
    Column("totp_step", BigInteger, nullable=False, server_default=text("0")),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", instant(), nullable=False, server_default=func.now()),
    CheckConstraint("kind IN ('person', 'service')", name="kind"),
    CheckConstraint("language IN ('vi', 'en')", name="language"),
    CheckConstraint("(totp_key IS NULL) = (totp_secret IS NULL)", name="totp_key"),
    CheckConstraint("starts_with(totp_secret, 'sealed:v1:')", name="totp_sealed"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

assignments = Table(
    "assignments",
    metadata,
    Column("number", BigInteger, Identity(always=True, cache=1), primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("unit_id", Uuid, nullable=False),
    Column("from_on", Date, nullable=False),
    Column("to_on", Date),
    CheckConstraint("to_on IS NULL OR to_on >= from_on", name="dates"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)
