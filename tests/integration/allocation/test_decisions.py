"""Decisions from draft to issue: who may, what the law says, and what the money does."""

from __future__ import annotations

from typing import Any

import pytest

from services.allocation.ledger.model import Role
from shared.kernel.ids import new_id
from shared.kernel.money import MAX_VND
from tests.integration.allocation.house import (
    CEMETERY_ARTICLE,
    GRAVE_ARTICLE,
    LAPSED_ARTICLE,
    MERIT_ARTICLE,
    House,
    account,
    problem,
)
from tests.integration.allocation.offices import Offices, line

MILLION = 1_000_000


def envelope_of(offices: Offices) -> int:
    return offices.house.available(account(Role.ENVELOPE, offices.province_id))


def refusals(house: House) -> list[dict[str, Any]]:
    return house.journal("access.attempt_refused")


def test_a_draft_moves_no_money_and_is_told(offices: Offices) -> None:
    decision = offices.draft([line(5 * MILLION), line(7 * MILLION)], kind="appropriation")
    shown = offices.officer.get(f"/v1/decisions/{decision}")
    assert (shown["state"], shown["total_vnd"], shown["version"]) == ("draft", 12 * MILLION, 1)
    assert [one["position"] for one in shown["lines"]] == [1, 2]
    assert offices.house.one("SELECT count(*) FROM transfers") == 0
    (told,) = offices.house.journal("decisions.drafted")
    assert (told["decision_id"], told["total_vnd"], told["line_count"]) == (decision, 12 * MILLION, 2)


def test_a_decision_goes_from_desk_to_desk_and_its_money_with_it(offices: Offices) -> None:
    decision = offices.draft([line(40 * MILLION)], kind="appropriation")
    reply = offices.issue(decision, "12/QĐ-UBND")
    shown = reply.get_json()
    assert (shown["state"], shown["number"], shown["issued_on"]) == ("issued", "12/QĐ-UBND", "2024-08-05")
    assert reply.headers["ETag"] == f'"{shown["version"]}"'
    assert envelope_of(offices) == 40 * MILLION
    row = offices.house.rows("SELECT prepared_by, approved_by, issued_by FROM decisions")[0]
    assert tuple(row) == ("officer", "checker", "head")


def test_what_was_issued_is_told_line_by_line_with_its_law(offices: Offices) -> None:
    district = offices.districts(1)[0]
    offices.appropriate(10 * MILLION)
    decision = offices.allocate({district: 4 * MILLION}, "02/QĐ")
    told = offices.house.journal("decisions.issued")[-1]
    assert (told["decision_id"], told["number"], told["total_vnd"]) == (decision, "02/QĐ", 4 * MILLION)
    (item,) = told["items"]
    assert (item["unit_id"], item["amount_vnd"]) == (district, 4 * MILLION)
    assert (item["article_id"], item["purpose"]) == (str(MERIT_ARTICLE), "merit_monthly")


def test_an_allocation_divides_the_envelope(offices: Offices) -> None:
    first, second = offices.districts(2)
    offices.appropriate(10 * MILLION)
    offices.allocate({first: 4 * MILLION, second: 5 * MILLION}, "02/QĐ")
    assert envelope_of(offices) == MILLION
    shown = offices.accountant.get("/v1/accounts", role="allotment")["items"]
    assert {one["unit_id"]: one["available_vnd"] for one in shown} == {
        first: 4 * MILLION,
        second: 5 * MILLION,
    }


def test_a_supplement_adds_to_what_a_unit_has(offices: Offices) -> None:
    (district,) = offices.districts(1)
    offices.appropriate(10 * MILLION)
    offices.allocate({district: 4 * MILLION}, "02/QĐ")
    offices.allocate({district: MILLION}, "03/QĐ", kind="supplement")
    (shown,) = offices.accountant.get("/v1/accounts", role="allotment", unit_id=district)["items"]
    assert shown["available_vnd"] == 5 * MILLION


