from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from services.beneficiaries.units.queries import communes, ensure_reach, names_of
from shared.kernel.errors import Denied
from shared.kernel.ids import id_of
from shared.kernel.principals import Principal
from tests.integration.beneficiaries.office import NUI_THANH, PROVINCE, THANG_BINH

if TYPE_CHECKING:
    from uuid import UUID

    from tests.integration.beneficiaries.office import Office

TAM_ANH, BINH_NGUYEN = id_of("unit", "20965"), id_of("unit", "20791")
MAY, JULY = date(2024, 5, 1), date(2025, 7, 2)


def unit(unit_id: UUID, code: str, *parents: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    whole = {
        "unit_id": str(unit_id),
        "code": code,
        "name": f"unit {code}",
        "level": 3,
        "valid_from": "1900-01-01",
        "valid_to": None,
        "parents": list(parents),
    }
    return whole | changes


def under(parent: UUID, since: str, until: str | None = None) -> dict[str, Any]:
    return {"parent_id": str(parent), "valid_from": since, "valid_to": until}


def officer(*units: UUID) -> Principal:
    return Principal("hoa", "Hoà", None, {"lists.read": tuple(map(str, units))})


def reaches(office: Office, principal: Principal, unit_id: UUID, on: date = MAY) -> bool:
    with office.unit_of_work.reading() as connection:
        try:
            ensure_reach(connection, principal, "lists.read", unit_id, on)
        except Denied:
            return False
    return True


def districts(office: Office, on: date) -> dict[str, UUID]:
    with office.unit_of_work.reading() as connection:
        return {code: commune.district_id for code, commune in communes(connection, on).items()}


def test_communes_stand_under_their_districts(office: Office) -> None:
    assert districts(office, MAY) == {"20965": NUI_THANH, "20986": NUI_THANH, "20791": THANG_BINH}


def test_a_merger_moves_a_commune_from_its_day_on(office: Office) -> None:
    moved = unit(
        TAM_ANH, "20965", under(NUI_THANH, "1900-01-01", "2024-12-31"), under(THANG_BINH, "2025-01-01")
    )
    office.hear("units.loaded", snapshot="later", items=[moved])
    assert districts(office, date(2024, 12, 31))["20965"] == NUI_THANH
    assert districts(office, date(2025, 1, 1))["20965"] == THANG_BINH


def test_a_unit_that_ended_is_none_any_more_and_keeps_its_name(office: Office) -> None:
    ended = unit(TAM_ANH, "20965", under(NUI_THANH, "1900-01-01"), valid_to="2025-06-30", name="Tam Anh Bắc")
    office.hear("units.loaded", snapshot="later", items=[ended])
    assert "20965" in districts(office, date(2025, 6, 30))
    assert "20965" not in districts(office, JULY)
    with office.unit_of_work.reading() as connection:
        assert names_of(connection)[TAM_ANH] == "Tam Anh Bắc"


def test_loading_the_same_twice_changes_nothing(office: Office) -> None:
    before = office.rows("SELECT * FROM units ORDER BY id"), office.rows("SELECT * FROM unit_parents")
    office.load_units()
    assert (
        office.rows("SELECT * FROM units ORDER BY id"),
        office.rows("SELECT * FROM unit_parents"),
    ) == before


def test_a_renamed_unit_stays_the_same_unit(office: Office) -> None:
    office.hear("units.loaded", snapshot="x", items=[unit(TAM_ANH, "20965", name="Tam Anh")])
    assert office.one("SELECT name FROM units WHERE id = :id", id=TAM_ANH) == "Tam Anh"
    assert office.one("SELECT count(*) FROM units WHERE code = '20965'") == 1


@pytest.mark.parametrize(
    ("held_for", "reached"),
    [
        ((PROVINCE,), True),
        ((NUI_THANH,), True),
        ((TAM_ANH,), True),
        ((THANG_BINH,), False),
        ((BINH_NGUYEN,), False),
        ((THANG_BINH, NUI_THANH), True),
        ((), False),
    ],
    ids=["province", "own district", "itself", "other district", "other commune", "two", "none"],
)
def test_a_permission_reaches_its_unit_and_all_below(
    office: Office, held_for: tuple[UUID, ...], *, reached: bool
) -> None:
    assert reaches(office, officer(*held_for), TAM_ANH) is reached


def test_a_permission_does_not_reach_upwards(office: Office) -> None:
    assert not reaches(office, officer(TAM_ANH), NUI_THANH)
    assert not reaches(office, officer(NUI_THANH), PROVINCE)


def test_another_permission_for_the_unit_is_no_help(office: Office) -> None:
    other = Principal("hoa", "Hoà", None, {"lists.approve": (str(NUI_THANH),)})
    assert not reaches(office, other, TAM_ANH)


def test_reach_is_judged_by_the_tree_of_the_day(office: Office) -> None:
    moved = unit(
        TAM_ANH, "20965", under(NUI_THANH, "1900-01-01", "2024-12-31"), under(THANG_BINH, "2025-01-01")
    )
    office.hear("units.loaded", snapshot="later", items=[moved])
    assert reaches(office, officer(NUI_THANH), TAM_ANH, MAY)
    assert not reaches(office, officer(NUI_THANH), TAM_ANH, JULY)
    assert reaches(office, officer(THANG_BINH), TAM_ANH, JULY)
