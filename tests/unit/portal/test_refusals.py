"""Every refusal of every service is said in the reader's language, with the values that came with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from babel.messages.pofile import read_po
from flask import Flask, g
from flask_babel import Babel
from marshmallow import Schema, ValidationError, fields, validate

from services.portal.look import refusals
from services.portal.look.language import LANGUAGES, PORTAL, catalogue
from shared.web.schemas import Closed, TextField
from tests.unit.portal import refusals as sources

PLACE = re.compile(r"%\((\w+)\)s")
STANDARD = {"detail", "row", "column", "value", "cure", "pointer"}  # of a fault, each where it has one
STATUSES = (400, 401, 405, 413, 415, 428, 500)  # which HTTP itself and its server answer with
OWN = {"away", "rows_too_many"}  # codes of the portal itself, which adds the service, the bound


@pytest.fixture(params=LANGUAGES)
def reader(request: pytest.FixtureRequest) -> Iterator[str]:
    """Somebody who reads a language."""
    app = Flask("refusals")
    Babel(app, default_locale="vi", locale_selector=lambda: g.get("language", "vi"))
    with app.test_request_context():
        g.language = request.param
        yield request.param


def phrase(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "_")


def codes() -> set[str]:
    return {*sources.refusals(), *map(phrase, STATUSES)}


def texts_of(code: str, language: str) -> list[str]:
    names = (f"{group}.{code}" for group in refusals.GROUPS)
    return [text for name in names if (text := str(catalogue(language).gettext(name))) != name]


def test_codes_are_found_wherever_they_are_given() -> None:
    found = sources.refusals()
    assert len(found) > 200
    assert {
        "list_state",  # raised
        "ceiling_exceeded",  # handed on by a function
        "merged_cells",  # noted in a report
        "number_invalid",  # yielded with its cure
        "payment_settled",  # a key of a table
        "username_taken",  # of a constraint
        "insufficient_funds",  # of the ledger
        "note_invalid",  # of an error with a class of its own
        "too_busy",  # at the door
    } <= set(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_sentence(language: str) -> None:
    assert [code for code in sorted(codes()) if not texts_of(code, language)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_asks_for_no_value_that_does_not_come(language: str) -> None:
    wrong = [
        (code, name, one.places)
        for code, one in sources.refusals().items()
        for text in texts_of(code, language)[:1]
        for name in PLACE.findall(text)
        if name not in STANDARD | (one.values or set()) and code not in OWN
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_rooms_have_a_text_of_one_name(language: str) -> None:
    names = Counter[str]()
    for path in PORTAL.glob(f"*/texts/{language}.po"):
        with path.open("rb") as file:
            names.update(str(one.id) for one in read_po(file, locale=language) if one.id)
    assert [name for name, count in names.items() if count > 1] == []


def test_the_service_s_own_words_are_for_readers_of_english(reader: str) -> None:
    words = refusals.said("month_open", "2024-07 is not closed yet.", {"period": "2024-07"})
    if reader == "en":
        assert words == "2024-07 is not closed yet."
    else:
        assert words == "Tháng 07/2024 chưa khóa; hãy khóa tháng đó trước."


def test_values_are_written_as_the_reader_writes_them(reader: str) -> None:
    values = {"minimum_vnd": 1_500_000, "total_vnd": 1_000_000}
    words = refusals.said("minimum_exceeds_total", "", values)
    assert "1.500.000" in words if reader == "vi" else "1,500,000" in words or "1.500.000" in words
    assert "…" in refusals.said("minimum_exceeds_total", "", {})


def test_what_nobody_has_words_for_is_shown_as_it_came(reader: str) -> None:
    shown = refusals.said("never_heard_of", "It is so.")
    assert shown == ("It is so." if reader == "en" else "never_heard_of: It is so.")
    assert refusals.said("never_heard_of") == "never_heard_of"


def test_a_line_that_the_law_forbids_keeps_the_words_of_its_article(reader: str) -> None:
    detail = "Dòng 14: 12.000.000 đồng một vỏ mộ vượt mức 10.000.000 đồng của Điều 11 NĐ 75/2021"
    assert refusals.said_fault({"code": "ceiling_exceeded", "detail": detail, "row": 14}) == detail


def test_a_fault_that_the_portal_found_itself_is_in_its_words(reader: str) -> None:
    assert (
        refusals.said_fault({"code": "missing", "detail": "Tên: chưa điền.", "said": True})
        == "Tên: chưa điền."
    )


def test_a_job_says_why_it_failed(reader: str) -> None:
    words = refusals.said_failure("file_broken: The file cannot be read as CSV.")
    assert words.startswith("The file cannot" if reader == "en" else "Không đọc được tệp CSV")
    assert refusals.said_failure("killed") == "killed"


class Everything(Closed):
    """A form with every kind of field that a contract has."""

    text = TextField(3, required=True)
    number = fields.Integer(strict=True, validate=validate.Range(min=1, max=5), required=True)
    least = fields.Integer(validate=validate.Range(min=1), required=True)
    most = fields.Integer(validate=validate.Range(max=5), required=True)
    day = fields.Date(required=True)
    id = fields.UUID(required=True)
    truth = fields.Boolean(required=True)
    choice = fields.String(validate=validate.OneOf(["a", "b"]), required=True)
    some = fields.List(fields.String(), validate=validate.Length(min=1, max=2), required=True)
    more = fields.String(validate=validate.Length(max=2), required=True)


WRONG = [
    {},
    dict.fromkeys(Everything().fields),
    {
        "text": "abcd",
        "number": 9,
        "least": 0,
        "most": 9,
        "day": "soon",
        "id": "x",
        "truth": "perhaps",
        "choice": "c",
        "some": [],
        "more": "abc",
        "another": 1,
    },
    {
        "text": "a\x01",
        "number": "x",
        "least": "x",
        "choice": 1,
        "some": [1, 2, 3],
    },
    {"text": "a\0", "more": "a\0"},
]


@pytest.mark.parametrize("body", WRONG, ids=["missing", "null", "wrong", "unreadable", "control"])
def test_what_is_wrong_with_a_field_is_said(reader: str, body: dict[str, object]) -> None:
    schema: Schema = Everything()
    with pytest.raises(ValidationError) as raised:
        schema.load(body)
    details = [text for _, text in _flat(raised.value.normalized_messages())]
    assert len(details) >= len(body)
    for detail in details:
        words = refusals.said_fault({"code": "field_invalid", "detail": detail})
        if reader == "en":
            assert words == detail
        else:
            assert words not in {detail, refusals.said("field_invalid")}, detail
            assert "…" not in words


def _flat(messages: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _flat(inner, f"{name}/{key}")
    elif isinstance(messages, list):
        for inner in messages:
            yield from _flat(inner, name)
    else:
        yield name, str(messages)