def test_an_envelope_that_is_too_small_refuses_the_issue_and_names_what_lacks(offices: Offices) -> None:
    first, second = offices.districts(2)
    offices.appropriate(10 * MILLION)
    decision = offices.draft([line(8 * MILLION, first), line(5 * MILLION, second)])
    body = problem(offices.issue(decision, "02/QĐ"), 422, "funds_insufficient")
    assert "3000000" in body["detail"].replace(".", "")
    assert envelope_of(offices) == 10 * MILLION
    shown = offices.officer.get(f"/v1/decisions/{decision}")
    assert (shown["state"], shown["number"]) == ("approved", None)


def test_a_decision_refused_for_lack_of_money_is_issued_once_there_is_some(offices: Offices) -> None:
    (district,) = offices.districts(1)
    decision = offices.draft([line(5 * MILLION, district)])
    problem(offices.issue(decision, "02/QĐ"), 422, "funds_insufficient")
    offices.appropriate(5 * MILLION)
    again = offices.step(offices.head, decision, "issue", {"number": "02/QĐ", "issued_on": "2024-08-05"})
    assert again.status_code == 200


def test_who_prepared_cannot_approve(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)], by=offices.checker, kind="appropriation")
    assert offices.step(offices.checker, decision, "submission").status_code == 200
    problem(offices.step(offices.checker, decision, "approval"), 403, "maker_is_checker")
    (told,) = refusals(offices.house)
    assert (told["code"], told["actor_id"], told["denied"]) == ("maker_is_checker", "checker", True)
    assert offices.officer.get(f"/v1/decisions/{decision}")["state"] == "submitted"


def test_who_submitted_counts_as_the_maker(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)], kind="appropriation")
    assert offices.step(offices.checker, decision, "submission").status_code == 200
    problem(offices.step(offices.checker, decision, "approval"), 403, "maker_is_checker")


@pytest.mark.parametrize("wearer", ["officer", "checker"])
def test_who_prepared_or_approved_cannot_issue(offices: Offices, wearer: str) -> None:
    decision = offices.draft([line(MILLION)], kind="appropriation")
    offices.step(offices.officer, decision, "submission")
    offices.step(offices.checker, decision, "approval")
    same_person = offices.holder(wearer, "decisions.issue", "decisions.read")
    paper = {"number": "1", "issued_on": "2024-08-05"}
    problem(offices.step(same_person, decision, "issue", paper), 403, "maker_is_checker")


def test_a_decision_that_was_sent_back_can_be_submitted_again(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)], kind="appropriation")
    offices.step(offices.officer, decision, "submission")
    back = offices.step(offices.checker, decision, "return", {"reason": "thiếu tờ trình"})
    assert back.get_json()["state"] == "sent_back"
    row = offices.house.rows("SELECT reason FROM journal WHERE type LIKE '%sent_back%'")[0]
    assert row.reason == "thiếu tờ trình"
    assert offices.step(offices.officer, decision, "submission").get_json()["state"] == "submitted"


@pytest.mark.parametrize("step", ["approval", "issue", "return"])
def test_a_draft_takes_no_step_out_of_turn(offices: Offices, step: str) -> None:
    decision = offices.draft([line(MILLION)], kind="appropriation")
    person = offices.holder("someone", "decisions.approve", "decisions.issue")
    body = {"issue": {"number": "1", "issued_on": "2024-08-05"}, "return": {"reason": "x"}}.get(step)
    problem(offices.step(person, decision, step, body), 409, "decision_state")


def test_an_issued_decision_is_over(offices: Offices) -> None:
    decision = offices.appropriate(MILLION)
    problem(offices.step(offices.officer, decision, "submission"), 409, "decision_state")
    paper = {"number": "77", "issued_on": "2024-08-05"}
    problem(offices.step(offices.head, decision, "issue", paper), 409, "decision_state")
    assert envelope_of(offices) == MILLION


def test_a_number_is_given_once_by_a_unit(offices: Offices) -> None:
    offices.appropriate(MILLION, "05/QĐ-UBND")
    second = offices.draft([line(MILLION)], kind="appropriation")
    problem(offices.issue(second, "05/QĐ-UBND"), 409, "number_taken")
    assert envelope_of(offices) == MILLION, "money of the refused issue stayed where it was"


