"""Reads the printed numbering of an annex: what kind of label it is decides how deep a row stands.

Labels are labels, not keys: numbering can have gaps. "A", "I", "1", "1.1", "a", "A1", "-" are kinds;
single letters such as "I", "C" or "V" can be letters or Roman numerals, and the rows above decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

Kind = tuple[str, ...]

LETTERS = "abcdđefghijklmnopqrstuvwxyz"
ROMAN = re.compile(r"(?=.)(x{0,3})(ix|iv|v?i{0,3})")
ROMAN_VALUES = {"i": 1, "v": 5, "x": 10}
BULLETS = frozenset({"-", "+", "*", "•", "–", "—", "●", "○", "▪"})
UNNUMBERED: Kind = ("none",)
DEPTH_MAX = 4  # "A.I.1.2"; what goes deeper is no numbering
NEW_KIND_COST = 1  # beginning a new level is a little less likely than going on with one

_TOKEN = re.compile(r"[0-9]+|[^\W\d_]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( 00:00:00)?")
_TRIM = re.compile(r"^[\s(\[]+|[\s.)\]:/]+$")


class Reading(NamedTuple):
    """One way to read a label: its kind and its place in the count."""

    kind: Kind
    value: int


def normal_label(text: str) -> str:
    """The label without brackets and points around it."""
    trimmed = _TRIM.sub("", text)
    return trimmed or text.strip()


def bullet_of(text: str) -> str | None:
    """The bullet a text begins with, when it stands before the words: "- Xã Quế Minh"."""
    return text[0] if text[:1] in BULLETS and text[1:2] in {" ", "\u00a0"} else None


def readings(label: str) -> list[Reading]:
    """Every way to read a label; one for most, two where a letter may be a Roman numeral."""
    if not label:
        return [Reading(UNNUMBERED, 0)]
    if label in BULLETS:
        return [Reading(("bullet", label), 0)]
    tokens = _TOKEN.findall(label)
    if not 1 <= len(tokens) <= DEPTH_MAX:
        return [Reading(("sign",), 0)]
    *outer, last = tokens
    prefix = tuple(_outer(token) for token in outer)
    return [Reading((*prefix, kind), value) for kind, value in _last(last)]


def choose(label: str, counted: dict[Kind, int]) -> Reading:
    """The reading that goes on best with the counting above: the last value of each kind still open."""
    if counted and _DATE.fullmatch(label):  # a spreadsheet took "1/2" for a day: the row goes on as before
        kind = next(reversed(counted))
        return Reading(kind, counted[kind] + 1)
    return min(readings(label), key=lambda reading: _cost(reading, counted))


def _cost(reading: Reading, counted: Mapping[Kind, int]) -> int:
    last = counted.get(reading.kind)
    if last is None:
        return abs(reading.value - 1) + NEW_KIND_COST
    return abs(reading.value - last - 1)


def _outer(token: str) -> str:
    return "number" if token[0].isdecimal() else "word"


def _last(token: str) -> list[tuple[str, int]]:
    if token[0].isdecimal():
        return [("number", int(token[:9]))]
    case = "upper" if token.isupper() else "lower"
    low = token.lower()
    found = []
    if ROMAN.fullmatch(low):
        found.append((f"{case}_roman", _roman(low)))
    if len(low) == 1 and low in LETTERS:
        found.append((f"{case}_letter", LETTERS.index(low) + 1))
    return found or [(f"{case}_word", 0)]


def _roman(text: str) -> int:
    values = [ROMAN_VALUES[letter] for letter in text]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)
