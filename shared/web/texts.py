"""What a text and a number must be so that a column can hold them and a page can show them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from shared.kernel.canonical import INTEGER_MAX

SMALL_MAX = 2**31 - 1  # of a column of 32 bits


def faults_of(value: object) -> Iterator[str]:
    """What is wrong with a value of JSON, at whatever depth."""
    if isinstance(value, str):
        if not is_storable(value):
            yield "Holds a character that cannot be stored: U+0000 or half of a surrogate pair."
    elif isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            yield "A whole number lies between -9007199254740991 and 9007199254740991."
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from faults_of(str(name))
            yield from faults_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from faults_of(inner)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text: UTF-8 without the character 0."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def is_plain(text: str) -> bool:
    """Whether a text has no control characters, surrogates or unassigned signs in it."""
    return not any(unicodedata.category(sign) in {"Cc", "Cs", "Cn"} for sign in text)
