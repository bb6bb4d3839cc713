"""The log as rows: full tiles and bundles that are only ever inserted, and one row that holds the open edge.

`log_data` has a row for each pack of `packs.py`, under the place of its first entry. Tiles, bundles and
packs are stored as they come: to compress them would take longer than all else (docs/adr/0011).

Staged rows are facts that came before an earlier one of their journal; they wait for it, outside the log.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.audit.metadata import metadata
from shared.db.types import instant

log_state = Table(
    "log_state",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("tiles", ARRAY(LargeBinary), nullable=False),
    Column("bundle", LargeBinary, nullable=False),
    CheckConstraint("singleton", name="one_row"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

log_keys = Table(
    "log_keys",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("vkey", Text, nullable=False, unique=True),
    Column("begun_size", BigInteger, nullable=False),
    Column("ended_size", BigInteger),
    CheckConstraint("ended_size >= begun_size", name="ended_size"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

log_tiles = Table(
    "log_tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    CheckConstraint("octet_length(data) = 8192", name="full"),
)

log_bundles = Table(
    "log_bundles",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

log_data = Table(
    "log_data",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

log_sources = Table(
    "log_sources",
    metadata,
    Column("source", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("first_position", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    CheckConstraint("taken >= first_position - 1", name="taken"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

log_staged = Table(
    "log_staged",
    metadata,
    Column("source", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("opens_epoch", Boolean, nullable=False),
    Column("staged_at", instant(), nullable=False, server_default=func.clock_timestamp()),
    info={"grants": "SELECT, INSERT, DELETE"},
)

log_holes = Table(
    "log_holes",
    metadata,
    Column("source", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("noticed_at", instant(), nullable=False, server_default=func.now()),
)

log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_at", instant(), nullable=False, server_default=func.now()),
    CheckConstraint("octet_length(root) = 32", name="root"),
)
