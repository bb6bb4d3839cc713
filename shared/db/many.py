"""Asking for many rows by a value of each: one array is sent, however many there are.

`IN` with as many parameters costs a parse and a plan of its own for every length. psycopg 3.3.9 writes a
list value by value, each looked at for signs that need quoting, which ids and numbers never have. The array
is read once, by `unnest`; beside `= ANY` PostgreSQL would read it anew for every row it looks at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Text, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY


def one_of(column: Column[Any], ids: Iterable[UUID]) -> ColumnElement[bool]:
    """Whether the column holds one of the ids; never where there are none."""
    return _in_array(column, literal(array_of_ids(ids), Text))


def one_of_named(column: Column[Any], name: str) -> ColumnElement[bool]:
    """The same for a statement that is made once: `array_of_ids` of the ids is given under the name."""
    return _in_array(column, bindparam(name, type_=Text))


def _in_array(column: Column[Any], array: ColumnElement[str]) -> ColumnElement[bool]:
    return column.in_(select(func.unnest(cast(array, ARRAY(column.type)))))


def array_of_ids(ids: Iterable[UUID]) -> str:
    """The ids as PostgreSQL writes an array, to be cast to uuid[]."""
    return "{" + ",".join([one.hex for one in ids]) + "}"


def array_of_numbers(numbers: Iterable[int]) -> str:
    """The numbers as PostgreSQL writes an array, to be cast to bigint[]."""
    return "{" + ",".join([str(one) for one in numbers]) + "}"
