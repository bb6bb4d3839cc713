"""Cursor pages: stable while rows are added, as fast on the last page as on the first."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

from shared.kernel import canonical
from shared.kernel.errors import Rejected
from shared.web.texts import SMALL_MAX, is_storable

LIMIT_DEFAULT = 50
LIMIT_MAX = 500
CURSOR_CHARS_MAX = 2000

Item = TypeVar("Item")
First = TypeVar("First")
Second = TypeVar("Second")


class Small(int):
    """A number of a column that holds 32 bits."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items and where the next ones begin; `next_cursor` is None on the last page."""

    items: Sequence[Item]
    next_cursor: str | None


def page(found: Sequence[Item], limit: int, key: Callable[[Item], list[str | int]]) -> Page[Item]:
    """The page made of one row more than the limit, which is how one knows that there are more."""
    items = found[:limit]
    return Page(items, encode(key(items[-1])) if len(found) > limit else None)


def encode(values: list[str | int]) -> str:
    """An opaque cursor that stands for the sort key of the last item shown."""
    return base64.urlsafe_b64encode(canonical.encode(values)).decode().rstrip("=")


@overload
def decode(cursor: str | None, kind: type[First], /) -> tuple[First] | None: ...


@overload
def decode(
    cursor: str | None, kind: type[First], another: type[Second], /
) -> tuple[First, Second] | None: ...


def decode(cursor: str | None, /, *kinds: type) -> tuple[Any, ...] | None:
    """The sort key in a cursor, or None for the first page.

    Shape: one value of each kind, which is UUID, date, datetime, int, Small or str.
    Raises: Rejected cursor_invalid, also where a value is none that the list's column could hold.
    """
    if cursor is None:
        return None
    values = _values(cursor)
    if len(values) != len(kinds):
        raise _of_another_list()
    try:
        return tuple(_READERS[kind](value) for kind, value in zip(kinds, values, strict=True))
    except (TypeError, ValueError, OverflowError) as error:
        raise _of_another_list() from error


def _values(cursor: str) -> list[Any]:
    if len(cursor) > CURSOR_CHARS_MAX:
        raise _of_another_list()
    try:
        values = canonical.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Rejected(
            "cursor_invalid", "The cursor is not one this list gave; begin without one."
        ) from error
    if not isinstance(values, list):
        raise _of_another_list()
    return values


def _of_another_list() -> Rejected:
    return Rejected("cursor_invalid", "The cursor belongs to another list; begin without one.")


def _text(value: object) -> str:
    """A text that a column can hold. Raises: TypeError, ValueError."""
    if not isinstance(value, str):
        raise TypeError("no text")
    if not is_storable(value):
        raise ValueError("no column holds it")
    return value


def _number(value: object, largest: int = canonical.INTEGER_MAX) -> int:
    if type(value) is not int:
        raise TypeError("no whole number")
    if abs(value) > largest:
        raise ValueError("no number of a column")
    return value


def _instant(value: object) -> datetime:
    """An instant in UTC: the database knows fewer offsets than ISO 8601 allows."""
    read = datetime.fromisoformat(_text(value))
    if read.tzinfo is None:
        raise ValueError("no offset")
    return read.astimezone(UTC)


_READERS: Mapping[type, Callable[[object], object]] = {
    UUID: lambda value: UUID(_text(value)),
    date: lambda value: date.fromisoformat(_text(value)),
    datetime: _instant,
    int: _number,
    Small: lambda value: Small(_number(value, SMALL_MAX)),
    str: _text,
}
