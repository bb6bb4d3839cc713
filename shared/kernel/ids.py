"""Ids are made by the caller: time-ordered where an act is new, derived where a repeat must find it."""

from __future__ import annotations

import unicodedata
from uuid import UUID

import uuid_utils

NAMESPACE = uuid_utils.UUID("6f1d3c52-8d0e-5b7c-9a55-2d3f0c8a4e11")


def new_id() -> UUID:
    """A new UUIDv7, ordered by time of making (RFC 9562 section 5.7)."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


def id_of(kind: str, *parts: object) -> UUID:
    """The one UUIDv5 of what makes an act or thing unique; equal parts give equal ids for ever.

    Bounds: parts are joined by "|", so a part must not hold that sign where it could be mistaken.
    """
    text = "|".join((kind, *map(str, parts)))
    named = uuid_utils.uuid5(NAMESPACE, text if text.isascii() else unicodedata.normalize("NFC", text))
    return UUID(int=named.int)
