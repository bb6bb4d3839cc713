"""How a decision came about, as the journal has it; and lists of decisions by year and newest first."""

from __future__ import annotations

from tests.integration.allocation.house import problem
from tests.integration.allocation.offices import Offices, line

MILLION = 1_000_000
UNKNOWN = "00000000-0000-0000-0000-000000000001"


def history(offices: Offices, decision: str, **query: int) -> list[dict[str, object]]:
    return list(offices.officer.get(f"/v1/decisions/{decision}/history", **query)["items"])


def test_a_history_says_who_did_what_and_why_in_order(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)], kind="appropriation")
    offices.step(offices.officer, decision, "submission")
    offices.step(offices.checker, decision, "return", {"reason": "Thiếu thuyết minh"})
    offices.issue(decision)
    steps = [(one["step"], one["actor"], one["reason"]) for one in history(offices, decision)]
    assert steps == [
        ("drafted", "officer", None),
        ("submitted", "officer", None),
        ("sent_back", "checker", "Thiếu thuyết minh"),
        ("submitted", "officer", None),
        ("approved", "checker", None),
        ("issued", "head", None),
    ]


def test_an_issue_of_many_lines_is_one_step(offices: Offices) -> None:
    decision = offices.draft([line(MILLION) for _ in range(401)], kind="appropriation")
    assert offices.issue(decision).status_code == 200
    assert [one["step"] for one in history(offices, decision)].count("issued") == 1


def test_the_same_return_twice_is_two_steps(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)], kind="appropriation")
    for _ in range(2):
        offices.step(offices.officer, decision, "submission")
        offices.step(offices.checker, decision, "return", {"reason": "Thiếu thuyết minh"})
    assert [one["step"] for one in history(offices, decision)].count("sent_back") == 2


def test_a_history_comes_page_by_page_and_holds_no_other_decision(offices: Offices) -> None:
    other = offices.draft([line(MILLION)], kind="appropriation")
    decision = offices.draft([line(MILLION)], kind="appropriation")
    offices.issue(decision)
    pages = list(offices.officer.pages(f"/v1/decisions/{decision}/history", limit=1))
    assert [one["step"] for one in pages] == ["drafted", "submitted", "approved", "issued"]
    assert [one["step"] for one in history(offices, other)] == ["drafted"]


def test_there_is_no_history_of_a_decision_that_is_not(offices: Offices) -> None:
    reply = offices.officer.ask("GET", f"/v1/decisions/{UNKNOWN}/history")
    problem(reply, 404, "decision_unknown")


def test_who_may_not_read_decisions_sees_no_history(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)], kind="appropriation")
    problem(offices.treasurer.ask("GET", f"/v1/decisions/{decision}/history"), 403, "permission_missing")


def test_decisions_are_listed_by_year_and_the_newest_first(offices: Offices) -> None:
    old = offices.draft([line(MILLION)], kind="appropriation", fiscal_year=2023)
    first, second = (offices.draft([line(MILLION)], kind="appropriation") for _ in range(2))
    asked = {"newest": "true", "limit": 1}
    shown = [one["id"] for one in offices.officer.pages("/v1/decisions", **asked, fiscal_year=2024)]
    assert shown == [second, first]
    assert [one["id"] for one in offices.officer.pages("/v1/decisions", **asked)] == [second, first, old]
