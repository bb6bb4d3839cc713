"""Texts: every occasion, in both languages, with facts as the services really send them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from jinja2 import UndefinedError

from services.allocation.decisions.events import (
    DecisionApproved,
    DecisionSentBack,
    DecisionSubmitted,
    DecisionWithdrawn,
)
from services.allocation.funding.events import (
    FundsDrawn,
    FundsRefused,
    ListFundsClosed,
    WithdrawalRequested,
)
from services.beneficiaries.lists.events import ListSentBack, ListSubmitted
from services.beneficiaries.reconciliation.events import StatementMatched
from services.notifications.messages.model import OCCASIONS
from services.notifications.templates.model import SMS_CHARS_MAX, catalogue, render

EVENTS = (
    DecisionApproved,
    DecisionSentBack,
    DecisionSubmitted,
    DecisionWithdrawn,
    FundsDrawn,
    FundsRefused,
    ListFundsClosed,
    ListSentBack,
    ListSubmitted,
    StatementMatched,
    WithdrawalRequested,
)
SPECIMENS: dict[str, Any] = {
    "title": "Giao kinh phí ưu đãi người có công tháng 8/2024",
    "unit_name": "Huyện Thăng Bình",
    "period": "2024-08",
    "provider": "POST-QNA",
    "reason": "thiếu hồ sơ",
    "lines": [{"line": "merit_monthly", "needed_vnd": 9_000_000_000, "available_vnd": 5_000_000_000,
               "shortfall_vnd": 4_000_000_000}],
}  # fmt: skip
TELLING = {event.TYPE: event for event in EVENTS}
CASES = [
    (type_, occasion.template, language)
    for type_, occasions in OCCASIONS.items()
    for occasion in occasions
    for language in ("vi", "en")
]


def facts_of(type_: str) -> dict[str, Any]:
    """Facts with just the fields of the event, plus the name that notifications adds."""
    event = TELLING[type_]
    told = {field.name: SPECIMENS.get(field.name, _specimen(field.name)) for field in fields(event)}
    return told | {"unit_name": SPECIMENS["unit_name"]}


def _specimen(name: str) -> Any:  # noqa: ANN401 - any fact
    if name.endswith("_vnd"):
        return 1_466_875_000
    if name.endswith("_count") or name in {"submission", "fiscal_year", "matched", "unmatched"}:
        return 3
    return "0192f3c5-0000-7000-8000-000000000001"


def test_every_occasion_is_an_event_that_a_service_tells() -> None:
    assert set(OCCASIONS) == set(TELLING)


@pytest.mark.parametrize(("type_", "template", "language"), CASES)
def test_a_message_has_all_its_parts_and_leaves_nothing_open(
    type_: str, template: str, language: str
) -> None:
    text = render(template, language, facts_of(type_))
    for part in (text.subject, text.body, text.sms):
        assert part.strip()
        assert "{{" not in part
        assert "None" not in part
        assert "[" not in part
    assert len(text.sms) <= SMS_CHARS_MAX
    assert "\n" not in text.subject, "a subject is one header line"


@pytest.mark.parametrize(("type_", "template", "language"), CASES)
def test_a_text_message_needs_no_marks(type_: str, template: str, language: str) -> None:
    assert render(template, language, facts_of(type_)).sms.isascii()


def test_amounts_are_written_as_officers_write_them() -> None:
    text = render("funds_drawn", "vi", facts_of("vn.fundtrail.funds.drawn.v1"))
    assert "1.466.875.000 đồng" in text.body
    assert "Huyện Thăng Bình" in text.subject


def test_a_refusal_says_needed_there_and_missing() -> None:
    body = render("funds_refused", "vi", facts_of("vn.fundtrail.funds.refused.v1")).body
    assert "cần 9.000.000.000 đồng" in body
    assert "còn 5.000.000.000 đồng" in body
    assert "thiếu 4.000.000.000 đồng" in body


def test_a_long_text_message_is_cut_to_what_one_holds() -> None:
    facts = facts_of("vn.fundtrail.withdrawals.requested.v1") | {"provider": "P" * 500}
    text = render("funds_drawn", "en", facts | {"amount_vnd": 1})
    assert len(text.sms) == SMS_CHARS_MAX


def test_a_fact_that_is_missing_is_a_bug_and_no_empty_place() -> None:
    with pytest.raises(UndefinedError, match="title"):
        render("decision_submitted", "vi", {"total_vnd": 1})


def test_facts_are_words_and_never_instructions() -> None:
    facts = facts_of("vn.fundtrail.decisions.submitted.v1") | {"title": "{{ 7 * 7 }} {% for x in y %}"}
    assert "{{ 7 * 7 }} {% for x in y %}" in render("decision_submitted", "en", facts).body


def test_every_template_is_used_and_stands_in_both_languages() -> None:
    used = {occasion.template for occasions in OCCASIONS.values() for occasion in occasions}
    assert set(catalogue()) == used
    for languages in catalogue().values():
        assert set(languages) == {"vi", "en"}
        assert all(set(parts) == {"subject", "body", "sms"} for parts in languages.values())


def test_a_statement_is_told_only_where_rows_wait_for_a_person() -> None:
    (occasion,) = OCCASIONS["vn.fundtrail.statements.matched.v1"]
    assert occasion.when({"unmatched_count": 1})
    assert not occasion.when({"unmatched_count": 0})


@pytest.mark.parametrize(
    ("was", "told"),
    [
        ("draft", []),
        ("sent_back", []),
        ("submitted", ["decisions.approve"]),
        ("approved", ["decisions.approve", "decisions.issue"]),
    ],
)
def test_a_withdrawal_is_told_to_whom_the_decision_waited_for(was: str, told: list[str]) -> None:
    occasions = OCCASIONS["vn.fundtrail.decisions.withdrawn.v1"]
    assert [one.permission for one in occasions if one.when({"was": was})] == told


def test_every_occasion_reaches_people_in_the_application_at_least() -> None:
    for occasions in OCCASIONS.values():
        assert all("in_app" in occasion.channels for occasion in occasions)
