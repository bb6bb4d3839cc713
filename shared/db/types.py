"""Column types that SQLAlchemy does not bring."""

from __future__ import annotations

from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.types import UserDefinedType


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, read as text."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own signature
        """The name of the type in DDL."""
        return "xid8"


def instant() -> DateTime:
    """A timestamp with time zone."""
    return DateTime(timezone=True)
