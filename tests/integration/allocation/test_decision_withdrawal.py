"""A decision that was not issued is given up: it stays to be read, goes nowhere, and holds nothing."""

from __future__ import annotations

import pytest

from services.allocation.ledger.model import Role
from tests.integration.allocation.house import account, problem
from tests.integration.allocation.offices import Offices, line

MILLION = 1_000_000
REASON = {"reason": "lập trùng với quyết định khác"}
WAYS = {
    "draft": (),
    "submitted": ("submission",),
    "sent_back": ("submission", "return"),
    "approved": ("submission", "approval"),
}


def brought_to(offices: Offices, state: str) -> str:
    decision = offices.draft([line(MILLION)], kind="appropriation")
    for step in WAYS[state]:
        person = offices.officer if step == "submission" else offices.checker
        offices.step(person, decision, step, {"reason": "x"} if step == "return" else None)
    assert offices.officer.get(f"/v1/decisions/{decision}")["state"] == state
    return decision


@pytest.mark.parametrize("state", WAYS)
def test_it_is_given_up_from_everywhere_before_its_issue(offices: Offices, state: str) -> None:
    decision = brought_to(offices, state)
    reply = offices.step(offices.officer, decision, "withdrawal", REASON)
    shown = reply.get_json()
    assert (reply.status_code, shown["state"], shown["total_vnd"]) == (200, "withdrawn", MILLION)
    assert offices.officer.get(f"/v1/decisions/{decision}") == shown
    (told,) = offices.house.journal("decisions.withdrawn")
    assert (told["decision_id"], told["unit_id"], told["total_vnd"]) == (decision, offices.province, MILLION)
    assert told["was"] == state
    last = offices.officer.get(f"/v1/decisions/{decision}/history")["items"][-1]
    assert (last["step"], last["actor"], last["reason"]) == ("withdrawn", "officer", REASON["reason"])


@pytest.mark.parametrize("state", WAYS)
def test_it_holds_no_money_before_nor_after(offices: Offices, state: str) -> None:
    decision = brought_to(offices, state)
    for _ in range(2):
        assert offices.house.one("SELECT count(*) FROM transfers") == 0
        assert offices.house.one("SELECT count(*) FROM holds") == 0
        assert offices.house.available(account(Role.ENVELOPE, offices.province_id)) == 0
        offices.step(offices.officer, decision, "withdrawal", REASON)


@pytest.mark.parametrize("step", ["submission", "approval", "return", "issue", "withdrawal"])
def test_what_is_given_up_goes_nowhere(offices: Offices, step: str) -> None:
    decision = brought_to(offices, "submitted")
    offices.step(offices.officer, decision, "withdrawal", REASON)
    person = offices.holder(
        "other", *(f"decisions.{right}" for right in ("draft", "submit", "approve", "issue"))
    )
    bodies = {"issue": {"number": "1", "issued_on": "2024-08-05"}, "return": REASON, "withdrawal": REASON}
    problem(offices.step(person, decision, step, bodies.get(step)), 409, "decision_state")
    assert offices.officer.get(f"/v1/decisions/{decision}")["state"] == "withdrawn"


def test_an_issued_one_is_changed_by_another_decision(offices: Offices) -> None:
    decision = offices.appropriate(MILLION)
    body = problem(offices.step(offices.officer, decision, "withdrawal", REASON), 409, "decision_issued")
    assert "adjusting decision" in body["detail"]
    assert offices.house.available(account(Role.ENVELOPE, offices.province_id)) == MILLION


def test_a_reason_is_needed(offices: Offices) -> None:
    decision = brought_to(offices, "draft")
    for body in ({}, {"reason": " "}):
        problem(offices.step(offices.officer, decision, "withdrawal", body), 422, "request_invalid")
    assert offices.officer.get(f"/v1/decisions/{decision}")["state"] == "draft"


def test_pressing_twice_gives_up_once(offices: Offices) -> None:
    path = f"/v1/decisions/{brought_to(offices, 'draft')}/withdrawal"
    first, second = (offices.officer.send(path, REASON, key="one") for _ in range(2))
    assert (first.status_code, first.get_json()) == (200, second.get_json())
    assert len(offices.house.journal("decisions.withdrawn")) == 1


def test_given_up_ones_are_listed_by_their_state(offices: Offices) -> None:
    decision = brought_to(offices, "draft")
    brought_to(offices, "draft")
    offices.step(offices.officer, decision, "withdrawal", REASON)
    assert [one["id"] for one in offices.officer.pages("/v1/decisions", state="withdrawn")] == [decision]


def test_who_only_checks_does_not_give_up_what_others_made(offices: Offices) -> None:
    decision = brought_to(offices, "submitted")
    person = offices.holder("only-checks", "decisions.approve", "decisions.submit")
    problem(offices.step(person, decision, "withdrawal", REASON), 403, "permission_missing")
