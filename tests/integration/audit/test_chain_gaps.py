"""The chain behind a payment when the log does not tell everything: it says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from shared.journal.envelope import Envelope
from shared.kernel.ids import id_of, new_id

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit, Inspector

MakeEnvelope = Callable[..., Envelope]
SEARCH = "audit.search"


def name(kind: str, number: int = 1) -> str:
    return str(id_of(kind, number))


PAYMENT = {
    "payment_id": name("payment"),
    "person_id": name("person"),
    "list_id": name("list"),
    "amount_vnd": 2_789_000,
    "obligations": [{"entitlement_id": name("entitlement"), "rate_id": name("rate")}],
}
LIST = {"list_id": name("list")}
# Name -> source, type, data, and what the chain lacks without it.
FACTS: dict[str, tuple[str, str, dict[str, Any], list[str]]] = {
    "law": ("allocation", "legal_bases.loaded", {"items": [{"article_id": name("article")}]}, ["article"]),
    "draft": ("allocation", "decisions.drafted", {"decision_id": name("decision")}, []),
    "issue": (
        "allocation",
        "decisions.issued",
        {
            "decision_id": name("decision"),
            "items": [{"line_id": name("line"), "article_id": name("article")}],
        },
        ["line", "article"],
    ),
    "rates": ("beneficiaries", "rates.loaded", {"items": [{"rate_id": name("rate")}]}, ["rate"]),
    "person": (
        "beneficiaries",
        "persons.registered",
        {
            "items": [
                {
                    "person_id": name("person"),
                    "entitlements": [{"entitlement_id": name("entitlement")}],
                }
            ]
        },
        ["person", "entitlement"],
    ),
    "held": (
        "allocation",
        "funds.held",
        {**LIST, "lines": [{"decision_lines": [{"line_id": name("line"), "decision_id": name("decision")}]}]},
        ["list", "line", "decision", "article"],
    ),
    "instructed": ("beneficiaries", "payments.instructed", {**LIST, "items": [PAYMENT]}, []),
    "settled": (
        "beneficiaries",
        "payments.settled",
        {**LIST, "items": [{"payment_id": name("payment"), "amount_vnd": 2_789_000}]},
        [],
    ),
}


def tell(audit: Audit, envelope: MakeEnvelope, *names: str) -> None:
    positions: dict[str, int] = {}
    for one in names:
        source, kind, data, _ = FACTS[one]
        positions[source] = positions.get(source, 0) + 1
        audit.take(envelope(source, positions[source], type=f"vn.fundtrail.{kind}.v1", data=data))
    audit.sign()
    audit.index()


def chain(inspector: Inspector) -> dict[str, Any]:
    reply = inspector.get(f"/v1/payments/{name('payment')}/chain", SEARCH)
    assert reply.status_code == 200, reply.get_json()
    told: dict[str, Any] = reply.get_json()
    return told


def kinds(missing: list[str]) -> set[str]:
    return {one.split(":", maxsplit=1)[0] for one in missing}


def test_when_everything_is_told_nothing_is_missing(
    audit: Audit, envelope: MakeEnvelope, inspector: Inspector
) -> None:
    tell(audit, envelope, *FACTS)
    told = chain(inspector)
    assert told["missing"] == []
    assert {step["step"] for step in told["steps"]} == {
        "payment",
        "outcome",
        "person",
        "entitlement",
        "rate",
        "list",
        "line",
        "decision",
        "article",
    }


@pytest.mark.parametrize("left_out", [one for one in FACTS if one != "instructed"])
def test_what_the_log_does_not_tell_is_named(
    audit: Audit, envelope: MakeEnvelope, inspector: Inspector, left_out: str
) -> None:
    tell(audit, envelope, *(one for one in FACTS if one != left_out))
    told = chain(inspector)
    assert kinds(told["missing"]) == set(FACTS[left_out][3])
    whole = all(
        step["facts"] or step["subject"] in told["missing"] or step["step"] == "outcome"
        for step in told["steps"]
    )
    assert whole, "a step without facts is named"


def test_without_the_payment_itself_there_is_no_chain(
    audit: Audit, envelope: MakeEnvelope, inspector: Inspector
) -> None:
    tell(audit, envelope, *(one for one in FACTS if one != "instructed"))
    reply = inspector.get(f"/v1/payments/{name('payment')}/chain", SEARCH)
    assert reply.status_code == 404


def test_a_payment_alone_lacks_everything_that_must_be_behind_it(
    audit: Audit, envelope: MakeEnvelope, inspector: Inspector
) -> None:
    tell(audit, envelope, "instructed")
    assert kinds(chain(inspector)["missing"]) == {
        "person",
        "entitlement",
        "rate",
        "list",
        "line",
        "decision",
        "article",
    }


def test_facts_of_another_payment_fill_no_gap(
    audit: Audit, envelope: MakeEnvelope, inspector: Inspector
) -> None:
    tell(audit, envelope, "instructed")
    others = [
        ("rates.loaded", {"items": [{"rate_id": name("rate", 2)}]}),
        ("persons.registered", {"items": [{"person_id": name("person", 2)}]}),
        ("payments.settled", {"items": [{"payment_id": name("payment", 2)}]}),
    ]
    for position, (kind, data) in enumerate(others, 2):
        audit.take(envelope("beneficiaries", position, type=f"vn.fundtrail.{kind}.v1", data=data))
    audit.index()
    told = chain(inspector)
    assert {"person", "rate"} <= kinds(told["missing"])
    shown = [fact["index"] for step in told["steps"] for fact in step["facts"]]
    assert set(shown) == {0}


def test_a_fact_of_the_wrong_type_fills_no_gap(
    audit: Audit, envelope: MakeEnvelope, inspector: Inspector
) -> None:
    tell(audit, envelope, "instructed")
    audit.take(
        envelope("beneficiaries", 2, type="vn.fundtrail.rumours.heard.v1", data={"rate_id": name("rate")})
    )
    audit.index()
    assert "rate" in kinds(chain(inspector)["missing"])


def test_what_is_told_later_closes_the_gap(
    audit: Audit, envelope: MakeEnvelope, inspector: Inspector
) -> None:
    order = ["instructed", "settled", "person", "rates", "held", "issue", "draft", "law"]
    positions: dict[str, int] = {}
    gaps = []
    for one in order:
        source, kind, data, _ = FACTS[one]
        positions[source] = positions.get(source, 0) + 1
        audit.take(envelope(source, positions[source], type=f"vn.fundtrail.{kind}.v1", data=data))
        audit.index()
        gaps.append(len(kinds(chain(inspector)["missing"])))
    assert gaps == sorted(gaps, reverse=True)
    assert (gaps[0], gaps[-1]) == (7, 0)


@pytest.mark.parametrize("wanted", ["x", "7", "null", "..", "%00", "00000000-0000-0000-0000-00000000000g"])
def test_what_is_no_id_is_not_found(audit: Audit, inspector: Inspector, wanted: str) -> None:
    assert inspector.get(f"/v1/payments/{wanted}/chain", SEARCH).status_code == 404
    assert inspector.get(f"/v1/payments/{wanted}/proof", SEARCH).status_code == 404


def test_following_a_chain_stands_in_the_trail_also_where_it_ends_at_once(
    audit: Audit, envelope: MakeEnvelope, inspector: Inspector
) -> None:
    tell(audit, envelope, *FACTS)
    chain(inspector)
    with audit.reading() as connection:
        rows = connection.exec_driver_sql("SELECT type FROM journal").scalars().all()
    assert rows == ["vn.fundtrail.search.performed.v1"]
    assert inspector.get(f"/v1/payments/{new_id()}/chain", SEARCH).status_code == 404


def test_each_link_of_a_whole_chain_can_be_proven(
    audit: Audit, envelope: MakeEnvelope, inspector: Inspector
) -> None:
    tell(audit, envelope, *FACTS)
    for step in chain(inspector)["steps"]:
        for fact in step["facts"]:
            reply = inspector.get(f"/v1/entries/{fact['index']}/proof", SEARCH)
            assert reply.status_code == 200
            assert reply.get_data(as_text=True).startswith("c2sp.org/tlog-proof@v1\n")


def test_an_altered_index_is_shown_by_the_check(
    audit: Audit, envelope: MakeEnvelope, inspector: Inspector
) -> None:
    """The chain is looked up in the index; what was taken out of the index is found by the check."""
    tell(audit, envelope, *FACTS)
    assert audit.findings() == []
    assert audit.tamper("DELETE FROM search_subjects WHERE subject LIKE 'rate:%%'") > 0
    assert "rate" in kinds(chain(inspector)["missing"])
    assert audit.findings()
