"""Each kind of break is named with its place, and what breaks nothing is let pass."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.contracts.compatibility import api_breaks, event_breaks

EVENT: dict[str, Any] = {
    "x-key": "list_id",
    "x-topic": ["lists.events.v1"],
    "type": "object",
    "properties": {
        "list_id": {"type": "string", "format": "uuid"},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "note": {"type": ["string", "null"]},
        "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
        "by_name": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["items", "kind", "list_id"],
    "$defs": {
        "Item": {
            "type": "object",
            "properties": {"amount_vnd": {"type": "integer"}, "why": {"type": "string"}},
            "required": ["amount_vnd"],
        }
    },
}
BODY = {
    "type": "object",
    "properties": {"size": {"type": "integer", "minimum": 1, "maximum": 9}, "name": {"type": "string"}},
    "required": ["size"],
}
REPLY = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
BODY_PLACE = {"$ref": "#/components/schemas/Body"}
API: dict[str, Any] = {
    "paths": {
        "/v1/lists": {
            "post": {
                "parameters": [
                    {"in": "query", "name": "limit", "schema": {"type": "integer"}},
                    {
                        "in": "header",
                        "name": "Idempotency-Key",
                        "required": True,
                        "schema": {"type": "string"},
                    },
                ],
                "requestBody": {"content": {"application/json": {"schema": BODY_PLACE}}},
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Reply"}}}
                    }
                },
            }
        }
    },
    "components": {"schemas": {"Body": BODY, "Reply": REPLY}},
}
POST = ("paths", "/v1/lists", "post")
AT = "s#/paths/~1v1~1lists/post"
IN_BODY, IN_REPLY = (
    f"{AT}/requestBody/content/application~1json",
    f"{AT}/responses/200/content/application~1json",
)
GONE = object()

EVENT_BREAKS = {
    "a field vanishes": (("properties", "note"), GONE, "#/properties/note: the field is gone"),
    "a field is not always there any more": (
        ("required",),
        ["items", "kind"],
        "#/properties/list_id: it is no longer always there",
    ),
    "a type changes": (
        ("properties", "list_id", "type"),
        "integer",
        "#/properties/list_id/type: string became integer",
    ),
    "a text may be null": (
        ("properties", "list_id", "type"),
        ["string", "null"],
        "#/properties/list_id/type: string became ['string', 'null']",
    ),
    "a text is never null any more": (
        ("properties", "note", "type"),
        "string",
        "#/properties/note/type: ['string', 'null'] became string",
    ),
    "a form changes": (
        ("properties", "list_id", "format"),
        GONE,
        "#/properties/list_id/format: uuid became None",
    ),
    "a pattern comes": (
        ("properties", "note", "pattern"),
        "^x$",
        "#/properties/note/pattern: None became ^x$",
    ),
    "a value vanishes": (
        ("properties", "kind", "enum"),
        ["a"],
        "#/properties/kind/enum: ['a', 'b'] became ['a']",
    ),
    "a field of an item vanishes": (
        ("$defs", "Item", "properties", "why"),
        GONE,
        "#/properties/items/items/properties/why: the field is gone",
    ),
    "a field of an item changes": (
        ("$defs", "Item", "properties", "amount_vnd", "type"),
        "string",
        "#/properties/items/items/properties/amount_vnd/type: integer became string",
    ),
    "values by name change": (
        ("properties", "by_name", "additionalProperties", "type"),
        "integer",
        "#/properties/by_name/additionalProperties/type: string became integer",
    ),
    "the key changes": (("x-key",), "unit_id", "#/x-key: list_id became unit_id"),
    "the topic changes": (
        ("x-topic",),
        ["others.events.v1"],
        "#/x-topic: ['lists.events.v1'] became ['others.events.v1']",
    ),
}
EVENT_ADDITIONS = {
    "a field": (("properties", "colour"), {"type": "string"}),
    "a field of an item": (("$defs", "Item", "properties", "colour"), {"type": "string"}),
    "a field that is always there": (("required",), ["items", "kind", "list_id", "note"]),
    "a value": (("properties", "kind", "enum"), ["a", "b", "c"]),
    "another description": (("description",), "Said better."),
}
API_BREAKS = {
    "an operation vanishes": (POST, GONE, f"{AT}: the operation is gone"),
    "a path vanishes": (POST[:2], GONE, f"{AT}: the operation is gone"),
    "a parameter vanishes": ((*POST, "parameters", 0), GONE, f"{AT}/parameters/limit: the parameter is gone"),
    "a parameter becomes required": (
        (*POST, "parameters", 0, "required"),
        True,
        f"{AT}/parameters/limit: it became required",
    ),
    "a parameter changes": (
        (*POST, "parameters", 0, "schema", "type"),
        "string",
        f"{AT}/parameters/limit/type: integer became string",
    ),
    "a body becomes required": (
        (*POST, "requestBody", "required"),
        True,
        f"{AT}/requestBody: it became required",
    ),
    "a form of the body vanishes": ((*POST, "requestBody", "content"), {}, f"{IN_BODY}: it is gone"),
    "a field must be sent": (
        ("components", "schemas", "Body", "required"),
        ["size", "name"],
        f"{IN_BODY}/properties/name: it became required",
    ),
    "a field is not taken any more": (
        ("components", "schemas", "Body", "properties", "name"),
        GONE,
        f"{IN_BODY}/properties/name: the field is gone",
    ),
    "less is taken": (
        ("components", "schemas", "Body", "properties", "size", "maximum"),
        5,
        f"{IN_BODY}/properties/size/maximum: 9 became 5",
    ),
    "a least length comes": (
        ("components", "schemas", "Body", "properties", "name", "minLength"),
        1,
        f"{IN_BODY}/properties/name/minLength: None became 1",
    ),
    "a reply vanishes": ((*POST, "responses", "200"), GONE, f"{AT}/responses/200: the reply is gone"),
    "a field of the reply vanishes": (
        ("components", "schemas", "Reply", "properties", "id"),
        GONE,
        f"{IN_REPLY}/properties/id: the field is gone",
    ),
    "a field of the reply is not always there": (
        ("components", "schemas", "Reply", "required"),
        [],
        f"{IN_REPLY}/properties/id: it is no longer always there",
    ),
}
API_ADDITIONS = {
    "an operation": (("paths", "/v1/units"), {"get": {"responses": {}}}),
    "a field that nobody must send": (
        ("components", "schemas", "Body", "properties", "colour"),
        {"type": "string"},
    ),
    "a field that need not be sent": (("components", "schemas", "Body", "required"), []),
    "more is taken": (("components", "schemas", "Body", "properties", "size", "maximum"), 99),
    "null is taken": (("components", "schemas", "Body", "properties", "name", "type"), ["string", "null"]),
    "a field of the reply": (("components", "schemas", "Reply", "properties", "colour"), {"type": "string"}),
    "a parameter": (
        (*POST, "parameters", 2),
        {"in": "query", "name": "colour", "schema": {"type": "string"}},
    ),
}


def changed(document: dict[str, Any], place: tuple[Any, ...], value: object) -> dict[str, Any]:
    whole = deepcopy(document)
    spot: Any = whole
    for part in place[:-1]:
        spot = spot[part]
    if value is GONE:
        del spot[place[-1]]
    elif isinstance(spot, list) and place[-1] == len(spot):
        spot.append(value)
    else:
        spot[place[-1]] = value
    return whole


@pytest.mark.parametrize("name", EVENT_BREAKS)
def test_a_break_of_an_event_is_named_with_its_place(name: str) -> None:
    place, value, expected = EVENT_BREAKS[name]
    assert list(event_breaks({"e": EVENT}, {"e": changed(EVENT, place, value)})) == [f"e{expected}"]


@pytest.mark.parametrize("name", EVENT_ADDITIONS)
def test_what_is_added_to_an_event_breaks_nothing(name: str) -> None:
    place, value = EVENT_ADDITIONS[name]
    assert list(event_breaks({"e": EVENT}, {"e": changed(EVENT, place, value), "new": EVENT})) == []


def test_an_event_that_vanishes_is_named() -> None:
    assert list(event_breaks({"e": EVENT}, {})) == ["e: the event is gone"]


@pytest.mark.parametrize("name", API_BREAKS)
def test_a_break_of_an_api_is_named_with_its_place(name: str) -> None:
    place, value, expected = API_BREAKS[name]
    assert list(api_breaks({"s": API}, {"s": changed(API, place, value)})) == [expected]


@pytest.mark.parametrize("name", API_ADDITIONS)
def test_what_is_added_to_an_api_breaks_nothing(name: str) -> None:
    place, value = API_ADDITIONS[name]
    assert list(api_breaks({"s": API}, {"s": changed(API, place, value)})) == []


def test_a_service_that_vanishes_takes_its_operations_along() -> None:
    assert list(api_breaks({"s": API}, {})) == [f"{AT}: the operation is gone"]


FIELDS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "boolean"])}),
)


@given(before=FIELDS, added=FIELDS, data=st.data())
def test_fields_may_be_added_in_any_way_and_taken_away_in_none(
    before: dict[str, Any], added: dict[str, Any], data: st.DataObject
) -> None:
    old = {"x-key": "a", "x-topic": [], "type": "object", "properties": before, "required": sorted(before)}
    more: dict[str, Any] = {**old, "properties": {**added, **before}}
    assert list(event_breaks({"e": old}, {"e": more})) == []
    if before:
        lost = data.draw(st.sampled_from(sorted(before)))
        less = {**more, "properties": {name: one for name, one in more["properties"].items() if name != lost}}
        assert list(event_breaks({"e": old}, {"e": less})) == [f"e#/properties/{lost}: the field is gone"]