def test_a_line_above_its_ceiling_is_refused_at_submission_with_article_and_amounts(offices: Offices) -> None:
    decision = offices.draft([line(MILLION), line(120 * MILLION, article=GRAVE_ARTICLE, quantity=10)])
    body = problem(offices.step(offices.officer, decision, "submission"), 422, "ceiling_exceeded")
    assert "12.000.000 đồng một vỏ mộ vượt mức 10.000.000 đồng của Điều 11 75/2021/NĐ-CP" in body["detail"]
    (fault,) = body["errors"]
    assert (fault["pointer"], fault["row"], fault["column"]) == ("/lines/1/amount_vnd", 2, "amount_vnd")
    assert refusals(offices.house)[-1]["code"] == "ceiling_exceeded"


def test_a_line_just_at_its_ceiling_passes(offices: Offices) -> None:
    decision = offices.draft([line(100 * MILLION, article=GRAVE_ARTICLE, quantity=10)])
    assert offices.step(offices.officer, decision, "submission").status_code == 200


def test_a_ceiling_needs_a_quantity(offices: Offices) -> None:
    decision = offices.draft([line(MILLION, article=GRAVE_ARTICLE)])
    problem(offices.step(offices.officer, decision, "submission"), 422, "quantity_missing")


def test_a_line_under_a_lapsed_instrument_is_refused(offices: Offices) -> None:
    decision = offices.draft([line(MILLION, article=LAPSED_ARTICLE)])
    body = problem(offices.step(offices.officer, decision, "submission"), 422, "instrument_lapsed")
    assert "14/08/2023" in body["detail"]


def test_law_is_judged_again_on_the_day_of_issue(offices: Offices) -> None:
    decision = offices.draft([line(MILLION, article=CEMETERY_ARTICLE)], kind="appropriation")
    offices.step(offices.officer, decision, "submission")
    offices.step(offices.checker, decision, "approval")
    long_after = {"number": "9", "issued_on": "2030-01-01"}
    problem(offices.step(offices.head, decision, "issue", long_after), 422, "instrument_lapsed")


def test_every_fault_of_a_decision_is_told_at_once(offices: Offices) -> None:
    lines = [
        line(120 * MILLION, article=GRAVE_ARTICLE, quantity=10),
        line(MILLION, article=LAPSED_ARTICLE),
        line(MILLION, article=GRAVE_ARTICLE),
    ]
    body = problem(offices.step(offices.officer, offices.draft(lines), "submission"), 422, "ceiling_exceeded")
    assert [one["code"] for one in body["errors"]] == [
        "ceiling_exceeded",
        "instrument_lapsed",
        "quantity_missing",
    ]
    assert [one["row"] for one in body["errors"]] == [1, 2, 3]


def test_an_article_that_nobody_knows_is_refused(offices: Offices) -> None:
    body = offices.header() | {"lines": [line(MILLION, article=new_id())]}
    problem(offices.officer.send("/v1/decisions", body), 422, "article_unknown")


def test_a_unit_that_nobody_knows_is_refused(offices: Offices) -> None:
    body = offices.header() | {"lines": [line(MILLION, str(new_id()))]}
    problem(offices.officer.send("/v1/decisions", body), 422, "unit_unknown")


def test_a_decision_that_nobody_wrote_is_not_found(offices: Offices) -> None:
    problem(offices.officer.ask("GET", f"/v1/decisions/{new_id()}"), 404, "decision_unknown")
    problem(offices.step(offices.officer, str(new_id()), "submission"), 404, "decision_unknown")


def test_an_officer_of_another_unit_is_kept_out(offices: Offices) -> None:
    first, second = offices.districts(2)
    foreign = offices.holder("foreign", "decisions.draft", "decisions.submit", unit=first)
    body = offices.header(issuing_unit_id=second) | {"lines": [line(MILLION)]}
    problem(foreign.send("/v1/decisions", body), 403, "unit_foreign")
    decision = offices.draft([line(MILLION)])
    problem(offices.step(foreign, decision, "submission"), 403, "unit_foreign")
    assert [one["code"] for one in refusals(offices.house)] == ["unit_foreign", "unit_foreign"]


