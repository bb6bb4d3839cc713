"""What of an entry one can search by."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.search.model import ENTRY, ITEMS_MAX, mentions


def envelope(*subjects: str, bulk: bool = False) -> dict[str, Any]:
    return {"subjects": list(subjects), "items_root": "ab" * 32 if bulk else None}


def test_an_entrys_own_subjects_are_found() -> None:
    assert set(mentions(envelope("list:L1", "unit:U1"), {})) == {
        ("list:L1", ENTRY),
        ("unit:U1", ENTRY),
    }


def test_ids_are_found_at_any_depth_of_what_is_no_bulk_row() -> None:
    data = {"list_id": "L1", "lines": [{"line": "merit_monthly", "decision_lines": [{"line_id": "D1"}]}]}
    assert set(mentions(envelope("list:L1"), data)) == {("list:L1", ENTRY), ("line:D1", ENTRY)}


def test_items_of_a_bulk_row_name_their_own_ids_and_not_those_below() -> None:
    items = [
        {"payment_id": "P1", "person_id": "C1", "obligations": [{"rate_id": "R1"}]},
        {"payment_id": "P2", "person_id": "C2", "obligations": []},
    ]
    assert set(mentions(envelope("list:L1", bulk=True), {"list_id": "L1", "items": items})) == {
        ("list:L1", ENTRY),
        ("payment:P1", 0),
        ("person:C1", 0),
        ("payment:P2", 1),
        ("person:C2", 1),
    }


def test_items_do_not_say_again_what_the_whole_entry_names() -> None:
    items = [{"payment_id": "P1", "list_id": "L1"}, {"payment_id": "P2", "list_id": "L2", "unit_id": "U1"}]
    assert set(mentions(envelope("unit:U1", bulk=True), {"list_id": "L1", "items": items})) == {
        ("unit:U1", ENTRY),
        ("list:L1", ENTRY),
        ("payment:P1", 0),
        ("payment:P2", 1),
        ("list:L2", 1),
    }


def test_items_beyond_those_the_index_numbers_are_found_by_their_entry_once() -> None:
    items = [{"payment_id": f"P{number}"} for number in range(ITEMS_MAX + 1)] + [{"payment_id": "P7"}]
    found = Counter(mentions(envelope(bulk=True), {"items": [*items, items[-1]]}))
    assert found[f"payment:P{ITEMS_MAX - 1}", ITEMS_MAX - 1] == 1
    assert found[f"payment:P{ITEMS_MAX}", ENTRY] == 1
    assert (found["payment:P7", 7], found["payment:P7", ENTRY]) == (1, 1)
    assert max(item for _, item in found) == ITEMS_MAX - 1 == 2**15 - 1  # the most of a SMALLINT


@pytest.mark.parametrize("value", [None, 7, "", "sealed:v1:abc", "x" * 201, ["P1"], True])
def test_what_is_no_plain_id_is_nobodys_subject(value: object) -> None:
    assert set(mentions(envelope(), {"person_id": value})) == set()


def test_fields_that_are_no_ids_are_left_alone() -> None:
    assert (
        set(mentions(envelope(), {"name": "sealed:v1:abc", "amount_vnd": 5, "id": "X", "paid": "P"})) == set()
    )


@pytest.mark.parametrize("data", [None, [], "text", 5, {"items": ["no object"]}, {"items": []}])
def test_data_of_any_shape_is_survived(data: object) -> None:
    assert set(mentions(envelope("list:L1", bulk=True), data)) == {("list:L1", ENTRY)}


VALUES = ("P1", "P2", "U1", "sealed:v1:x", "in sealed: no", "a\tb", "", "x" * 200, "x" * 201, None, 7)
FIELDS = st.sampled_from(["payment_id", "person_id", "unit_id", "a_id", "a:b_id", "_id", "amount_vnd"])
ITEM = st.dictionaries(FIELDS, st.sampled_from(VALUES), max_size=4) | st.sampled_from(["no object", None])


def fits(value: object) -> bool:
    return (
        isinstance(value, str)
        and value.isprintable()
        and 0 < len(value) <= 200
        and not value.startswith("sealed:")
    )


@given(st.lists(ITEM, max_size=12))
def test_each_item_is_found_by_each_of_its_ids_once(items: list[Any]) -> None:
    found = mentions(envelope("unit:U1", bulk=True), {"items": items})
    expected = {
        (f"{name.removesuffix('_id')}:{value}", number)
        for number, item in enumerate(items)
        if isinstance(item, dict)
        for name, value in item.items()
        if name.endswith("_id") and ":" not in name and fits(value)
    }
    whole = ("unit:U1", ENTRY)
    assert Counter(found) == Counter({whole, *(one for one in expected if one[0] != whole[0])})
