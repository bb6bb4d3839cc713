"""Every route of allocation against keys used twice, versions seen too early and units that are foreign."""

from __future__ import annotations

from typing import Any

import pytest

from services.allocation.ledger.model import Role
from tests.integration.allocation.house import account, problem
from tests.integration.allocation.offices import Offices, line
from tests.integration.allocation.routes import (
    TELLING,
    Route,
    decision,
    each_writing,
    formula,
    rows,
    transfers,
)

# --- keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", TELLING[:1] + TELLING[2:4], ids=str)
def test_a_key_stands_for_one_body(offices: Offices, route: Route) -> None:
    first, second = route.good(offices), route.good(offices)
    if first == second:
        second |= {"title": "Một quyết định khác"}
    assert route.ask(offices, body=first, key="one").status_code in {200, 201}
    before = rows(offices)
    problem(route.ask(offices, body=second, key="one"), 422, "idempotency_key_reused")
    assert rows(offices) == before


def test_a_key_stands_for_one_address(offices: Offices) -> None:
    person = offices.holder("somebody", "decisions.draft", "formulas.compute")
    assert person.send("/v1/decisions", decision(offices), key="one").status_code == 201
    problem(person.send("/v1/decisions/formulas", formula(offices), key="one"), 422, "idempotency_key_reused")


@each_writing
def test_a_refused_request_burns_no_key(offices: Offices, route: Route) -> None:
    """What failed may be sent again under its key: the answer is that of a first request."""
    body = {"no_such_field": 1} if route.body else None
    first = route.ask(offices, body=body, key="again")
    second = route.ask(offices, body=body, key="again")
    if first.status_code < 400:
        assert second.headers["Idempotency-Hit"] == "true"
    else:
        assert "Idempotency-Hit" not in second.headers
        assert second.status_code == first.status_code


# --- versions and units -----------------------------------------------------------------------------------


each_step = pytest.mark.parametrize(
    ("step", "permission", "body"),
    [
        ("submission", "decisions.submit", None),
        ("approval", "decisions.approve", None),
        ("return", "decisions.approve", {"reason": "x"}),
        ("withdrawal", "decisions.draft", {"reason": "x"}),
        ("issue", "decisions.issue", {"number": "1", "issued_on": "2024-08-05"}),
    ],
    ids=["submission", "approval", "return", "withdrawal", "issue"],
)


def seen(offices: Offices, decision_id: str) -> str:
    """The ETag under which the decision is shown."""
    reply = offices.officer.ask("GET", f"/v1/decisions/{decision_id}")
    return str(reply.get_json()["version"])


@each_step
def test_whoever_saw_an_older_version_takes_no_step(
    offices: Offices, step: str, permission: str, body: dict[str, Any] | None
) -> None:
    drafted = offices.draft([line(5, offices.districts(1)[0])])
    old = seen(offices, drafted)
    assert offices.step(offices.officer, drafted, "submission").status_code == 200
    before = offices.house.rows("SELECT state, version FROM decisions")
    headers = {"Idempotency-Key": "k", "If-Match": f'"{old}"'}
    path = f"/v1/decisions/{drafted}/{step}"
    reply = offices.holder("other", permission).ask("POST", path, headers, json=body)
    problem(reply, 412, "version_changed")
    assert offices.house.rows("SELECT state, version FROM decisions") == before


@pytest.mark.parametrize("which", ["same", "any", "none"])
def test_whoever_saw_this_version_or_says_nothing_takes_the_step(offices: Offices, which: str) -> None:
    drafted = offices.draft([line(5, offices.districts(1)[0])])
    tags = {"same": f'"{seen(offices, drafted)}"', "any": "*", "none": None}
    headers = {"Idempotency-Key": "k"} | ({"If-Match": tags[which]} if tags[which] else {})
    reply = offices.officer.ask("POST", f"/v1/decisions/{drafted}/submission", headers)
    assert reply.status_code == 200
    assert reply.headers["ETag"] == f'"{seen(offices, drafted)}"'


@each_step
def test_a_right_for_a_district_does_not_reach_a_decision_of_the_province(
    offices: Offices, step: str, permission: str, body: dict[str, Any] | None
) -> None:
    own = offices.districts(1)[0]
    drafted = offices.draft([line(5, own)])
    person = offices.holder("district-officer", permission, unit=own)
    problem(person.send(f"/v1/decisions/{drafted}/{step}", body), 403, "unit_foreign")
    assert offices.house.one("SELECT state FROM decisions") == "draft"


@pytest.mark.parametrize("route", [TELLING[2], TELLING[3]], ids=str)
def test_a_decision_of_a_foreign_unit_is_not_drafted(offices: Offices, route: Route) -> None:
    own, foreign = offices.districts(2)
    person = offices.holder("district-officer", route.permission, "decisions.draft", unit=own)
    problem(person.send(route.path, route.good(offices) | {"issuing_unit_id": foreign}), 403, "unit_foreign")
    assert offices.house.one("SELECT count(*) FROM decisions") == 0


@pytest.mark.parametrize("side", ["debit", "credit"])
def test_neither_side_of_a_transfer_may_be_foreign(offices: Offices, side: str) -> None:
    own, foreign = offices.districts(2)
    body = transfers(offices)
    body["transfers"][0][side]["unit_id"] = foreign
    person = offices.holder("district-accountant", "ledger.transfer", unit=own)
    problem(person.send("/v1/transfers", body), 403, "unit_foreign")
    assert offices.house.available(account(Role.ALLOTMENT, offices.uuid(own))) == 0
