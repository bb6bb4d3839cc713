"""The ledger over HTTP: strict numbers, keys against pressing twice, and only one's own units."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.allocation.ledger.model import Kind, Role
from shared.kernel.ids import new_id
from shared.kernel.money import MAX_VND
from tests.integration.allocation.house import MERIT, account, problem, transfer
from tests.integration.allocation.offices import Offices

PATH = "/v1/transfers"


def key_of(role: str, unit: str | None = None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"fiscal_year": 2024, **MERIT, "role": role, "unit_id": unit, **changes}


def asked(unit: str, amount: Any = 1000, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Money from its source to a unit."""
    return {
        "id": str(new_id()),
        "debit": key_of("source"),
        "credit": key_of("allotment", unit),
        "amount_vnd": amount,
        "kind": "direct",
        **changes,
    }


def send(offices: Offices, *transfers: dict[str, Any], **options: Any) -> Any:  # noqa: ANN401 - a reply
    return offices.accountant.send(PATH, {"transfers": list(transfers)}, **options)


@pytest.fixture
def district(offices: Offices) -> str:
    return offices.districts(1)[0]


def test_a_batch_is_answered_in_its_order(offices: Offices, district: str) -> None:
    back = asked(district, 5000, debit=key_of("allotment", district), credit=key_of("spent", district))
    reply = send(offices, asked(district, 4000), back, asked(district, 1000))
    told = reply.get_json()["outcomes"]
    assert [one["verdict"] for one in told] == ["accepted", "refused", "accepted"]
    assert (told[1]["code"], told[1]["shortfall_vnd"]) == ("insufficient_funds", 1000)
    assert "1.000 đồng are missing" in told[1]["message"]


def test_the_largest_amount_passes_to_the_last_dong(offices: Offices, district: str) -> None:
    assert send(offices, asked(district, MAX_VND)).get_json()["outcomes"][0]["verdict"] == "accepted"
    (shown,) = offices.accountant.get("/v1/accounts", role="allotment")["items"]
    assert shown["available_vnd"] == 9_007_199_254_740_991


