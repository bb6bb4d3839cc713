import tracemalloc
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.canonical import INTEGER_MAX, decode, digest, encode, glance, plain

KEYS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX, INTEGER_MAX)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


class Level(Enum):
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Sample:
    unit_id: UUID
    on: date


@given(JSON)
def test_gives_the_bytes_of_rfc_8785(value: Any) -> None:  # noqa: ANN401 - any JSON value
    assert encode(value) == rfc8785.dumps(value)


@given(JSON)
def test_reads_back_what_it_wrote(value: Any) -> None:  # noqa: ANN401 - any JSON value
    assert decode(encode(value)) == value


def test_ids_dates_and_enumerations_become_text() -> None:
    sample = Sample(UUID(int=1), date(2024, 7, 1))
    assert encode(sample) == b'{"on":"2024-07-01","unit_id":"00000000-0000-0000-0000-000000000001"}'
    assert plain([Colour.RED, Level.HIGH]) == ["red", 3]
    assert plain(datetime(2024, 7, 1, tzinfo=UTC)) == "2024-07-01T00:00:00+00:00"


@pytest.mark.parametrize("value", [1.5, 1.0, float("nan"), object(), b"bytes", Sample])
def test_refuses_what_has_no_canonical_form(value: object) -> None:
    with pytest.raises(TypeError):
        encode({"amount_vnd": value})


@pytest.mark.parametrize("value", [INTEGER_MAX + 1, {"số": 1}, {1: 1}])
def test_refuses_large_integers_and_keys_beyond_ascii(value: object) -> None:
    with pytest.raises(ValueError, match=r"beyond|ASCII"):
        encode(value)


def test_what_is_kept_takes_the_room_of_its_bytes() -> None:
    values = [{"number": number, "note": "x" * 200} for number in range(1_000)]
    tracemalloc.start()
    try:
        kept = [encode(value) for value in values]
        taken, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 2 * sum(map(len, kept))


def test_digest_is_sha256_in_hex() -> None:
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(JSON)
def test_a_glance_sees_what_reading_does(value: object) -> None:
    assert glance(encode(value)) == decode(encode(value))


@pytest.mark.parametrize("data", [b'"\\ud800"', b'{"a_id": "x", "n": Infinity}', b'{"a": 1, "a": 2}'])
def test_a_glance_takes_what_the_standard_library_takes(data: bytes) -> None:
    assert glance(data) == decode(data)


def test_a_number_that_is_too_long_is_seen_rounded() -> None:
    assert glance(b'{"n": 123456789012345678901234567890}') == {"n": 123456789012345678901234567890.0}
