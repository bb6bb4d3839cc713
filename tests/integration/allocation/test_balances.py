"""How the money of a year stands, by programme and by unit, for whoever may read of those units."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.allocation.ledger.model import Kind, Role
from tests.integration.allocation.house import account, problem, transfer
from tests.integration.allocation.offices import Offices

PATH = "/v1/balances"
FIGURES = ("allotted_vnd", "held_vnd", "spent_vnd", "left_vnd")


def figures(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row[name] for name in FIGURES)


@pytest.fixture
def districts(offices: Offices) -> list[str]:
    """Two districts: the first has drawn, spent and promised of its money, the second has all of it."""
    first, second = offices.districts(2)
    offices.appropriate(10_000)
    offices.allocate({first: 4_000, second: 3_000}, "01/QĐ-UBND")
    allotment, provider, spent = (
        account(role, offices.uuid(first), party)
        for role, party in ((Role.ALLOTMENT, None), (Role.PROVIDER, "BANK-QNA"), (Role.SPENT, None))
    )
    offices.house.open(provider, spent)
    offices.house.move(transfer(allotment, provider, 1_000))
    offices.house.move(transfer(provider, spent, 900))
    offices.house.move(transfer(allotment, provider, 500, Kind.HOLD))
    return [first, second]


def test_a_programme_adds_up_what_its_units_have(offices: Offices, districts: list[str]) -> None:
    reply = offices.accountant.get(PATH, fiscal_year=2024)
    (row,) = reply["items"]
    assert reply["fiscal_years"] == [2024]
    assert (row["component"], row["source"], row["capital_kind"]) == ("merit-371", "central", "recurrent")
    assert figures(row) == (7_000, 600, 900, 5_500)
    assert row["undivided_vnd"] == 3_000
    assert row["unit_id"] is None


def test_the_province_is_divided_into_its_districts(offices: Offices, districts: list[str]) -> None:
    (top,) = offices.accountant.get(PATH, fiscal_year=2024, by="unit")["items"]
    assert (top["unit_id"], top["alone"], top["parts"]) == (offices.province, False, True)
    assert figures(top) == (7_000, 600, 900, 5_500)

    rows = offices.accountant.get(PATH, fiscal_year=2024, by="unit", unit_id=offices.province)["items"]
    found = {row["unit_id"]: row for row in rows}
    assert found.keys() == {offices.province, *districts}
    assert figures(found[districts[0]]) == (4_000, 600, 900, 2_500)
    assert figures(found[districts[1]]) == (3_000, 0, 0, 3_000)
    assert (found[offices.province]["alone"], found[offices.province]["undivided_vnd"]) == (True, 3_000)


def test_money_of_a_commune_counts_for_its_district(offices: Offices, districts: list[str]) -> None:
    commune = offices.house.one(
        "SELECT unit_id FROM unit_parents WHERE parent_id = :parent ORDER BY unit_id LIMIT 1",
        parent=districts[1],
    )
    offices.allocate({str(commune): 200}, "02/QĐ-UBND")

    rows = offices.accountant.get(PATH, fiscal_year=2024, by="unit", unit_id=offices.province)["items"]
    assert {row["unit_id"]: row["allotted_vnd"] for row in rows}[districts[1]] == 3_200
    below = offices.accountant.get(PATH, fiscal_year=2024, by="unit", unit_id=districts[1])["items"]
    assert {(row["unit_id"], row["alone"]): row["allotted_vnd"] for row in below} == {
        (districts[1], True): 3_000,
        (str(commune), False): 200,
    }


def test_only_what_one_may_read_of_is_added_up(offices: Offices, districts: list[str]) -> None:
    reader = offices.holder("reader", "ledger.read", unit=districts[1])

    (row,) = reader.get(PATH, fiscal_year=2024)["items"]
    assert figures(row) == (3_000, 0, 0, 3_000)
    assert row["undivided_vnd"] == 0
    (top,) = reader.get(PATH, fiscal_year=2024, by="unit")["items"]
    assert top["unit_id"] == districts[1]
    for foreign in (districts[0], offices.province):
        reply = reader.ask("get", f"{PATH}?fiscal_year=2024&unit_id={foreign}")
        problem(reply, 403, "unit_foreign")


def test_conditions_narrow_and_another_year_is_empty(offices: Offices, districts: list[str]) -> None:
    ask = offices.accountant.get
    assert ask(PATH, fiscal_year=2023)["items"] == []
    assert ask(PATH, fiscal_year=2024, component="other")["items"] == []
    assert ask(PATH, fiscal_year=2024, capital_kind="development")["items"] == []
    assert len(ask(PATH, fiscal_year=2024, source="central", component="merit-371")["items"]) == 1


def test_the_figures_are_those_of_the_accounts(offices: Offices, districts: list[str]) -> None:
    left = sum(
        one["available_vnd"] for one in offices.accountant.get("/v1/accounts", role="allotment")["items"]
    )
    (row,) = offices.accountant.get(PATH, fiscal_year=2024)["items"]
    assert row["left_vnd"] == left


def test_an_account_tells_its_transfers_and_what_stands_at_their_other_end(
    offices: Offices, districts: list[str]
) -> None:
    (shown,) = offices.accountant.get("/v1/accounts", role="spent")["items"]
    assert offices.accountant.get(f"/v1/accounts/{shown['id']}") == shown
    (moved,) = offices.accountant.get(f"/v1/accounts/{shown['id']}/transfers")["items"]
    assert (moved["other"]["role"], moved["other"]["party"]) == ("provider", "BANK-QNA")
    assert moved["other"]["unit_id"] == districts[0]
    assert moved["other"]["id"] == moved["debit_account"]
    problem(offices.accountant.ask("get", f"/v1/accounts/{districts[0]}"), 404, "account_unknown")


def test_a_year_in_which_units_changed_counts_each_once(offices: Offices, districts: list[str]) -> None:
    """On 1 July 2025 communes are made anew and districts end; in that year each stands at one place."""
    since = offices.house.rows("SELECT id FROM units WHERE valid_from >= '2025-07-01' AND level = 3 LIMIT 1")
    offices.house.fund(account(Role.ALLOTMENT, since[0].id, year=2025), 700)
    reader = offices.holder("reader", "ledger.read", unit=offices.unit("48", level=1, on=date(2025, 8, 1)))

    (row,) = reader.get(PATH, fiscal_year=2025, by="unit")["items"]
    assert row["allotted_vnd"] == 700
    assert offices.accountant.get(PATH, fiscal_year=2025)["items"] == []
