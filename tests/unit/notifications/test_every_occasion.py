"""Every occasion in both languages with the longest names there are and with text like a program."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.messages.model import IN_APP, OCCASIONS, SMS
from services.notifications.templates.model import SMS_CHARS_MAX, catalogue, render
from shared.kernel.money import MAX_VND

LANGUAGES = ("vi", "en")
BETWEEN_THOUSANDS = {"vi": ".", "en": ","}
SHOWN = [
    (kind, occasion.template, language)
    for kind, occasions in OCCASIONS.items()
    for occasion in occasions
    for language in LANGUAGES
]
LONGEST = "Xã Đặc biệt Khó khăn Vùng Bãi ngang Ven biển và Hải đảo " * 20


def facts(text: str = "Huyện Thăng Bình", amount: int = 60_000_000, count: int = 412) -> dict[str, Any]:
    """Whatever any template speaks of."""
    return {
        "title": text,
        "unit_name": text,
        "provider": text,
        "period": "2024-08",
        "total_vnd": amount,
        "amount_vnd": amount,
        "settled_vnd": amount,
        "returned_vnd": amount,
        "unknown_vnd": amount,
        "payment_count": count,
        "submission": count,
        "matched_count": count,
        "unmatched_count": count,
        "lines": [{"needed_vnd": amount, "available_vnd": 0, "shortfall_vnd": amount}],
    }


def ids(case: tuple[str, str, str]) -> str:
    return "-".join(case[1:])


@pytest.mark.parametrize("case", SHOWN, ids=ids)
def test_the_longest_names_stand_whole_in_the_body_and_never_break_a_subject(
    case: tuple[str, str, str],
) -> None:
    _, template, language = case
    told = render(template, language, facts(LONGEST))
    assert "\n" not in told.subject
    if "unit_name" in catalogue()[template][language]["body"]:
        assert LONGEST.strip() in told.body
    assert len(told.sms) <= SMS_CHARS_MAX


@pytest.mark.parametrize("case", SHOWN, ids=ids)
@pytest.mark.parametrize("text", ["a\nb", "a\r\nBcc: all@demo.example", "a\n\n\nb", " a\tb "], ids=repr)
def test_a_name_of_several_lines_adds_no_header_to_a_mail(case: tuple[str, str, str], text: str) -> None:
    _, template, language = case
    subject = render(template, language, facts(text)).subject
    assert subject == " ".join(subject.split())
    assert all(letter.isprintable() for letter in subject)


@pytest.mark.parametrize("case", SHOWN, ids=ids)
@pytest.mark.parametrize(
    "text",
    [
        "{{ 7 * 7 }}",
        "{% for x in range(9) %}x{% endfor %}",
        "{{ ''.__class__.__mro__ }}",
        "<b>x</b>",
        "${x}",
        "%s",
    ],
    ids=repr,
)
def test_a_name_that_looks_like_a_program_is_shown_and_not_run(case: tuple[str, str, str], text: str) -> None:
    _, template, language = case
    told = render(template, language, facts(text))
    assert "49" not in told.body.replace(text, "")
    if "unit_name" in catalogue()[template][language]["body"]:
        assert text in told.body


@pytest.mark.parametrize("case", SHOWN, ids=ids)
@pytest.mark.parametrize("amount", [0, 1, 999, 1000, MAX_VND])
def test_amounts_of_any_size_are_grouped_and_never_cut_in_the_body(
    case: tuple[str, str, str], amount: int
) -> None:
    _, template, language = case
    body = catalogue()[template][language]["body"]
    if "vnd" in body:
        grouped = f"{amount:,}".replace(",", BETWEEN_THOUSANDS[language])
        assert grouped in render(template, language, facts(amount=amount)).body


@pytest.mark.parametrize("case", SHOWN, ids=ids)
def test_a_text_message_of_usual_facts_is_not_cut(case: tuple[str, str, str]) -> None:
    _, template, language = case
    told = render(template, language, facts("POST-QNA", MAX_VND, 99_999))
    assert told.sms[-1] == "."
    assert len(told.sms) < SMS_CHARS_MAX


@pytest.mark.parametrize("case", [one for one in SHOWN if one[2] == "vi"], ids=ids)
def test_the_two_languages_say_different_things_about_the_same(case: tuple[str, str, str]) -> None:
    _, template, _ = case
    vi, en = (render(template, language, facts()) for language in LANGUAGES)
    assert vi.subject != en.subject
    assert vi.body != en.body
    assert any(letter not in string.printable for letter in vi.body)


@pytest.mark.parametrize("case", SHOWN, ids=ids)
def test_every_template_fails_loudly_without_its_facts(case: tuple[str, str, str]) -> None:
    _, template, language = case
    with pytest.raises(Exception, match=r"undefined|has no element"):
        render(template, language, {})


@pytest.mark.parametrize("count", [1, 2, 40])
def test_a_refusal_names_every_line_that_lacks_money(count: int) -> None:
    lines = [{"needed_vnd": 1000 + n, "available_vnd": n, "shortfall_vnd": 1000} for n in range(count)]
    for language in LANGUAGES:
        body = render("funds_refused", language, {**facts(), "lines": lines}).body
        mark = BETWEEN_THOUSANDS[language]
        assert all(f"{1000 + n:,}".replace(",", mark) in body for n in range(count))


@pytest.mark.parametrize(("language", "rows"), [("vi", "1.990.000 dòng"), ("en", "1,990,000 rows")])
def test_a_count_of_many_is_grouped_as_its_language_does(language: str, rows: str) -> None:
    assert rows in render("statement_unmatched", language, facts(count=1_990_000)).subject


@given(st.text(max_size=400), st.integers(0, MAX_VND), st.integers(0, 10**6))
def test_whatever_a_fact_holds_a_message_can_be_made(text: str, amount: int, count: int) -> None:
    for _, template, language in SHOWN:
        told = render(template, language, facts(text, amount, count))
        assert told.subject.split() != []
        assert told.body
        assert len(told.sms) <= SMS_CHARS_MAX


def test_a_language_that_nobody_wrote_is_a_bug() -> None:
    with pytest.raises(KeyError):
        render("funds_drawn", "fr", facts())


def test_an_occasion_that_nobody_wrote_is_a_bug() -> None:
    with pytest.raises(KeyError):
        render("nothing_happened", "vi", facts())


def test_what_costs_money_to_send_is_sent_for_few_occasions_only() -> None:
    """A text message is for what stops the money: a signature that is due, or money that is not there."""
    by_sms = {one.template for occasions in OCCASIONS.values() for one in occasions if SMS in one.channels}
    assert by_sms == {"decision_approved", "funds_refused"}
    assert all(IN_APP in one.channels for occasions in OCCASIONS.values() for one in occasions)


@pytest.mark.parametrize(("count", "told"), [(0, False), (1, True), (500, True)])
def test_a_statement_without_open_rows_is_no_occasion(count: int, told: bool) -> None:  # noqa: FBT001 - a table
    (occasion,) = OCCASIONS["vn.fundtrail.statements.matched.v1"]
    assert occasion.when({"unmatched_count": count}) is told
