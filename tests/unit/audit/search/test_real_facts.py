"""Mentions and the chain over the very events that the other services record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocation.decisions.events import DecisionDrafted, DecisionIssued
from services.allocation.funding.events import FundsHeld, FundsPosted, FundsRefused, WithdrawalConfirmed
from services.allocation.legal_bases.events import LegalBasesLoaded
from services.audit.search import chain
from services.audit.search.chain import FACTS_MAX, Chain, Fact
from services.audit.search.check import Named
from services.audit.search.handlers import decoded
from services.audit.search.model import ENTRY, Mention, mentions
from services.beneficiaries.lists.events import ListApproved, ListClosed, ListSubmitted, PaymentsInstructed
from services.beneficiaries.rates.events import RatesLoaded
from services.beneficiaries.reconciliation.events import PaymentsReturned, PaymentsSettled
from services.beneficiaries.register.events import ChangeApproved, PersonsRegistered
from shared.kernel import canonical

SUM = 5_584_000
LINE = ({"line": "merit_monthly", "purpose": "merit_monthly", "amount_vnd": SUM},)
FEW = settings(max_examples=50, deadline=None)


def obligation(kind: str, rate: str, entitlement: str = "E1") -> dict[str, Any]:
    return {
        "obligation_id": f"O-{kind}-{rate}",
        "kind": kind,
        "due_period": "2024-07",
        "entitlement_id": entitlement,
        "rate_id": rate,
        "decree": "77/2024/NĐ-CP",
        "amount_vnd": SUM,
        "due_vnd": SUM,
        "paid_vnd": 0,
    }


def listed(submission: int) -> tuple[Any, ...]:
    facts = ("L1", submission, "2024-08", 2024, "U1", "POST-QNA", "post", 2, 2 * SUM, "ab" * 32, LINE)
    return ListSubmitted(*facts), ListApproved(*facts)


def paid(number: int) -> dict[str, Any]:
    return {"payment_id": f"P{number}", "person_id": f"C{number}", "amount_vnd": SUM}


HELD = {
    "line": "merit_monthly",
    "amount_vnd": 2 * SUM,
    "from_returned_vnd": 0,
    "from_allotment_vnd": 2 * SUM,
    "decision_lines": [
        {"line_id": "D1", "decision_id": "Q1", "amount_vnd": SUM},
        {"line_id": "D2", "decision_id": "Q2", "amount_vnd": SUM},
    ],
}
SHORT = {"line": "merit_monthly", "needed_vnd": 2 * SUM, "available_vnd": SUM, "shortfall_vnd": SUM}


def issued(number: int) -> DecisionIssued:
    line = {
        "line_id": f"D{number}",
        "unit_id": "U1",
        "article_id": "A1",
        "instrument_id": "I1",
        "amount_vnd": SUM,
    }
    return DecisionIssued(
        f"Q{number}",
        "U0",
        "allocation",
        "Phân bổ",
        f"{number}/QĐ",
        "2024-07-20",
        2024,
        SUM,
        demonstration=True,
        items=(line,),
    )


def instructed() -> PaymentsInstructed:
    shares = {
        1: (obligation("monthly", "R77"), obligation("arrears", "R55"), obligation("arrears", "R77", "E9")),
        2: (obligation("monthly", "R77", "E2"),),
    }
    items = tuple(
        {**paid(n), "list_id": "L1", "line": "merit_monthly", "obligations": list(of)}
        for n, of in shares.items()
    )
    return PaymentsInstructed("L1", "U1", 2, 0, items)


def person(number: int, *entitlements: str) -> dict[str, Any]:
    entitled = [{"entitlement_id": one, "code": "1.1", "from_period": "2020-01"} for one in entitlements]
    return {
        "person_id": f"C{number}",
        "unit_id": "U1",
        "sealed_name": "sealed:v1:x",
        "entitlements": entitled,
    }


EVENTS: tuple[Any, ...] = (
    LegalBasesLoaded("b", ({"article_id": "A1", "instrument_id": "I1"}, {"article_id": "A2"})),
    RatesLoaded("b", ({"rate_id": "R55", "amount_vnd": 1}, {"rate_id": "R77", "amount_vnd": 2})),
    DecisionDrafted(
        "Q1",
        "U0",
        "allocation",
        "t",
        2024,
        "c",
        "s",
        "k",
        SUM,
        1,
        demonstration=True,
        document=None,
        arithmetic=None,
    ),
    issued(1),
    issued(2),
    PersonsRegistered("B1", (person(1, "E1", "E9"), person(2, "E2"))),
    ChangeApproved("G1", "C1", "U1", "move", "sealed:v1:a", "sealed:v1:b"),
    *listed(1),
    FundsRefused("L1", 1, "U1", (SHORT,)),
    *listed(2),
    FundsHeld("L1", 2, "U1", (HELD,)),
    WithdrawalConfirmed("W1", "L1", 2, "U1", 2 * SUM, "KBNN-1"),
    instructed(),
    PaymentsSettled("L1", "S1", 0, LINE, ({**paid(2), "settled_on": "2024-08-05"},)),
    PaymentsReturned("L1", "S1", 0, LINE, ({**paid(1), "reason_code": "MD07"},)),
    FundsPosted("L1", "U1", "S1", 0, "returned", SUM),
    ListClosed("L1", "U1", 0, LINE),
)


class Log:
    """Events as the log and its index keep them; it notes what was asked."""

    def __init__(self, events: Sequence[Any] = EVENTS) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.rows = [(event.TYPE, self.data(event), self.subjects(event)) for event in events]

    @staticmethod
    def data(event: Any) -> dict[str, Any]:  # noqa: ANN401 - events share no base
        data: dict[str, Any] = canonical.decode(canonical.encode_plain(canonical.plain(event)))
        return data

    @staticmethod
    def subjects(event: Any) -> list[str]:  # noqa: ANN401 - as above
        return [f"{name.removesuffix('_id')}:{getattr(event, name)}" for name in event.SUBJECTS]

    def found(self, index: int) -> set[Mention]:
        _, data, subjects = self.rows[index]
        return set(mentions({"subjects": subjects, "items_root": "ab" if "items" in data else None}, data))

    def find(self, subject: str, types: tuple[str, ...], limit: int) -> Sequence[Fact]:
        self.asked.append((subject, types))
        return [
            Fact(index, item, {"type": name}, chain.content_of(data, item))
            for index, (name, data, _) in enumerate(self.rows)
            for named, item in sorted(self.found(index))
            if named == subject and name in types
        ][:limit]


def walk(payment_id: str = "P1", without: type[Any] | None = None) -> Chain:
    kept = [event for event in EVENTS if without is None or type(event) is not without]
    return chain.walk(payment_id, Log(kept).find)


def told(found: Chain, step: str) -> list[str]:
    return [
        fact.envelope["type"].split(".", 2)[2]
        for one in found.steps
        if one.step == step
        for fact in one.facts
    ]


def test_the_chain_of_a_returned_payment_is_whole_and_tells_both_submissions() -> None:
    found = walk()
    assert found.missing == []
    assert told(found, "outcome") == ["payments.returned.v1"]
    assert told(found, "list") == [
        "lists.submitted.v1",
        "lists.approved.v1",
        "funds.refused.v1",
        "lists.submitted.v1",
        "lists.approved.v1",
        "funds.held.v1",
        "withdrawals.confirmed.v1",
        "funds.posted.v1",
        "lists.closed.v1",
    ]


def test_money_from_two_decisions_leads_to_both_and_once_to_their_article() -> None:
    found = walk()
    steps = [(one.step, one.subject) for one in found.steps]
    assert [subject for step, subject in steps if step == "line"] == ["line:D1", "line:D2"]
    assert [subject for step, subject in steps if step == "decision"] == ["decision:Q1", "decision:Q2"]
    assert [subject for step, subject in steps if step == "article"] == ["article:A1"]


def test_arrears_lead_to_every_rate_and_entitlement_they_were_reckoned_with() -> None:
    found = walk()
    steps = [one.subject for one in found.steps if one.step in {"rate", "entitlement"}]
    assert sorted(steps) == ["entitlement:E1", "entitlement:E9", "rate:R55", "rate:R77"]
    rate = next(one for one in found.steps if one.subject == "rate:R55")
    assert [fact.content for fact in rate.facts] == [{"rate_id": "R55", "amount_vnd": 1}]


def test_late_news_of_the_person_stands_beside_the_registration() -> None:
    assert told(walk(), "person") == ["persons.registered.v1", "changes.approved.v1"]
    assert told(walk("P2"), "person") == ["persons.registered.v1"]


def test_no_other_person_or_payment_of_the_chunk_is_shown() -> None:
    shown = json.dumps([fact.content for step in walk().steps for fact in step.facts])
    for foreign in ('"P2"', '"C2"', '"E2"', '"A2"'):
        assert foreign not in shown


def test_no_subject_is_asked_for_twice_and_only_with_the_types_of_its_step() -> None:
    log = Log()
    chain.walk("P1", log.find)
    assert max(Counter(log.asked).values()) == 1
    assert all(types for _, types in log.asked)


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        (PaymentsInstructed, {"payment:P1", "person", "list", "entitlement", "rate"}),
        (PersonsRegistered, {"entitlement:E1", "entitlement:E9"}),
        (RatesLoaded, {"rate:R55", "rate:R77"}),
        (LegalBasesLoaded, {"article:A1"}),
        (DecisionIssued, {"line:D1", "line:D2", "decision:Q2", "article"}),
        (PaymentsReturned, set()),
    ],
)
def test_a_fact_that_was_taken_out_of_the_log_is_missed(without: type[Any], missing: set[str]) -> None:
    assert missing <= set(walk(without=without).missing)
    assert bool(walk(without=without).missing) == bool(missing)


def test_a_subject_with_very_many_facts_is_cut_at_the_bound() -> None:
    flood = [
        ChangeApproved(f"G{n}", "C1", "U1", "move", "sealed:v1:a", "sealed:v1:b")
        for n in range(FACTS_MAX + 50)
    ]
    found = chain.walk("P1", Log([*EVENTS, *flood]).find)
    assert len(next(one for one in found.steps if one.step == "person").facts) == FACTS_MAX


@given(st.permutations(EVENTS))
@FEW
def test_the_chain_is_the_same_in_whatever_order_the_services_were_heard(events: list[Any]) -> None:
    found = chain.walk("P1", Log(events).find)
    assert found.missing == []
    assert {step.subject for step in found.steps} == {step.subject for step in walk().steps}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_real_event_can_be_found_by_its_own_subjects(event: Any) -> None:  # noqa: ANN401 - events share no base
    log = Log([event])
    found = log.found(0)
    assert {(subject, ENTRY) for subject in log.subjects(event)} <= found
    assert not any("sealed" in subject for subject, _ in found)
    items = getattr(event, "items", ())
    assert {item for _, item in found} - {ENTRY} == set(range(len(items)))


@pytest.mark.parametrize("items", [None, 5, "text", {"a_id": "x"}, True])
def test_items_that_are_no_list_are_survived(items: object) -> None:
    found = set(mentions({"subjects": ["list:L1"], "items_root": "ab"}, {"list_id": "L1", "items": items}))
    assert found == {("list:L1", ENTRY)}


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "\ud800", "\u200b"])
def test_ids_that_no_database_or_search_box_can_hold_are_nobodys(value: str) -> None:
    assert set(mentions({}, {"person_id": value})) == set()


def test_data_deeper_than_our_stack_are_survived() -> None:
    deep: Any = {"person_id": "C1"}
    for _ in range(20_000):
        deep = [deep]
    assert set(mentions({}, {"inner": deep})) == {("person:C1", ENTRY)}
    assert decoded(b"[" * 200_000) is None
    assert decoded(b"\xff") is None


def test_an_id_at_the_bound_is_found_and_one_letter_more_is_not() -> None:
    assert set(mentions({}, {"unit_id": "x" * 200})) == {("unit:" + "x" * 200, ENTRY)}
    assert set(mentions({}, {"unit_id": "x" * 201})) == set()


ROWS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abc"), st.integers(-1, 3)), max_size=40)


@given(ROWS)
@FEW
def test_the_index_is_read_once_and_gives_each_entry_its_own_subjects(
    rows: list[tuple[int, str, int]],
) -> None:
    ordered = sorted(rows)
    named = Named((index, (subject, item)) for index, subject, item in ordered)
    for index in range(21):
        assert named.at(index) == {(subject, item) for at, subject, item in rows if at == index}
    assert not named.rest()


def test_subjects_of_entries_beyond_those_asked_for_are_left_over() -> None:
    named = Named([(3, ("unit:U1", ENTRY))])
    assert named.at(2) == set()
    assert named.rest()
