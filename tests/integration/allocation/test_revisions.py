"""A draft, or what was sent back, is corrected by hand, by a file or a formula; no approval outlives that."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from deploy.demo import annexes
from shared.kernel import canonical
from shared.kernel.ids import new_id
from tests.integration.allocation.house import CEMETERY_ARTICLE, GRAVE_ARTICLE, MERIT_ARTICLE, problem
from tests.integration.allocation.offices import Offices, line

MILLION = 1_000_000
PAPER = {"number": "01/QĐ-UBND", "issued_on": "2024-08-05"}


def shown(offices: Offices, decision: str) -> dict[str, Any]:
    found: dict[str, Any] = offices.officer.get(f"/v1/decisions/{decision}")
    return found


def sent_back(offices: Offices, **header: Any) -> str:  # noqa: ANN401 - JSON
    """A decision that came back: it is at version 3."""
    decision = offices.draft([line(MILLION), line(2 * MILLION)], kind="appropriation", **header)
    offices.step(offices.officer, decision, "submission")
    reply = offices.step(offices.checker, decision, "return", {"reason": "sai số tiền"})
    assert reply.get_json()["version"] == 3
    return decision


def annex(offices: Offices, content: bytes, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of the form
    header = {field: str(value) for field, value in offices.header().items()}
    fields = {"article_id": str(CEMETERY_ARTICLE), "units_on": "2024-01-01", "demonstration": "false"}
    return header | fields | changes | {"file": (io.BytesIO(content), "phu-luc.xlsx")}


def upload(offices: Offices, decision: str, content: bytes, seen: int = 1, **changes: Any) -> TestResponse:  # noqa: ANN401
    return offices.officer.send(
        f"/v1/decisions/{decision}/annex",
        method="PUT",
        seen=seen,
        data=annex(offices, content, **changes),
        content_type="multipart/form-data",
    )


def formula(offices: Offices, total: int) -> dict[str, Any]:
    shares = [{"unit_id": unit, "count": 3} for unit in offices.districts(2)]
    more = {
        "article_id": str(MERIT_ARTICLE),
        "instrument": "TT-44-2022",
        "shares": shares,
        "total_vnd": total,
    }
    return offices.header() | more


def compute(offices: Offices, decision: str, total: int, seen: int) -> TestResponse:
    path = f"/v1/decisions/{decision}/formula"
    return offices.officer.send(path, formula(offices, total), method="PUT", seen=seen)


def test_a_draft_says_something_else_from_now_on(offices: Offices) -> None:
    decision = offices.draft([line(MILLION), line(2 * MILLION)], kind="appropriation")
    old = [one["id"] for one in shown(offices, decision)["lines"]]
    reply = offices.revise(decision, [line(7 * MILLION)], kind="appropriation", title="Tên mới")
    assert (reply.status_code, reply.headers["ETag"]) == (200, '"2"')
    found = shown(offices, decision)
    assert found == reply.get_json()
    assert (found["state"], found["version"], found["title"]) == ("draft", 2, "Tên mới")
    assert (found["total_vnd"], [one["amount_vnd"] for one in found["lines"]]) == (7 * MILLION, [7 * MILLION])
    assert found["lines"][0]["id"] not in old
    assert offices.house.one("SELECT count(*) FROM decision_lines") == 1, "the old lines have left"


def test_what_came_back_is_corrected_submitted_approved_and_issued(offices: Offices) -> None:
    decision = sent_back(offices)
    assert offices.revise(decision, [line(5 * MILLION)], 3, kind="appropriation").status_code == 200
    assert shown(offices, decision)["state"] == "sent_back"
    assert offices.issue(decision).get_json()["total_vnd"] == 5 * MILLION
    steps = [
        (one["step"], one["actor"])
        for one in offices.officer.get(f"/v1/decisions/{decision}/history")["items"]
    ]
    assert steps[2:] == [
        ("sent_back", "checker"),
        ("revised", "officer"),
        ("submitted", "officer"),
        ("approved", "checker"),
        ("issued", "head"),
    ]


def test_the_trail_has_what_it_said_before_and_since(offices: Offices) -> None:
    decision = sent_back(offices)
    offices.revise(decision, [line(5 * MILLION)], 3, kind="appropriation", title="Tên mới")
    (told,) = offices.house.journal("decisions.revised")
    before, after = told["before"], told["after"]
    assert (told["decision_id"], told["unit_id"], told["version"]) == (decision, offices.province, 4)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"title", "total_vnd", "line_count", "lines_sha256"}
    assert (before["total_vnd"], before["line_count"]) == (3 * MILLION, 2)
    assert (after["total_vnd"], after["line_count"], after["title"]) == (5 * MILLION, 1, "Tên mới")
    names = ("label", "text", "unit_id", "article_id", "amount_vnd", "quantity", "note")
    said = [{name: one[name] for name in names} for one in shown(offices, decision)["lines"]]
    assert after["lines_sha256"] == canonical.digest(canonical.encode(said))
    assert before["lines_sha256"] == canonical.digest(canonical.encode(told["items"]))
    assert [one["amount_vnd"] for one in told["items"]] == [MILLION, 2 * MILLION]
    assert offices.house.one("SELECT topic FROM journal WHERE type LIKE '%decisions.revised%'") == "trail"


def test_all_replaced_lines_stand_on_the_trail_however_long_they_are(offices: Offices) -> None:
    letters = "\u01b0" * 490
    long = [{**line(MILLION), "text": f"{letters} {number:04}", "note": letters} for number in range(150)]
    decision = offices.draft(long)
    offices.revise(decision, [line(MILLION)], 1)
    told = offices.house.journal("decisions.revised")
    assert len(told) == 2, "fewer lines than one event may tell, but too many letters"
    replaced = [one for each in told for one in each["items"]]
    assert [(one["text"], one["note"]) for one in replaced] == [(one["text"], one["note"]) for one in long]
    history = offices.officer.get(f"/v1/decisions/{decision}/history")["items"]
    assert [one["step"] for one in history] == ["drafted", "revised"]


def test_an_annex_takes_the_place_of_lines_by_hand(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)])
    reply = upload(offices, decision, annexes.cemeteries())
    assert reply.status_code == 200, reply.get_data(as_text=True)
    found = reply.get_json()
    assert (found["total_vnd"], len(found["lines"]), len(found["document"])) == (10_000 * MILLION, 6, 64)


def test_a_faulty_annex_changes_nothing(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)])
    before = shown(offices, decision)
    problem(upload(offices, decision, annexes.untied()), 422, "annex_faulty")
    assert shown(offices, decision) == before


def test_a_formula_is_computed_anew(offices: Offices) -> None:
    drafted = offices.officer.send("/v1/decisions/formulas", formula(offices, 10)).get_json()
    reply = compute(offices, drafted["id"], 20, 1)
    assert reply.status_code == 200, reply.get_data(as_text=True)
    found = reply.get_json()
    assert [one["amount_vnd"] for one in found["lines"]] == [10, 10]
    assert found["arithmetic"] != drafted["arithmetic"]
    (told,) = offices.house.journal("decisions.revised")
    digests = [canonical.digest(one["arithmetic"].encode()) for one in (drafted, found)]
    assert [told[side]["arithmetic_sha256"] for side in ("before", "after")] == digests


def test_lines_by_hand_no_longer_come_from_a_file(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)])
    upload(offices, decision, annexes.cemeteries())
    assert offices.revise(decision, [line(MILLION)], 2).get_json()["document"] is None


def test_the_version_that_was_seen_must_be_said_and_be_the_last(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)])
    problem(offices.revise(decision, [line(2)], None), 428, "precondition_required")
    assert offices.revise(decision, [line(2)], 1).status_code == 200
    body = problem(offices.revise(decision, [line(3)], 1), 412, "version_changed")
    assert "version 2" in body["detail"]
    problem(upload(offices, decision, annexes.cemeteries(), 1), 412, "version_changed")
    problem(compute(offices, decision, 10, 1), 412, "version_changed")
    assert shown(offices, decision)["total_vnd"] == 2


def test_of_two_revisions_at_once_one_wins_and_the_other_is_told(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)])
    with ThreadPoolExecutor(2) as pool, offices.house.owner.connect() as connection:
        connection.execute(text("SELECT 1 FROM decisions FOR UPDATE"))
        both = [
            pool.submit(offices.revise, decision, [line(amount)], 1, person)
            for amount, person in ((5, offices.officer), (7, offices.checker))
        ]
        while offices.house.waiting() < len(both):
            assert not any(one.done() for one in both)
        connection.rollback()
        replies = [one.result(30) for one in both]
    assert sorted(one.status_code for one in replies) == [200, 412]
    (winner,) = (one.get_json() for one in replies if one.status_code == 200)
    assert shown(offices, decision) == winner
    assert len(offices.house.journal("decisions.revised")) == 1


def test_who_approves_what_was_rewritten_meanwhile_is_told(offices: Offices) -> None:
    decision = sent_back(offices)
    offices.step(offices.officer, decision, "submission")
    seen = shown(offices, decision)["version"]
    offices.step(offices.checker, decision, "return", {"reason": "x"})
    offices.revise(decision, [line(9 * MILLION)], seen + 1, kind="appropriation")
    offices.step(offices.officer, decision, "submission")
    path = f"/v1/decisions/{decision}/approval"
    problem(offices.checker.send(path, seen=seen), 412, "version_changed")
    assert shown(offices, decision)["state"] == "submitted"


def test_pressing_twice_rewrites_once(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)])
    first, second = (offices.revise(decision, [line(5)], key="one") for _ in range(2))
    assert (first.status_code, first.get_json()) == (200, second.get_json())
    assert (second.headers["Idempotency-Hit"], second.headers["ETag"]) == ("true", '"2"')
    assert shown(offices, decision)["version"] == 2


@pytest.mark.parametrize("taken", [("submission",), ("submission", "approval")])
def test_what_is_out_of_its_makers_hands_is_not_rewritten(offices: Offices, taken: tuple[str, ...]) -> None:
    decision = offices.draft([line(MILLION)], kind="appropriation")
    for step in taken:
        offices.step(offices.officer if step == "submission" else offices.checker, decision, step)
    before = shown(offices, decision)
    for reply in (
        offices.revise(decision, [line(5)], before["version"]),
        upload(offices, decision, annexes.cemeteries(), before["version"]),
        compute(offices, decision, 10, before["version"]),
    ):
        assert "sent back" in problem(reply, 409, "decision_state")["detail"]
    assert shown(offices, decision) == before


def test_what_is_issued_or_given_up_is_not_rewritten(offices: Offices) -> None:
    issued = offices.appropriate(MILLION)
    reply = offices.revise(issued, [line(5)], shown(offices, issued)["version"])
    assert "adjusting decision" in problem(reply, 409, "decision_issued")["detail"]
    given_up = offices.draft([line(MILLION)])
    offices.step(offices.officer, given_up, "withdrawal", {"reason": "trùng"})
    problem(offices.revise(given_up, [line(5)], 2), 409, "decision_state")


def test_what_says_the_same_is_no_revision(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)])
    problem(offices.revise(decision, [line(MILLION)]), 422, "decision_unchanged")
    assert shown(offices, decision)["version"] == 1
    upload(offices, decision, annexes.cemeteries())
    problem(upload(offices, decision, annexes.cemeteries(), 2), 422, "decision_unchanged")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"article_id": str(new_id())}, "article_unknown"), ({"unit_id": str(new_id())}, "unit_unknown")],
)
def test_a_line_that_cannot_be_leaves_those_before_it(
    offices: Offices, wrong: dict[str, str], code: str
) -> None:
    decision = offices.draft([line(MILLION), line(2 * MILLION)])
    before = shown(offices, decision)
    problem(offices.revise(decision, [line(5), line(5) | wrong]), 422, code)
    assert shown(offices, decision) == before
    assert offices.house.journal("decisions.revised") == []


def test_law_is_asked_at_submission_as_for_any_other(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)])
    offices.revise(decision, [line(120 * MILLION, article=GRAVE_ARTICLE, quantity=10)])
    problem(offices.step(offices.officer, decision, "submission"), 422, "ceiling_exceeded")


def test_both_units_must_be_within_reach(offices: Offices) -> None:
    own, foreign = offices.districts(2)
    person = offices.holder("district-officer", "decisions.draft", "decisions.read", unit=own)
    mine = offices.draft([line(MILLION)], issuing_unit_id=own)
    theirs = offices.draft([line(MILLION)], issuing_unit_id=foreign)
    problem(offices.revise(theirs, [line(5)], by=person, issuing_unit_id=own), 403, "unit_foreign")
    problem(offices.revise(mine, [line(5)], by=person, issuing_unit_id=foreign), 403, "unit_foreign")
    assert offices.revise(mine, [line(5)], by=person, issuing_unit_id=own).status_code == 200
    assert offices.revise(theirs, [line(5)], issuing_unit_id=own).status_code == 200
    assert [shown(offices, one)["issuing_unit_id"] for one in (mine, theirs)] == [own, own]


def test_a_formula_needs_the_right_to_draft_as_well(offices: Offices) -> None:
    decision = offices.draft([line(MILLION)])
    person = offices.holder("only-computes", "formulas.compute")
    path = f"/v1/decisions/{decision}/formula"
    problem(person.send(path, formula(offices, 10), method="PUT", seen=1), 403, "unit_foreign")


def test_whoever_wrote_what_a_decision_says_does_not_approve_it(offices: Offices) -> None:
    decision = sent_back(offices)
    assert offices.revise(decision, [line(5)], 3, offices.checker, kind="appropriation").status_code == 200
    offices.step(offices.officer, decision, "submission")
    problem(offices.step(offices.checker, decision, "approval"), 403, "maker_is_checker")
    problem(offices.step(offices.checker, decision, "return", {"reason": "x"}), 403, "maker_is_checker")
    another = offices.holder("another", "decisions.approve")
    assert offices.step(another, decision, "approval").status_code == 200
    assert offices.house.one("SELECT makers FROM decisions") == ["officer", "checker"]


def test_the_database_takes_no_approval_by_a_maker(offices: Offices) -> None:
    sent_back(offices)
    with offices.house.owner.begin() as connection, pytest.raises(Exception, match="no_maker_approved"):
        connection.execute(text("UPDATE decisions SET approved_by = 'x', makers = '{officer,x}'"))