def test_a_right_for_the_province_reaches_its_districts(offices: Offices) -> None:
    (district,) = offices.districts(1)
    decision = offices.draft([line(MILLION)], issuing_unit_id=district)
    assert offices.step(offices.officer, decision, "submission").status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount_vnd": "5000000"}, "/lines/0/amount_vnd"),
        ({"amount_vnd": 1.5}, "/lines/0/amount_vnd"),
        ({"amount_vnd": 0}, "/lines/0/amount_vnd"),
        ({"amount_vnd": -1}, "/lines/0/amount_vnd"),
        ({"amount_vnd": 2**63}, "/lines/0/amount_vnd"),
        ({"amount_vnd": MAX_VND + 1}, "/lines/0/amount_vnd"),
        ({"amount_vnd": None}, "/lines/0/amount_vnd"),
        ({"surprise": 1}, "/lines/0/surprise"),
        ({"unit_id": "Hội An"}, "/lines/0/unit_id"),
        ({"quantity": 0}, "/lines/0/quantity"),
        ({"text": ""}, "/lines/0/text"),
    ],
)
def test_a_line_that_cannot_be_read_names_its_field(
    offices: Offices, change: dict[str, Any], pointer: str
) -> None:
    body = offices.header() | {"lines": [line(MILLION) | change]}
    told = problem(offices.officer.send("/v1/decisions", body), 422, "request_invalid")
    assert [one["pointer"] for one in told["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "gift"}, "/kind"),
        ({"fiscal_year": 1999}, "/fiscal_year"),
        ({"capital_kind": "both"}, "/capital_kind"),
        ({"state": "issued"}, "/state"),
        ({"lines": []}, "/lines"),
        ({"title": "x" * 501}, "/title"),
    ],
)
def test_a_header_that_cannot_be_read_names_its_field(
    offices: Offices, change: dict[str, Any], pointer: str
) -> None:
    body = offices.header() | {"lines": [line(MILLION)]} | change
    told = problem(offices.officer.send("/v1/decisions", body), 422, "request_invalid")
    assert [one["pointer"] for one in told["errors"]] == [pointer]


def test_a_decision_whose_sum_is_beyond_every_amount_is_refused(offices: Offices) -> None:
    body = offices.header(kind="appropriation") | {"lines": [line(MAX_VND), line(1)]}
    problem(offices.officer.send("/v1/decisions", body), 422, "amount_out_of_range")


def test_pressing_twice_writes_one_decision(offices: Offices) -> None:
    body = offices.header() | {"lines": [line(MILLION)]}
    first, second = (offices.officer.send("/v1/decisions", body, key="draft-1") for _ in range(2))
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotency-Hit"] == "true"
    assert offices.house.one("SELECT count(*) FROM decisions") == 1


def test_issuing_twice_moves_the_money_once(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)], kind="appropriation")
    offices.step(offices.officer, decision, "submission")
    offices.step(offices.checker, decision, "approval")
    paper = {"number": "1", "issued_on": "2024-08-05"}
    replies = [offices.head.send(f"/v1/decisions/{decision}/issue", paper, key="issue-1") for _ in range(2)]
    assert [one.status_code for one in replies] == [200, 200]
    assert envelope_of(offices) == MILLION


def test_decisions_are_listed_by_state_page_by_page(offices: Offices) -> None:
    drafts = {offices.draft([line(n * MILLION)], kind="appropriation") for n in range(1, 6)}
    offices.appropriate(MILLION)
    found = [one["id"] for one in offices.officer.pages("/v1/decisions", state="draft", limit=2)]
    assert len(found) == 5
    assert set(found) == drafts
    kinds = {one["kind"] for one in offices.officer.pages("/v1/decisions", component="merit-371")}
    assert kinds == {"appropriation"}


def test_a_reversed_appropriation_leaves_every_invariant_standing(offices: Offices) -> None:
    offices.appropriate(MILLION)
    transfer_id = offices.house.one("SELECT id FROM transfers")
    reply = offices.accountant.send(f"/v1/transfers/{transfer_id}/reversal", {"reason": "nhập nhầm nguồn"})
    assert reply.get_json()["verdict"] == "accepted"
    assert envelope_of(offices) == 0
    assert offices.house.one("SELECT reason FROM journal ORDER BY seq DESC LIMIT 1") == "nhập nhầm nguồn"
