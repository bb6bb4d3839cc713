from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from shared.web.schemas import ExactField, TextField
from shared.web.texts import is_plain


class Said(Schema):
    """One text."""

    text = TextField(10, required=True)


def said(text: object) -> str:
    found: str = Said().load({"text": text})["text"]
    return found


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a", "a"), (" a ", "a"), ("a\nb", "a\nb"), ("a\tb", "a\tb"), ("Hoà", "Hoà"), ("x" * 10, "x" * 10)],
)
def test_a_text_is_kept_without_the_blanks_around_it(text: str, kept: str) -> None:
    assert said(text) == kept


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\t", "x" * 11, "a\0b", "a\x07b", "a\x1b[1m", "a\ud800", "a\uffff", None, 5, [], {}],
    ids=repr,
)
def test_a_text_that_says_nothing_or_cannot_be_stored_is_refused(text: object) -> None:
    with pytest.raises(ValidationError):
        said(text)


@given(st.text(max_size=20))
def test_what_is_plain_can_be_stored_and_shown(text: str) -> None:
    if is_plain(text):
        text.encode()
        assert "\0" not in text
        assert all(unicodedata.category(sign) != "Cc" for sign in text)


def test_vietnamese_is_plain_in_either_form() -> None:
    name = "Nguyễn Thị Hoà Đặng"
    assert is_plain(name)
    assert is_plain(unicodedata.normalize("NFD", name))


def test_what_must_be_met_to_the_letter_is_taken_as_it_was_typed() -> None:
    field = ExactField(10)
    assert field.deserialize(" a\tb ") == " a\tb "
    for wrong in ("", "x" * 11, None, 5):
        with pytest.raises(ValidationError):
            field.deserialize(wrong)
