"""Where records go in the PostgreSQL bus, and in which order they are read there."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bus.open import open_bus
from shared.bus.port import PARTITIONS, Record
from shared.bus.postgres import COPY_TYPES, _placed, _rows, partition_of
from shared.bus.postgres_subscription import DELIVERED_COLUMNS, _columns, delivered_from
from shared.kernel.ids import id_of

TOPICS = {"a.v1": ("id-a", 8), "b.v1": ("id-b", 3)}
RECORDS = st.lists(
    st.builds(
        Record,
        st.sampled_from(sorted(TOPICS)),
        st.text(max_size=3),
        st.just((("ce_id", b"1"), ("ce_type", b"t"))),
        st.binary(max_size=4),
    ),
    max_size=40,
)
FEW = settings(max_examples=50, deadline=None)


@pytest.mark.parametrize(
    ("key", "partition"), [("", 0), ("decision-7", 5), ("Núi Thành", 6), ("123456789", 6)]
)
def test_a_key_stays_in_its_partition_from_release_to_release(key: str, partition: int) -> None:
    assert partition_of(key, PARTITIONS) == partition


def test_keys_spread_over_all_partitions() -> None:
    counts = Counter(partition_of(str(id_of("list", number)), PARTITIONS) for number in range(8_000))
    assert set(counts) == set(range(PARTITIONS))
    assert all(800 < count < 1_200 for count in counts.values())


def test_a_topic_of_one_partition_takes_every_key() -> None:
    assert {partition_of(str(number), 1) for number in range(100)} == {0}


@given(RECORDS)
@FEW
def test_placing_loses_nothing_and_keeps_the_order_of_each_key(records: list[Record]) -> None:
    placed = _placed(records, TOPICS)
    assert sum(map(len, placed.values())) == len(records)
    before, after = defaultdict(list), defaultdict(list)
    for record in records:
        before[record.topic, record.key].append(record.value)
    for (topic_id, partition), some in placed.items():
        for record in some:
            assert TOPICS[record.topic][0] == topic_id
            assert partition == partition_of(record.key, TOPICS[record.topic][1])
            after[record.topic, record.key].append(record.value)
    assert before == after


@given(RECORDS, st.integers(0, 10**12))
@FEW
def test_rows_have_offsets_without_gaps_and_come_back_as_they_were(records: list[Record], first: int) -> None:
    rows = list(_rows(("id-a", 5), first, records))
    assert [row[2] for row in rows] == list(range(first, first + len(records)))
    assert all(len(row) == len(COPY_TYPES) for row in rows)
    for record, (_, partition, offset, *rest) in zip(records, rows, strict=True):
        found = delivered_from(["a.v1", partition, offset, *rest, "a column more"])
        assert (found.key, found.headers, found.value) == (record.key, record.headers, record.value)
        assert (found.partition, found.offset) == (5, offset)


def test_a_row_begins_with_the_columns_that_are_read() -> None:
    assert DELIVERED_COLUMNS.count(",") + 1 == 7
    assert [column.strip().partition(".")[2] for column in DELIVERED_COLUMNS.split(",")] == [
        "name",
        "partition",
        '"offset"',
        "key",
        "header_names",
        "header_values",
        "value",
    ]


def test_offsets_are_stored_column_by_column() -> None:
    assert _columns({("t1", 0): 5, ("t2", 7): 9}) == {
        "topics": ["t1", "t2"],
        "partitions": [0, 7],
        "offsets": [5, 9],
    }


@pytest.mark.parametrize(
    "address", ["", "amqp://host", "postgresql://host/bus", "kafka:/host", "http://kafka"]
)
def test_an_address_of_no_bus_is_refused_with_the_forms_there_are(address: str) -> None:
    with pytest.raises(Exception, match=r"kafka://") as caught:
        open_bus(address, "unit")
    assert type(caught.value).__name__ in {"ValueError", "SettingMissing", "Rejected"}
