"""Files that wait for their forms, sealed, piece by piece as they came.

No byte has two places: a piece is known by where it begins.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy import text as sql

from services.portal.metadata import metadata
from shared.db.types import instant

uploads = Table(
    "uploads",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    Column("form", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False, server_default=sql("0")),
    Column("used", Boolean, nullable=False, server_default=sql("false")),
    Column("touched_at", instant(), nullable=False),
    Column("expires_at", instant(), nullable=False, index=True),
    CheckConstraint("received BETWEEN 0 AND length", name="received"),
    info={"grants": "SELECT, INSERT, UPDATE, DELETE"},
)

upload_pieces = Table(
    "upload_pieces",
    metadata,
    Column("upload_id", Uuid, ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("first_byte", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    CheckConstraint("size > 0", name="size"),
    info={"grants": "SELECT, INSERT"},
)
