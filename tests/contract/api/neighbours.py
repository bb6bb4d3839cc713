"""Rows of several units in one service: what must not be shown to the wrong one of two neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.contract.api.worlds import commune, communes_of, death_of, to_allotment
from tests.integration.allocation.district import District
from tests.integration.allocation.offices import line
from tests.integration.beneficiaries.office import NUI_THANH, THANG_BINH, by_bank

if TYPE_CHECKING:
    from tests.contract.api.worlds import World

Way = tuple[Mapping[str, str], Mapping[str, object]]  # what stands in the path, and in the query


@dataclass(frozen=True)
class Neighbours:
    """A service with rows of several units: each unit with all under it, and ways to ask."""

    world: World
    below: Mapping[str, set[str | None]]
    ways: Mapping[str, Sequence[Way]]


def of_allocation(world: World) -> Neighbours:
    """Two districts with money, lists and decisions of their own, and a commune in each."""
    offices, units = world.desk, world.relations
    communes, others = (communes_of(offices, units[name]) for name in ("own", "foreign"))
    District(offices, units["foreign"], numbers=950).held(1_000_000)
    offices.draft([line(1000, units["child"])], issuing_unit_id=offices.province)
    offices.draft([line(1000, min(others))], issuing_unit_id=min(others))
    batch = [to_allotment(unit) for unit in (units["child"], min(others))]
    assert offices.accountant.send("/v1/transfers", {"transfers": batch}).status_code == 200
    below: dict[str, set[str | None]] = {
        "own": {units["own"], *communes},
        "child": {units["child"]},
        "foreign": {units["foreign"], *others},
    }
    ways: dict[str, list[Way]] = {
        "GET /v1/accounts": [({}, {}), ({}, {"fiscal_year": 2024}), ({}, {"role": "allotment"})],
        "GET /v1/decisions": [({}, {}), ({}, {"newest": "true", "fiscal_year": 2024})],
        "GET /v1/withdrawals": [({}, {}), ({}, {"state": "requested"})],
    }
    return Neighbours(world, below, ways)


def of_beneficiaries(world: World) -> Neighbours:
    """Two districts with lists, some of them answered; a person moved from one to the other."""
    office = world.desk
    by_commune = {"QN-4": "20965", "QN-5": "20965", "QN-6": "20791", "QN-7": "20791"}
    office.import_persons(*(by_bank(number, commune_code=code) for number, code in by_commune.items()))
    office.officer.post("/v1/changes", death_of("QN-2"))
    office.on(2024, 8, 20)
    office.pay("2024-09")
    for district in ("Núi Thành", "Thăng Bình"):
        listed = office.instruct(office.lists("2024-09")[district, "BANK-QNA"]["id"])
        first, *_ = office.payments(listed["id"])
        office.answer_for("BANK-QNA", (first["id"], first["amount_vnd"], "AC04"))
    moved = office.officer.get("/v1/persons?number=QN-4")
    office.on(2024, 9, 20)
    office.change("QN-4", "move", commune_code="20791", from_period="2024-10")
    office.pay("2024-10")
    below: dict[str, set[str | None]] = {
        "own": {str(NUI_THANH), str(commune("20965"))},
        "child": {str(commune("20965"))},
        "foreign": {str(THANG_BINH), str(commune("20791"))},
    }
    ways: dict[str, list[Way]] = {
        "GET /v1/lists": [({}, {}), ({}, {"period": "2024-08"}), ({}, {"state": "instructed"})],
        "GET /v1/persons/{person_id}/payments": [({"person_id": str(moved["id"])}, {})],
        "GET /v1/returns": [({}, {"period": "2024-09"})],
        "GET /v1/unanswered": [({}, {"days": 0})],
    }
    return Neighbours(world, below, ways)


NEIGHBOURS: Mapping[str, Callable[[World], Neighbours]] = {
    "allocation": of_allocation,
    "beneficiaries": of_beneficiaries,
}
