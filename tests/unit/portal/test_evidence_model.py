"""What an inspector sees of entries and chains."""

from __future__ import annotations

from typing import Any

from services.portal.evidence import model, places

PERSON = "e4e55548-a72e-57c7-bf8f-a7bf227eb1b8"


def kinds(data: dict[str, Any]) -> dict[str, str]:
    return {one.name: one.kind for one in model.values(data)}


def test_each_value_is_shown_as_what_it_is() -> None:
    data = {
        "amount_vnd": 5,
        "issued_on": "2024-07-15",
        "period": "2024-08",
        "fiscal_year": 2024,
        "count": 7,
        "unit_id": PERSON,
        "payment_id": PERSON,
        "person_id": PERSON,
        "sealed_name": "sealed:v1:abc",
        "demonstration": True,
        "document": None,
        "text": "Xã Trà Linh",
        "codes": ["a", "b"],
    }
    assert kinds(data) == {
        "amount_vnd": "money",
        "issued_on": "day",
        "period": "month",
        "fiscal_year": "year",
        "count": "number",
        "unit_id": "unit",
        "payment_id": "payment",
        "person_id": "code",
        "sealed_name": "sealed",
        "demonstration": "flag",
        "document": "nothing",
        "text": "text",
        "codes": "text",
    }


def test_what_is_long_comes_last_and_its_rows_have_the_same_columns() -> None:
    shown = model.values({"lines": [{"a": 1}, {"b": 2}], "of": {"amount_vnd": 1}, "text": "x"})

    assert [one.name for one in shown] == ["text", "lines", "of"]
    assert [[cell.name for cell in row] for row in shown[1].rows] == [["a", "b"], ["a", "b"]]


def test_before_and_after_stand_side_by_side_where_an_entry_tells_both() -> None:
    sides = model.before_and_after({"before": {"a": 1, "b": 2}, "after": {"a": 1, "b": 3}, "kind": "x"})

    assert sides is not None
    assert model.changed(*sides) == {"b"}
    assert kinds({"before": {}, "after": {}, "kind": "x"}) == {"kind": "text"}
    assert model.before_and_after({"before": 1}) is None


def test_what_is_sealed_is_told_to_have_changed_and_nothing_more() -> None:
    sides = model.before_and_after({"sealed_before": "sealed:a", "sealed_after": "sealed:b"})

    assert sides is not None
    assert [one.kind for side in sides for one in side] == ["sealed", "sealed"]


def test_the_path_leads_from_the_citizen_to_the_article() -> None:
    def step(name: str, **content: str) -> dict[str, Any]:
        return {"step": name, "subject": f"{name}:1", "facts": [{"content": content}] if content else []}

    chain = {"steps": [step("payment", line="x"), step("outcome"), step("person", person_id=PERSON)]}
    path = model.path_of(chain | {"steps": [*chain["steps"], step("article", number="44/2022/TT-BTC")]})

    assert [one.step for one in path] == ["person", "payment", "article"]
    assert [(one.name, one.text) for one in path[2].told] == [("number", "44/2022/TT-BTC")]


def test_only_conditions_that_were_filled_in_count() -> None:
    given = {"subject": " list:1 ", "person": " ", "foreign": "x", "from": "2024-07-01"}

    assert model.conditions(given) == {"subject": "list:1", "from": "2024-07-01"}


def test_units_are_named_with_what_is_above_them_and_in_vietnamese_order() -> None:
    rows = [
        {"id": "p", "name": "Tỉnh Quảng Nam", "level": 1, "parent_id": None},
        {"id": "d", "name": "Huyện Nam Trà My", "level": 2, "parent_id": "p"},
        {"id": "c", "name": "Xã Trà Linh", "level": 3, "parent_id": "d"},
    ]
    assert places.named(rows) == [
        ("d", "Huyện Nam Trà My"),
        ("p", "Tỉnh Quảng Nam"),
        ("c", "Xã Trà Linh – Huyện Nam Trà My"),
    ]
