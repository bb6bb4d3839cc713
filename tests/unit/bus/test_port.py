from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.open import open_bus
from shared.bus.port import RECORD_BYTES_MAX, Record, ensure_sizes
from shared.bus.postgres import partition_of


def test_the_size_of_a_record_counts_key_headers_and_value() -> None:
    assert Record("t", "abc", (("h", b"12"),), b"12345").size_bytes == 11


def test_a_record_of_the_largest_size_passes_and_one_more_byte_does_not() -> None:
    ensure_sizes([Record("t", "", (), b"x" * RECORD_BYTES_MAX)])
    with pytest.raises(ValueError, match=f"{RECORD_BYTES_MAX + 1} bytes"):
        ensure_sizes([Record("t", "k", (), b"x" * RECORD_BYTES_MAX)])


@given(st.text(), st.integers(1, 64))
def test_a_key_always_goes_to_the_same_partition_of_those_there_are(key: str, partitions: int) -> None:
    found = partition_of(key, partitions)
    assert found == partition_of(key, partitions)
    assert 0 <= found < partitions


def test_opening_a_bus_connects_nowhere() -> None:
    for address in ("kafka://127.0.0.1:1,127.0.0.1:2", "postgresql+psycopg://a:b@127.0.0.1:1/bus"):
        open_bus(address, "unit").close()
