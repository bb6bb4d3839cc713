from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from services.beneficiaries.months import FIRST, LAST, parse_month
from services.beneficiaries.words import SentenceField, is_plain
from shared.kernel.errors import Rejected
from shared.kernel.periods import Period


class Said(Schema):
    """One text."""

    text = SentenceField(10, required=True)


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


@given(st.integers(0, 9999), st.integers(1, 12))
def test_a_month_in_an_address_lies_in_the_time_of_the_law(year: int, number: int) -> None:
    period = Period(year, number)
    if FIRST <= period <= LAST:
        assert parse_month(str(period)) == period
    else:
        with pytest.raises(Rejected, match="period_invalid"):
            parse_month(str(period))


@pytest.mark.parametrize("text", ["", "2024", "2024-13", "2024-0", "24-08", "2024-08-01", "２０２４-08", "x"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="period_invalid"):
        parse_month(text)
