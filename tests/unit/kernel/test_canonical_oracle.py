"""Our canonical bytes against an independent implementation of RFC 8785, and what both must refuse."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.canonical import INTEGER_MAX, decode, digest, encode, encode_plain, plain

ASCII = st.text(st.characters(max_codepoint=127), max_size=8)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ASCII, inner, max_size=5),
    max_leaves=30,
)


@given(JSON)
def test_our_bytes_are_those_of_the_oracle_also_with_keys_of_any_ascii(value: Any) -> None:  # noqa: ANN401 - JSON
    assert encode(value) == encode_plain(value) == rfc8785.dumps(value)


@given(JSON)
def test_writing_what_was_read_changes_no_byte(value: Any) -> None:  # noqa: ANN401 - JSON
    once = encode(value)
    assert encode(decode(once)) == once
    assert decode(once) == value


@given(TEXT)
def test_texts_of_any_letters_are_those_of_the_oracle(text: str) -> None:
    assert encode(text) == rfc8785.dumps(text)


@pytest.mark.parametrize(
    "code", [*range(0x20), 0x7F, 0x80, 0x9F, 0x2028, 0x2029, 0xD7FF, 0xE000, 0xFEFF, 0xFFFF]
)
def test_letters_that_writers_of_json_disagree_about(code: int) -> None:
    assert encode(f"a{chr(code)}b") == rfc8785.dumps(f"a{chr(code)}b")


@pytest.mark.parametrize(
    "text", ["Đà Nẵng", "Quảng Nam", "ﬁ", "e\u0301", "é", "𝄞", "😀", "\u200b", "\\", '"', "/", "</script>"]
)
def test_texts_are_kept_as_they_are_given_without_composing_them(text: str) -> None:
    assert decode(encode(text)) == text
    assert encode(text) == rfc8785.dumps(text)


@pytest.mark.parametrize("order", list(permutations(["a", "B", "b", "A"]))[::5], ids="".join)
def test_keys_are_sorted_whatever_order_they_came_in(order: tuple[str, ...]) -> None:
    assert encode(dict.fromkeys(order, 1)) == b'{"A":1,"B":1,"a":1,"b":1}'


@pytest.mark.parametrize(
    "keys",
    [("", "a"), ("a", "aa"), ("_", "A"), ("1", "10"), ("2", "10"), ("~", "a"), (" ", "!"), ("\x7f", "~")],
)
def test_keys_are_sorted_like_the_oracle_sorts_them(keys: tuple[str, str]) -> None:
    value = dict.fromkeys(keys, 0)
    assert encode(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("number", [0, 1, -1, 10, 2**31, 2**32, INTEGER_MAX, -INTEGER_MAX, INTEGER_MAX - 1])
def test_whole_numbers_in_bounds_are_written_in_digits(number: int) -> None:
    assert encode(number) == rfc8785.dumps(number) == str(number).encode()


@pytest.mark.parametrize("number", [INTEGER_MAX + 1, -INTEGER_MAX - 1, 2**63, 10**400])
@pytest.mark.parametrize("place", ["alone", "in a list", "in an object", "deep"])
def test_numbers_beyond_the_bound_are_refused_wherever_they_stand(number: int, place: str) -> None:
    value = {
        "alone": number,
        "in a list": [number],
        "in an object": {"a": number},
        "deep": [[{"a": [number]}]],
    }
    with pytest.raises(ValueError, match=r"beyond 2\^53-1|Exceeds the limit"):
        encode(value[place])


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        0.1,
        -0.0,
        float("nan"),
        float("inf"),
        Decimal(1),
        Decimal("1.5"),
        Fraction(1, 2),
        1j,
        b"x",
        bytearray(b"x"),
        object(),
        int,
        len,
        timedelta(1),
        range(3),
        iter([1]),
    ],
    ids=lambda value: (
        f"{type(value).__name__} {value!r}"[:24] if isinstance(value, float) else type(value).__name__
    ),
)
@pytest.mark.parametrize("wrapped", ["alone", "list", "object"])
def test_what_is_no_whole_number_or_text_has_no_form(value: object, wrapped: str) -> None:
    with pytest.raises(TypeError, match="no canonical form"):
        encode({"alone": value, "list": [value], "object": {"a": value}}[wrapped])


@pytest.mark.parametrize("key", ["đ", "é", "\x80", "Ω", "😀", 1, None, True, b"a", ("a",)], ids=repr)
def test_keys_that_sort_differently_elsewhere_are_refused(key: object) -> None:
    with pytest.raises(ValueError, match="no ASCII key"):
        encode({key: 1})
    with pytest.raises(ValueError, match="no ASCII key"):
        encode([{"a": {key: 1}}])


def test_half_a_letter_is_no_text() -> None:
    with pytest.raises(ValueError, match="no canonical form"):
        encode("\ud800")


class Kind(StrEnum):
    """Texts with names."""

    MERIT = "merit"


class Number(IntEnum):
    """Numbers with names."""

    ONE = 1


class Other(Enum):
    """Anything with a name."""

    PAIR = ("a", 1)


@dataclass(frozen=True, slots=True)
class Inner:
    on: date
    kind: Kind


@dataclass(frozen=True, slots=True)
class Outer:
    id: UUID
    inner: Inner
    parts: tuple[Inner, ...]
    at: datetime


DAY = date(2024, 8, 5)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (Kind.MERIT, '"merit"'),
        (Number.ONE, "1"),
        (Other.PAIR, '["a",1]'),
        (DAY, '"2024-08-05"'),
        (datetime(2024, 8, 5, tzinfo=UTC), '"2024-08-05T00:00:00+00:00"'),
        (datetime(2024, 8, 5, tzinfo=timezone(timedelta(hours=7))), '"2024-08-05T00:00:00+07:00"'),
        (datetime(2024, 8, 5, 1, 2, 3, 4, tzinfo=UTC), '"2024-08-05T01:02:03.000004+00:00"'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ((1, (2, 3)), "[1,[2,3]]"),
        ({Kind.MERIT: 1}, '{"merit":1}'),
        (Inner(DAY, Kind.MERIT), '{"kind":"merit","on":"2024-08-05"}'),
        ([], "[]"),
        ({}, "{}"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ("", '""'),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_each_kind_of_value_has_one_form(value: object, form: str) -> None:
    assert encode(value).decode() == form


def test_dataclasses_in_dataclasses_become_objects_in_objects() -> None:
    inner = Inner(DAY, Kind.MERIT)
    found = plain(Outer(UUID(int=1), inner, (inner, inner), datetime(2024, 8, 5, tzinfo=UTC)))
    assert found["inner"] == found["parts"][1] == {"on": "2024-08-05", "kind": "merit"}
    assert encode(found) == encode_plain(found) == rfc8785.dumps(found)


def test_a_class_is_no_value_of_itself() -> None:
    with pytest.raises(TypeError, match="no canonical form"):
        encode(Inner)


@given(JSON, JSON)
def test_two_values_have_the_same_digest_only_if_they_are_the_same(one: Any, other: Any) -> None:  # noqa: ANN401 - JSON
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(encode(one)) == digest(encode(other))) == same