@pytest.mark.parametrize(
    "amount", [2**63, MAX_VND + 1, 0, -5, "1000", "1.000", 10.5, 1000.0, None, True, [1]]
)
def test_an_amount_that_is_no_amount_is_refused_at_its_place(
    offices: Offices, district: str, amount: object
) -> None:
    body = problem(send(offices, asked(district), asked(district, amount)), 422, "request_invalid")
    assert {one["pointer"] for one in body["errors"]} == {"/transfers/1/amount_vnd"}
    assert offices.house.one("SELECT count(*) FROM transfers") == 0, "the batch is taken whole or not at all"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"note": "x"}, "/transfers/0/note"),
        ({"kind": "gift"}, "/transfers/0/kind"),
        ({"id": "1"}, "/transfers/0/id"),
        ({"debit": {}}, "/transfers/0/debit/role"),
        ({"credit": {**key_of("allotment"), "bounded": False}}, "/transfers/0/credit/bounded"),
        ({"credit": {**key_of("allotment"), "fiscal_year": "2024"}}, "/transfers/0/credit/fiscal_year"),
        ({"credit": {**key_of("allotment"), "role": "pocket"}}, "/transfers/0/credit/role"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(
    offices: Offices, district: str, change: dict[str, Any], pointer: str
) -> None:
    body = problem(send(offices, asked(district, **change)), 422, "request_invalid")
    assert pointer in {one["pointer"] for one in body["errors"]}


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_has_one_to_a_thousand_transfers(offices: Offices, district: str, count: int) -> None:
    body = problem(send(offices, *[asked(district)] * count), 422, "request_invalid")
    assert body["errors"][0]["pointer"] == "/transfers"


def test_without_a_key_nothing_is_moved(offices: Offices, district: str) -> None:
    body = problem(send(offices, asked(district), key=None), 400, "idempotency_key_missing")
    assert "pay twice" in body["detail"]
    assert offices.house.one("SELECT count(*) FROM transfers") == 0


def test_a_key_is_too_long_beyond_255_characters(offices: Offices, district: str) -> None:
    problem(send(offices, asked(district), key="k" * 256), 400, "idempotency_key_missing")


def test_the_same_key_and_body_give_the_same_reply(offices: Offices, district: str) -> None:
    one = asked(district)
    first, second = (send(offices, one, key="pay-1") for _ in range(2))
    assert first.data == second.data
    assert "Idempotency-Hit" not in first.headers
    assert second.headers["Idempotency-Hit"] == "true"
    assert offices.house.one("SELECT count(*) FROM transfers") == 1


def test_a_key_that_stands_for_another_request_is_refused(offices: Offices, district: str) -> None:
    send(offices, asked(district), key="pay-1")
    problem(send(offices, asked(district), key="pay-1"), 422, "idempotency_key_reused")
    assert offices.house.one("SELECT count(*) FROM transfers") == 1


def test_a_key_belongs_to_its_caller(offices: Offices, district: str) -> None:
    send(offices, asked(district), key="pay-1")
    other = offices.holder("other", "ledger.transfer")
    assert other.send(PATH, {"transfers": [asked(district)]}, key="pay-1").status_code == 200


def test_a_transfer_id_is_good_under_any_key(offices: Offices, district: str) -> None:
    one = asked(district)
    first, second = (send(offices, one).get_json()["outcomes"][0] for _ in range(2))
    assert (first["exists"], second["exists"]) == (False, True)
    (conflict,) = send(offices, one | {"amount_vnd": 1001}).get_json()["outcomes"]
    assert (conflict["verdict"], conflict["code"]) == ("conflict", "id_conflict")


def test_a_foreign_unit_is_denied_and_the_attempt_kept(offices: Offices) -> None:
    own, foreign = offices.districts(2)
    person = offices.holder("district-accountant", "ledger.transfer", unit=own)
    problem(person.send(PATH, {"transfers": [asked(foreign)]}), 403, "unit_foreign")
    assert person.send(PATH, {"transfers": [asked(own)]}).status_code == 200
    (told,) = offices.house.journal("access.attempt_refused")
    assert (told["actor_id"], told["code"], told["denied"]) == ("district-accountant", "unit_foreign", True)


def test_either_side_of_a_transfer_must_be_ones_own(offices: Offices) -> None:
    own, foreign = offices.districts(2)
    person = offices.holder("district-accountant", "ledger.transfer", unit=own)
    out = asked(own, debit=key_of("allotment", foreign), credit=key_of("allotment", own))
    problem(person.send(PATH, {"transfers": [out]}), 403, "unit_foreign")
    assert offices.house.one("SELECT count(*) FROM accounts") == 0


def test_a_transfer_of_a_foreign_unit_is_not_reversed(offices: Offices) -> None:
    own, foreign = offices.districts(2)
    given = asked(foreign)
    send(offices, given)
    person = offices.holder("district-accountant", "ledger.transfer", unit=own)
    problem(person.send(f"{PATH}/{given['id']}/reversal", {"reason": "x"}), 403, "unit_foreign")
    (shown,) = offices.accountant.get("/v1/accounts", unit_id=foreign)["items"]
    assert shown["available_vnd"] == 1000


def test_a_reversal_tells_its_reason(offices: Offices, district: str) -> None:
    given = asked(district)
    send(offices, given)
    reply = offices.accountant.send(f"{PATH}/{given['id']}/reversal", {"reason": "sai đơn vị"})
    assert reply.get_json()["verdict"] == "accepted"
    problem(offices.accountant.send(f"{PATH}/{given['id']}/reversal", {}), 422, "request_invalid")
    problem(offices.accountant.send(f"{PATH}/{new_id()}/reversal", {"reason": "x"}), 404, "transfer_unknown")


def test_without_the_permission_nothing_is_moved(offices: Offices, district: str) -> None:
    problem(offices.officer.send(PATH, {"transfers": [asked(district)]}), 403, "permission_missing")


def test_an_act_is_dated_back_only_by_those_who_may(offices: Offices, district: str) -> None:
    day = date(2024, 7, 1)
    problem(send(offices, asked(district), on=day), 403, "permission_missing")
    dated = offices.holder("dated", "ledger.transfer", "acts.backdate")
    assert dated.send(PATH, {"transfers": [asked(district)]}, on=day).status_code == 200
    assert offices.house.one("SELECT effective_on FROM transfers") == day
    assert offices.house.one("SELECT backdated FROM journal ORDER BY seq DESC LIMIT 1") is True


def test_an_act_is_never_dated_ahead(offices: Offices, district: str) -> None:
    dated = offices.holder("dated", "ledger.transfer", "acts.backdate")
    reply = dated.send(PATH, {"transfers": [asked(district)]}, on=date(2024, 8, 6))
    problem(reply, 422, "business_date_ahead")


def test_a_closed_year_is_refused_with_a_way_out(offices: Offices, district: str) -> None:
    send(offices, asked(district))
    with offices.house.unit_of_work.begin(offices.house.act()) as work:
        work.connection.exec_driver_sql("INSERT INTO ledger_years VALUES (2024, '2025-01-31', 'head')")
    body = problem(send(offices, asked(district)), 422, "year_closed")
    assert "open year" in body["detail"]


def test_accounts_are_found_by_what_makes_them(offices: Offices) -> None:
    first, second = offices.districts(2)
    send(offices, asked(first, 10), asked(second, 20))
    (shown,) = offices.accountant.get("/v1/accounts", unit_id=second)["items"]
    assert (shown["role"], shown["available_vnd"], shown["credits_posted"]) == ("allotment", 20, 20)
    assert len(list(offices.accountant.pages("/v1/accounts", fiscal_year=2024, limit=1))) == 3
    assert offices.accountant.get("/v1/accounts", fiscal_year=2023)["items"] == []


def test_the_rows_behind_a_total_add_up_to_it(offices: Offices, district: str) -> None:
    send(offices, *(asked(district, amount) for amount in (100, 200, 300)))
    (shown,) = offices.accountant.get("/v1/accounts", role="allotment")["items"]
    rows = list(offices.accountant.pages(f"/v1/accounts/{shown['id']}/transfers", limit=2))
    assert [one["amount_vnd"] for one in rows] == [100, 200, 300]
    assert sum(one["amount_vnd"] for one in rows) == shown["available_vnd"]
    assert [one["number"] for one in rows] == sorted(one["number"] for one in rows)


@pytest.mark.parametrize("cursor", ["x", "bm90IGpzb24", "W10"])
def test_a_cursor_that_no_list_gave_is_refused(offices: Offices, cursor: str) -> None:
    reply = offices.accountant.ask("GET", "/v1/accounts", query_string={"cursor": cursor})
    assert reply.status_code == 422
    assert reply.get_json()["code"] == "cursor_invalid"


def test_a_hold_over_http_is_kept_in_parts(offices: Offices, district: str) -> None:
    send(offices, asked(district, 1000))
    sides = {"debit": key_of("allotment", district), "credit": key_of("provider", district, party="vnpost")}
    hold = asked(district, 800, kind="hold", **sides)
    post = asked(district, 500, kind="post", hold_id=hold["id"], **sides)
    void = asked(district, 300, kind="void", hold_id=hold["id"], **sides)
    told = send(offices, hold, post, void).get_json()["outcomes"]
    assert [one["verdict"] for one in told] == ["accepted"] * 3
    row = offices.house.rows("SELECT * FROM holds")[0]
    assert (row.amount_vnd, row.posted_vnd, row.voided_vnd) == (800, 500, 300)


def test_transfers_of_the_code_and_of_the_api_share_their_accounts(offices: Offices, district: str) -> None:
    send(offices, asked(district, 1000))
    allotment = account(Role.ALLOTMENT, offices.uuid(district))
    offices.house.open(account(Role.SPENT, offices.uuid(district)))
    (outcome,) = offices.house.move(
        transfer(allotment, account(Role.SPENT, offices.uuid(district)), 1000, Kind.DIRECT)
    )
    assert outcome.refusal is None
