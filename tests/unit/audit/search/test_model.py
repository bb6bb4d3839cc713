"""What of an entry one can search by."""

from __future__ import annotations

from typing import Any

import pytest

from services.audit.search.model import ENTRY, Mention, mentions


def envelope(*subjects: str, bulk: bool = False) -> dict[str, Any]:
    return {"subjects": list(subjects), "items_root": "ab" * 32 if bulk else None}


def test_an_entrys_own_subjects_are_found() -> None:
    assert mentions(envelope("list:L1", "unit:U1"), {}) == {
        Mention("list:L1", ENTRY),
        Mention("unit:U1", ENTRY),
    }


def test_ids_are_found_at_any_depth_of_what_is_no_bulk_row() -> None:
    data = {"list_id": "L1", "lines": [{"line": "merit_monthly", "decision_lines": [{"line_id": "D1"}]}]}
    assert mentions(envelope("list:L1"), data) == {Mention("list:L1", ENTRY), Mention("line:D1", ENTRY)}


def test_items_of_a_bulk_row_name_their_own_ids_and_not_those_below() -> None:
    items = [
        {"payment_id": "P1", "person_id": "C1", "obligations": [{"rate_id": "R1"}]},
        {"payment_id": "P2", "person_id": "C2", "obligations": []},
    ]
    assert mentions(envelope("list:L1", bulk=True), {"list_id": "L1", "items": items}) == {
        Mention("list:L1", ENTRY),
        Mention("payment:P1", 0),
        Mention("person:C1", 0),
        Mention("payment:P2", 1),
        Mention("person:C2", 1),
    }


def test_items_do_not_say_again_what_the_whole_entry_names() -> None:
    items = [{"payment_id": "P1", "list_id": "L1"}, {"payment_id": "P2", "list_id": "L2", "unit_id": "U1"}]
    assert mentions(envelope("unit:U1", bulk=True), {"list_id": "L1", "items": items}) == {
        Mention("unit:U1", ENTRY),
        Mention("list:L1", ENTRY),
        Mention("payment:P1", 0),
        Mention("payment:P2", 1),
        Mention("list:L2", 1),
    }


@pytest.mark.parametrize("value", [None, 7, "", "sealed:v1:abc", "x" * 201, ["P1"], True])
def test_what_is_no_plain_id_is_nobodys_subject(value: object) -> None:
    assert mentions(envelope(), {"person_id": value}) == set()


def test_fields_that_are_no_ids_are_left_alone() -> None:
    assert mentions(envelope(), {"name": "sealed:v1:abc", "amount_vnd": 5, "id": "X", "paid": "P"}) == set()


@pytest.mark.parametrize("data", [None, [], "text", 5, {"items": ["no object"]}, {"items": []}])
def test_data_of_any_shape_is_survived(data: object) -> None:
    assert mentions(envelope("list:L1", bulk=True), data) == {Mention("list:L1", ENTRY)}
