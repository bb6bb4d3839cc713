"""One canonical JSON form (RFC 8785 for integers and ASCII keys), made in one place and stored as sent.

The standard library gives these bytes when keys are sorted, separators compact and floats refused;
`tests/unit/kernel` compares them with an independent implementation of RFC 8785.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

INTEGER_MAX = 2**53 - 1  # the largest integer that every JSON reader keeps exact


def encode(value: object) -> bytes:
    """The canonical UTF-8 bytes of a value.

    Raises: TypeError for floats and unknown types; ValueError for keys beyond ASCII, integers beyond 2^53-1.
    """
    return encode_plain(plain(value))


def encode_plain(value: object) -> bytes:
    """The canonical UTF-8 bytes of what `plain` or `decode` gave; nothing is looked at a second time."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def decode(data: bytes) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """The value of JSON bytes."""
    return json.loads(data)


def digest(data: bytes) -> str:
    """The SHA-256 of bytes in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def plain(value: object) -> Any:  # noqa: ANN401, PLR0911 - one return per kind of JSON value
    """The same value in JSON's own types: ids, dates and enumerations become text, dataclasses objects."""
    if value is None or (isinstance(value, str | bool) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int):
        return _bounded(value)
    if isinstance(value, Mapping):
        return {_ascii(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | frozenset | set):
        return [plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {_ascii(field.name): plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no canonical form; amounts are integers, times ISO text.")


def _bounded(value: int) -> int:
    if abs(value) > INTEGER_MAX:
        raise ValueError(f"{value} is beyond 2^53-1 and would not survive every JSON reader.")
    return value


def _ascii(key: object) -> str:
    if not isinstance(key, str) or not key.isascii():
        raise ValueError(f"{key!r} is no ASCII key, and only those sort alike everywhere.")
    return key
