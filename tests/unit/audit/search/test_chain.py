"""The walk from a payment to the article, over facts in the shape that the other services give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from services.audit.search import chain, model
from services.audit.search.chain import Chain, Fact

INSTRUCTED = {
    "list_id": "L1",
    "items": [
        {
            "payment_id": f"P{number}",
            "person_id": f"C{number}",
            "list_id": "L1",
            "line": "merit_monthly",
            "amount_vnd": 4_110_000,
            "obligations": [
                {"kind": "monthly", "entitlement_id": f"E{number}", "rate_id": "R77"},
                {"kind": "arrears", "entitlement_id": f"E{number}", "rate_id": "R55"},
            ],
        }
        for number in (1, 2)
    ],
}
PERSONS = {
    "batch_id": "B1",
    "items": [
        {"person_id": f"C{number}", "entitlements": [{"entitlement_id": f"E{number}", "code": "TB"}]}
        for number in (1, 2)
    ],
}
HELD = {
    "list_id": "L1",
    "lines": [{"line": "merit_monthly", "decision_lines": [{"line_id": "D1", "decision_id": "Q1"}]}],
}
ISSUED = {
    "decision_id": "Q1",
    "items": [{"line_id": "D1", "article_id": "A1"}, {"line_id": "D2", "article_id": "A2"}],
}
FACTS: dict[str, dict[str, Any]] = {
    "legal_bases.loaded": {"items": [{"article_id": "A1", "number": "77/2024"}, {"article_id": "A2"}]},
    "rates.loaded": {"items": [{"rate_id": "R55"}, {"rate_id": "R77", "amount_vnd": 2_789_000}]},
    "decisions.drafted": {"decision_id": "Q1"},
    "decisions.issued": ISSUED,
    "persons.registered": PERSONS,
    "lists.submitted": {"list_id": "L1"},
    "lists.approved": {"list_id": "L1"},
    "funds.held": HELD,
    "payments.instructed": INSTRUCTED,
    "payments.returned": {"list_id": "L1", "items": [{"payment_id": "P1", "reason_code": "MD07"}]},
}


class Log:
    """Facts by number, found as the index finds them."""

    def __init__(self, facts: dict[str, dict[str, Any]]) -> None:
        self.facts = [(f"vn.fundtrail.{name}.v1", data) for name, data in facts.items()]

    def find(self, subject: str, types: tuple[str, ...], limit: int) -> Sequence[Fact]:
        found = []
        for index, (name, data) in enumerate(self.facts):
            envelope: dict[str, Any] = {
                "type": name,
                "subjects": [],
                "items_root": "ab" if "items" in data else None,
            }
            for named, item in sorted(model.mentions(envelope, data)):
                if named == subject and name in types:
                    content = chain.content_of(data, item)
                    found.append(Fact(index, item, envelope, content))
        return found[:limit]


def walk(payment_id: str = "P1", without: str = "") -> Chain:
    return chain.walk(payment_id, Log({name: data for name, data in FACTS.items() if name != without}).find)


def subjects(found: Chain, step: str) -> list[str]:
    return [one.subject for one in found.steps if one.step == step]


def test_leads_from_the_payment_to_the_article_without_a_gap() -> None:
    found = walk()
    assert found.missing == []
    expected = {
        "payment": ["payment:P1"],
        "outcome": ["payment:P1"],
        "person": ["person:C1"],
        "entitlement": ["entitlement:E1"],
        "rate": ["rate:R77", "rate:R55"],
        "list": ["list:L1"],
        "line": ["line:D1"],
        "decision": ["decision:Q1"],
        "article": ["article:A1"],
    }
    assert {step: subjects(found, step) for step in expected} == expected
    assert all(step.facts for step in found.steps)


def test_shows_nothing_of_the_other_payments_persons_and_lines_of_a_bulk_row() -> None:
    shown = str([fact.content for step in walk().steps for fact in step.facts])
    for foreign in ("'P2'", "'C2'", "'E2'", "'D2'", "'A2'"):
        assert foreign not in shown


def test_each_fact_says_where_in_the_log_it_stands() -> None:
    found = walk("P2")
    payment = found.steps[0].facts[0]
    assert (list(FACTS)[payment.index], payment.item) == ("payments.instructed", 1)
    assert payment.content == INSTRUCTED["items"][1]


def test_a_payment_without_an_answer_yet_has_a_whole_chain() -> None:
    found = walk("P2")
    assert found.missing == []
    assert next(step for step in found.steps if step.step == "outcome").facts == []


def test_a_bulk_fact_about_the_whole_subject_is_shown_without_its_items() -> None:
    decision = next(step for step in walk().steps if step.step == "decision")
    assert [fact.content for fact in decision.facts] == [{"decision_id": "Q1"}, {"decision_id": "Q1"}]


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        ("legal_bases.loaded", ["article:A1"]),
        ("rates.loaded", ["rate:R77", "rate:R55"]),
        ("persons.registered", ["person:C1", "entitlement:E1"]),
        ("funds.held", ["line", "decision", "article"]),
        ("decisions.issued", ["line:D1", "article"]),
    ],
)
def test_says_what_the_log_should_have_told_but_does_not(lost: str, missing: list[str]) -> None:
    assert walk(without=lost).missing == missing


def test_a_payment_that_nobody_instructed_has_no_chain() -> None:
    found = walk("P9")
    assert found.steps[0].facts == []
    assert found.missing[0] == "payment:P9"


def test_every_link_hangs_on_an_id_that_an_earlier_one_names() -> None:
    named = {"payment"}
    for link in chain.LINKS:
        assert link.subject in named
        named |= {name.removesuffix("_id") for name in link.follow}
