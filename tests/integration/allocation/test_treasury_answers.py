"""The Treasury's side of a withdrawal: what it may answer, when, how often, and what each answer moves."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from services.allocation.funding import store
from services.allocation.ledger.model import Role
from shared.kernel.ids import id_of
from tests.integration.allocation.district import MILLION, POST, District
from tests.integration.allocation.house import problem

ANSWERS: dict[str, dict[str, Any]] = {
    "confirmation": {"reference": "KB-1"},
    "refusal": {"reason": "thiếu hồ sơ"},
}
STATES = {"confirmation": "confirmed", "refusal": "refused"}


def path(asked: dict[str, Any], answer: str) -> str:
    return f"/v1/withdrawals/{asked['id']}/{answer}"


def standing(district: District) -> tuple[int, int]:
    """What is free in the allotment, and what the provider has."""
    return district.left(Role.ALLOTMENT), district.left(Role.PROVIDER, POST)


def test_a_request_has_the_id_that_follows_from_its_submission(district: District) -> None:
    named = district.held(60 * MILLION)
    asked = district.asked(named)
    assert asked["id"] == str(id_of("withdrawal", named, 1))
    assert (asked["state"], asked["version"], asked["submission"]) == ("requested", 1, 1)
    assert (asked["unit_id"], asked["provider"], asked["amount_vnd"]) == (district.unit, POST, 60 * MILLION)
    assert (asked["reference"], asked["reason"]) == (None, None)


@pytest.mark.parametrize("answer", ["confirmation", "refusal"])
def test_an_answer_is_shown_with_what_it_said(district: District, answer: str) -> None:
    asked = district.asked(district.held(60 * MILLION))
    shown = district.offices.treasurer.send(path(asked, answer), ANSWERS[answer]).get_json()
    assert (shown["state"], shown["version"]) == (STATES[answer], 2)
    assert {name: shown[name] for name in ANSWERS[answer]} == ANSWERS[answer]
    assert standing(district) == ((0, 60 * MILLION) if answer == "confirmation" else (60 * MILLION, 0))


@pytest.mark.parametrize("second", ["confirmation", "refusal"])
@pytest.mark.parametrize("first", ["confirmation", "refusal"])
def test_the_first_answer_counts_and_a_second_is_refused(district: District, first: str, second: str) -> None:
    named = district.held(60 * MILLION)
    asked = district.asked(named)
    treasurer = district.offices.treasurer
    assert treasurer.send(path(asked, first), ANSWERS[first]).status_code == 200
    before, state = standing(district), district.state(named)
    body = problem(treasurer.send(path(asked, second), ANSWERS[second]), 409, "withdrawal_answered")
    assert STATES[first] in body["detail"]
    assert (standing(district), district.state(named)) == (before, state)
    told = [len(district.house.journal(f"withdrawals.{state}")) for state in STATES.values()]
    assert sum(told) == 1


@pytest.mark.parametrize("answer", ["confirmation", "refusal"])
def test_pressing_twice_under_one_key_answers_once(district: District, answer: str) -> None:
    asked = district.asked(district.held(60 * MILLION))
    first, second = (
        district.offices.treasurer.send(path(asked, answer), ANSWERS[answer], key="answer") for _ in range(2)
    )
    assert first.data == second.data
    assert second.headers["Idempotency-Hit"] == "true"
    assert len(district.house.journal(f"withdrawals.{STATES[answer]}")) == 1


def test_one_key_does_not_stand_for_another_answer(district: District) -> None:
    asked = district.asked(district.held(60 * MILLION))
    treasurer = district.offices.treasurer
    treasurer.send(path(asked, "confirmation"), {"reference": "KB-1"}, key="answer")
    again = treasurer.send(path(asked, "confirmation"), {"reference": "KB-2"}, key="answer")
    problem(again, 422, "idempotency_key_reused")
    assert district.requests("confirmed")[0]["reference"] == "KB-1"


@pytest.mark.parametrize("answer", ["confirmation", "refusal"])
def test_after_the_list_was_taken_back_there_is_nothing_to_answer(district: District, answer: str) -> None:
    named = district.held(60 * MILLION)
    asked = district.asked(named)
    district.withdraw(named)
    body = problem(
        district.offices.treasurer.send(path(asked, answer), ANSWERS[answer]), 409, "withdrawal_answered"
    )
    assert "cancelled" in body["detail"]
    assert standing(district) == (60 * MILLION, 0)
    assert district.state(named) == "voided"


def test_an_answer_to_an_earlier_submission_does_not_touch_the_next(district: District) -> None:
    named = district.held(60 * MILLION)
    first = district.asked(named)
    district.withdraw(named)
    district.approve(60 * MILLION, named, 2)
    problem(
        district.offices.treasurer.send(path(first, "confirmation"), {"reference": "KB-1"}),
        409,
        "withdrawal_answered",
    )
    assert district.state(named, 2) == "held"
    district.confirm(named)
    assert (district.state(named, 2), standing(district)) == ("drawn", (0, 60 * MILLION))


@pytest.mark.parametrize("amount", [1, 59 * MILLION, 60 * MILLION, 61 * MILLION, 2**63])
def test_an_answer_does_not_say_an_amount_so_it_cannot_say_a_wrong_one(
    district: District, amount: int
) -> None:
    """The Treasury moves what was asked or nothing: a partial transfer is a refusal with a reason."""
    asked = district.asked(district.held(60 * MILLION))
    body = problem(
        district.offices.treasurer.send(
            path(asked, "confirmation"), {"reference": "KB-1", "amount_vnd": amount}
        ),
        422,
        "request_invalid",
    )
    assert {one["pointer"] for one in body["errors"]} == {"/amount_vnd"}
    assert standing(district) == (0, 0)


def test_what_is_confirmed_is_what_was_asked_net_of_what_the_provider_has(district: District) -> None:
    district.give(100 * MILLION)
    district.paid_list(settled=50 * MILLION, returned=10 * MILLION)
    named = district.approve(25 * MILLION)
    assert district.asked(named)["amount_vnd"] == 15 * MILLION
    district.confirm(named)
    assert district.house.journal("withdrawals.confirmed")[-1]["amount_vnd"] == 15 * MILLION
    assert district.house.journal("funds.drawn")[-1]["amount_vnd"] == 25 * MILLION


def test_a_refusal_gives_returned_money_back_to_where_it_was(district: District) -> None:
    district.give(100 * MILLION)
    district.paid_list(settled=50 * MILLION, returned=10 * MILLION)
    named = district.approve(25 * MILLION)
    assert district.left(Role.RETURNED, POST) == 0
    district.refuse(named)
    assert district.left(Role.RETURNED, POST) == 10 * MILLION
    assert district.left(Role.ALLOTMENT) == 40 * MILLION


def test_a_refused_list_may_come_again_and_be_confirmed(district: District) -> None:
    named = district.held(60 * MILLION)
    district.refuse(named)
    district.approve(60 * MILLION, named, 2)
    district.confirm(named)
    assert district.state(named, 2) == "drawn"
    states = sorted(one["state"] for state in ("refused", "confirmed") for one in district.requests(state))
    assert states == ["confirmed", "refused"]


@pytest.mark.parametrize("answer", ["confirmation", "refusal"])
def test_answered_by_two_at_once_one_is_told_so(district: District, answer: str) -> None:
    named = district.held(60 * MILLION)
    asked = district.asked(named)
    start = threading.Barrier(2)

    def press(which: str) -> int:
        start.wait(10)
        return district.offices.treasurer.send(path(asked, which), ANSWERS[which]).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(press, ["confirmation", answer])) == [200, 409]
    assert sum(standing(district)) == 60 * MILLION
    assert district.state(named) in {"drawn", "voided"}


def test_a_withdrawal_and_an_answer_at_once_leave_one_of_both(district: District) -> None:
    named = district.held(60 * MILLION)
    asked = district.asked(named)
    start = threading.Barrier(2)

    def confirm() -> int:
        start.wait(10)
        reply = district.offices.treasurer.send(path(asked, "confirmation"), {"reference": "KB-1"})
        return int(reply.status_code)

    def withdraw() -> None:
        start.wait(10)
        district.withdraw(named)

    with ThreadPoolExecutor(2) as pool:
        answered, taken = pool.submit(confirm), pool.submit(withdraw)
        taken.result(30)
        status = answered.result(30)
    if status == 200:
        assert (district.state(named), standing(district)) == ("drawn", (0, 60 * MILLION))
        assert len(district.house.journal("funds.withdrawal_too_late")) == 1
    else:
        assert status == 409
        assert (district.state(named), standing(district)) == ("voided", (60 * MILLION, 0))


def test_whoever_has_the_list_can_have_its_request_while_an_answer_waits(district: District) -> None:
    """An answer locks the list before the request, as a withdrawal does; otherwise they would deadlock."""
    named = district.held(60 * MILLION)
    asked = district.asked(named)

    def confirm() -> int:
        reply = district.offices.treasurer.send(path(asked, "confirmation"), {"reference": "KB-1"})
        return int(reply.status_code)

    with ThreadPoolExecutor(1) as pool:
        with district.house.unit_of_work.begin(district.house.act()) as work:
            store.funds_of(work.connection, UUID(named), 1)
            answered = pool.submit(confirm)
            while not district.house.waiting():
                assert not answered.done()
            found = store.withdrawal_of(work.connection, UUID(named), 1)
            assert found is not None
            assert found.state == "requested"
        assert answered.result(30) == 200


@pytest.mark.parametrize("state", ["requested", "confirmed", "refused", "cancelled"])
def test_requests_are_listed_by_what_became_of_them(district: District, state: str) -> None:
    district.give(100 * MILLION)
    named = [district.approve(10 * MILLION) for _ in range(4)]
    district.confirm(named[1])
    district.refuse(named[2])
    district.withdraw(named[3])
    found = district.requests(state)
    expected = dict(zip(("requested", "confirmed", "refused", "cancelled"), named, strict=True))[state]
    assert [one["list_id"] for one in found] == [expected]
    everything = list(district.offices.treasurer.pages("/v1/withdrawals", limit=1))
    assert {one["list_id"] for one in everything} == set(named)


def test_requests_of_no_known_state_are_none(district: District) -> None:
    district.held(10 * MILLION)
    reply = district.offices.treasurer.ask("GET", "/v1/withdrawals", query_string={"state": "lost"})
    assert reply.status_code in {200, 422}
    assert reply.status_code == 422 or reply.get_json()["items"] == []


def test_only_the_treasury_answers(district: District) -> None:
    asked = district.asked(district.held(10 * MILLION))
    for person in (district.offices.officer, district.offices.accountant, district.offices.head):
        for answer, body in ANSWERS.items():
            problem(person.send(path(asked, answer), body), 403, "permission_missing")
    assert len(district.requests()) == 1
