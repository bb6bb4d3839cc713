"""What no column can hold is named before it comes near one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, fields, validate

from shared.kernel.canonical import INTEGER_MAX
from shared.web.schemas import Closed, PageQuery, TextField, VndField
from shared.web.texts import SMALL_MAX, faults_of, is_storable

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


class PartSchema(Closed):
    """A part."""

    name = TextField()


class WholeSchema(Closed):
    """A thing with parts."""

    name = TextField()
    year = fields.Integer()
    strict_year = fields.Integer(strict=True)
    level = fields.Integer(validate=validate.Range(1, 3))
    amount_vnd = VndField()
    parts = fields.List(fields.Nested(PartSchema))
    free = fields.Dict()


@given(TEXT)
def test_any_usual_text_can_be_stored(text: str) -> None:
    assert is_storable(text)
    assert list(faults_of(text)) == []


@pytest.mark.parametrize("text", ["\0", "a\0", "\0b", "a\0b", "\ud800", "a\udfff", "\udc00\ud800"], ids=ascii)
def test_a_text_that_postgresql_cannot_hold_is_told(text: str) -> None:
    assert not is_storable(text)
    for place in (text, [text], {"a": text}, {text: 1}, [[{"a": [text]}]]):
        assert next(iter(faults_of(place))).startswith("Holds a character")


@pytest.mark.parametrize("number", [INTEGER_MAX, -INTEGER_MAX, 0, True, False])
def test_a_number_that_every_reader_keeps_is_no_fault(number: int) -> None:
    assert list(faults_of([number])) == []


@pytest.mark.parametrize("number", [INTEGER_MAX + 1, -INTEGER_MAX - 1, 2**63, 10**300])
def test_a_number_beyond_is_one_wherever_it_stands(number: int) -> None:
    for place in (number, [number], {"a": {"b": number}}):
        assert len(list(faults_of(place))) == 1


@pytest.mark.parametrize("other", [None, 1.5, b"x", object()], ids=["nothing", "fraction", "bytes", "object"])
def test_what_a_schema_judges_by_itself_is_left_to_it(other: object) -> None:
    assert list(faults_of(other)) == []


def faulty(body: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    with pytest.raises(ValidationError) as refused:
        WholeSchema().load(body)
    messages: dict[str, Any] = refused.value.normalized_messages()
    return messages


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"name": "a\0"}, "name"),
        ({"name": "a\0", "free": {"x": "\ud800"}}, "free name"),
        ({"free": {"a\0": 1}}, "free"),
        ({"parts": [{"name": "ok"}, {"name": "a\0"}]}, "parts"),
        ({"year": 2**31}, "year"),
        ({"year": -(2**31)}, "year"),
        ({"strict_year": 2**40}, "strict_year"),
        ({"year": 2**60}, "year"),
        ({"level": 4}, "level"),
        ({"amount_vnd": 2**53}, "amount_vnd"),
        ({"unknown": "a\0"}, "unknown"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_fault_is_told_with_its_field(body: dict[str, Any], named: str) -> None:
    assert sorted(faulty(body)) == named.split()


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Quế Sơn"},
        {"year": SMALL_MAX},
        {"year": -SMALL_MAX},
        {"level": 3},
        {"amount_vnd": INTEGER_MAX},
        {"parts": []},
        {"free": {"deep": [{"er": "𝄞"}]}},
        {},
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_can_be_stored_is_taken(body: dict[str, Any]) -> None:
    assert WholeSchema().load(body) == body


@pytest.mark.parametrize("body", [None, [], "x", 7, [{"name": "a"}]], ids=repr)
def test_what_is_no_object_is_still_refused_as_such(body: object) -> None:
    assert "_schema" in faulty(body)


def test_a_page_of_any_number_keeps_its_own_bounds() -> None:
    assert PageQuery().validate({"limit": 500}) == {}
    assert "limit" in PageQuery().validate({"limit": 501})
