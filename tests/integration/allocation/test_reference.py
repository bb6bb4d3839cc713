"""Units through time, what the law permits, and that loading them again changes nothing."""

from __future__ import annotations

import pytest

from services.allocation.start import load
from shared.db.unit_of_work import UnitOfWork
from shared.settings import Settings
from tests.integration.allocation.house import House, problem
from tests.integration.allocation.offices import Offices

# Day, districts, communes: Quảng Nam before and after the merger of communes, then within Đà Nẵng.
TREES = (
    ("2023-04-10", 18, 241),
    ("2024-08-05", 18, 241),
    ("2024-12-31", 18, 241),
    ("2025-01-01", 17, 234),
    ("2025-06-30", 17, 234),
)


@pytest.mark.parametrize(("day", "districts", "communes"), TREES)
def test_the_tree_stands_as_it_stood_on_the_day(
    offices: Offices, day: str, districts: int, communes: int
) -> None:
    units = list(offices.officer.pages("/v1/units", on=day, limit=200))
    levels = [sum(one["level"] == level for one in units) for level in (1, 2, 3)]
    assert levels == [1, districts, communes]


def test_every_unit_but_the_province_stands_under_one_of_the_same_day(offices: Offices) -> None:
    units = list(offices.officer.pages("/v1/units", on="2024-08-05", limit=200))
    ids = {one["id"] for one in units}
    assert len(ids) == len(units), "no unit comes twice, on whatever page"
    assert all(one["parent_id"] in ids for one in units if one["level"] > 1)


def test_from_july_2025_there_are_no_districts_and_94_communes_of_da_nang(offices: Offices) -> None:
    units = list(offices.officer.pages("/v1/units", on="2025-07-01", limit=200))
    assert [one for one in units if one["level"] == 2] == []
    assert len([one for one in units if one["level"] == 3]) == 94


def test_without_a_day_the_units_are_those_of_today(offices: Offices) -> None:
    now = list(offices.officer.pages("/v1/units", level=2, limit=50))
    assert len(now) == 18, "the test's clock says August 2024"


def test_the_units_below_one_are_asked_for_by_its_id(offices: Offices) -> None:
    district = offices.unit("517", 2)
    below = list(offices.officer.pages("/v1/units", parent_id=district, on="2024-08-05", limit=5))
    assert len(below) > 10
    assert {one["parent_id"] for one in below} == {district}


@pytest.mark.parametrize(
    "query", ["on=yesterday", "level=4", "level=x", "parent_id=517", "limit=0", "limit=501", "x=1"]
)
def test_a_question_that_cannot_be_read_is_refused(offices: Offices, query: str) -> None:
    reply = offices.officer.ask("GET", f"/v1/units?{query}")
    body = problem(reply, 422, "request_invalid")
    assert [one["pointer"] for one in body["errors"]] == [f"/{query.partition('=')[0]}"]


def test_units_need_their_permission(offices: Offices) -> None:
    problem(offices.treasurer.ask("GET", "/v1/units"), 403, "permission_missing")


def test_an_article_says_what_it_permits_since_when_and_how_surely(offices: Offices) -> None:
    (grave,) = offices.officer.get("/v1/articles", purpose="cemetery_grave_new", on="2024-08-05")["items"]
    assert (grave["citation"], grave["ceiling_vnd"], grave["ceiling_per"]) == (
        "Điều 11 75/2021/NĐ-CP",
        10_000_000,
        "vỏ mộ",
    )
    assert isinstance(grave["instrument"]["confirmed"], bool)


def test_which_articles_hold_depends_on_the_day(offices: Offices) -> None:
    def numbers(day: str) -> set[str]:
        found = offices.officer.get("/v1/articles", purpose="poverty_programme", on=day)["items"]
        return {one["instrument"]["code"] for one in found}

    assert "TT-46-2022" in numbers("2023-08-14")
    assert "TT-46-2022" not in numbers("2023-08-15")
    assert "TT-55-2023" not in numbers("2023-08-14")
    assert "TT-55-2023" in numbers("2023-08-15")


def test_without_a_day_every_article_is_shown(offices: Offices) -> None:
    everything = offices.officer.get("/v1/articles")["items"]
    today = offices.officer.get("/v1/articles", on="2024-08-05")["items"]
    assert len(everything) > len(today) > 0


def test_what_was_loaded_is_told_with_every_unit_and_article(house: House) -> None:
    units = [item for event in house.journal("units.loaded") for item in event["items"]]
    assert len(units) == house.one("SELECT count(*) FROM units")
    articles = [item for event in house.journal("legal_bases.loaded") for item in event["items"]]
    assert {item["article_id"] for item in articles} == {
        str(row.id) for row in house.rows("SELECT id FROM articles")
    }
    actors = {row.actor for row in house.rows("SELECT DISTINCT actor FROM journal")}
    assert actors == {"system:allocation"}


def test_loading_again_changes_and_tells_nothing(house: House, settings: Settings) -> None:
    def everything() -> list[int]:
        tables = ("units", "unit_parents", "articles", "instruments", "funding_rules", "journal")
        return [int(house.one(f"SELECT count(*) FROM {table}")) for table in tables]

    before = everything()
    assert all(count > 0 for count in before)
    load(UnitOfWork(house.engine(house.addresses.service), house.clock), settings)
    assert everything() == before
