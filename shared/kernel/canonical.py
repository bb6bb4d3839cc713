"""One canonical JSON form (RFC 8785 for integers and ASCII keys), made in one place and stored as sent.

orjson gives these bytes when keys are sorted and floats are kept away from it, a dozen times as fast as the
standard library (docs/adr/0009); `tests/unit/kernel` compares them with an independent implementation.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any
from uuid import UUID

import orjson

NAMES_KEPT_MAX = 1_000
INTEGER_MAX = 2**53 - 1  # the largest integer that every JSON reader keeps exact


def encode(value: object) -> bytes:
    """The canonical UTF-8 bytes of a value.

    Raises: TypeError for floats and unknown types; ValueError for keys beyond ASCII, integers beyond 2^53-1.
    """
    return encode_plain(value if type(value) is dict and _is_ready(value) else plain(value))


def encode_plain(value: object) -> bytes:
    """The canonical UTF-8 bytes of what `plain` or `decode` gave; nothing is looked at a second time.

    Raises: ValueError where it has none: half a letter, an integer beyond 64 bits, 250 levels of nesting.
    """
    try:
        # orjson 3.13 leaves what it gives in a buffer of 4 KiB at least: a copy takes its own room alone.
        return b"".join((orjson.dumps(value, option=orjson.OPT_SORT_KEYS), b""))
    except orjson.JSONEncodeError as error:
        raise ValueError(f"It has no canonical form: {error}.") from error


def instant(moment: datetime) -> str:
    """A moment as it stands in canonical JSON, in a third of the time that `isoformat` takes."""
    return instant_bytes(moment).decode()


def instant_bytes(moment: datetime) -> bytes:
    """A moment as it stands in canonical JSON, in UTF-8."""
    return orjson.dumps(moment)[1:-1]


def spliced(encoded: bytes) -> object:
    """Canonical bytes as a part of a larger value for `encode_plain`: they stand in it as they are."""
    return orjson.Fragment(encoded)


def decode(data: bytes) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """The value of JSON bytes."""
    return json.loads(data)


def glance(data: bytes) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """The value of JSON bytes, faster. Numbers beyond 64 bits come rounded: for those who read none."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return decode(data)  # it takes what orjson does not: half a letter, not a number


def digest(data: bytes) -> str:
    """The SHA-256 of bytes in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def plain(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """The same value in JSON's own types: ids, dates and enumerations become text, dataclasses objects."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is dict:
        return _object(value)  # type: ignore[arg-type]
    if kind in _ARRAYS:
        return [item if type(item) in _AS_THEY_ARE else plain(item) for item in value]  # type: ignore[attr-defined]
    if kind is int:
        return _bounded(value)  # type: ignore[arg-type]
    if kind is UUID:
        return str(value)
    return _plain_of_other(value)


def _is_ready(value: Mapping[Any, Any]) -> bool:
    """Whether nothing is to be done to an object: its fields are JSON's types, ids, lists of such objects."""
    if (names := tuple(value)) not in _SOUND_NAMES:
        if not all(type(name) is str and name.isascii() for name in names):
            return False
        if len(_SOUND_NAMES) < NAMES_KEPT_MAX:
            _SOUND_NAMES.add(names)
    for item in value.values():
        kind = type(item)
        if kind in _WRITTEN_AS_THEY_ARE or (kind is int and -INTEGER_MAX <= item <= INTEGER_MAX):
            continue
        if kind is not list:
            return False
        for one in item:  # a generator for `all` takes longer than what it looks at
            if type(one) is not dict or not _is_ready(one):
                return False
    return True


_AS_THEY_ARE = frozenset({str, bool, type(None)})
_WRITTEN_AS_THEY_ARE = _AS_THEY_ARE | {UUID}  # orjson writes an id as `str` does
_SOUND_NAMES: set[tuple[str, ...]] = set()  # the fields of bulk items, looked at once
_ARRAYS = frozenset({list, tuple, set, frozenset})


def _plain_of_other(value: object) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int | str):
        return plain(int(value) if isinstance(value, int) else str(value))
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _object({name: getattr(value, name) for name in _field_names(type(value))})
    raise TypeError(f"{type(value).__name__} has no canonical form; amounts are integers, times ISO text.")


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        key if type(key) is str and key.isascii() else _ascii(key): (
            item if type(item) in _AS_THEY_ARE else plain(item)
        )
        for key, item in value.items()
    }


def _bounded(value: int) -> int:
    if not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise ValueError(f"{value} is beyond 2^53-1 and would not survive every JSON reader.")
    return value


def _ascii(key: object) -> str:
    if not isinstance(key, str) or not key.isascii():
        raise ValueError(f"{key!r} is no ASCII key, and only those sort alike everywhere.")
    return str(key)
