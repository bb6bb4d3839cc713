"""Cursor pages: stable while rows are added, as fast on the last page as on the first."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.kernel import canonical
from shared.kernel.errors import Rejected

LIMIT_DEFAULT = 50
LIMIT_MAX = 500

Item = TypeVar("Item")


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


def decode(cursor: str | None, length: int) -> list[str | int] | None:
    """The sort key in a cursor, or None for the first page.

    Raises: Rejected cursor_invalid.
    """
    if cursor is None:
        return None
    try:
        values = canonical.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Rejected(
            "cursor_invalid", "The cursor is not one this list gave; begin without one."
        ) from error
    if not isinstance(values, list) or len(values) != length:
        raise Rejected("cursor_invalid", "The cursor belongs to another list; begin without one.")
    return values
