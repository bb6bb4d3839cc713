"""Decisions that are computed: the arithmetic is kept, and the parts add up to the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.allocation.legal_bases.model import article_id_of
from tests.integration.allocation.house import problem
from tests.integration.allocation.offices import Offices

PATH = "/v1/decisions/formulas"
RURAL = str(article_id_of("QD-07-2022", "toàn văn", "new_rural_programme"))
POVERTY = str(article_id_of("TT-55-2023", "55-79", "poverty_programme"))
MILLION = 1_000_000


def formula(offices: Offices, shares: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        **offices.header(component="poverty-P3.1"),
        "article_id": POVERTY,
        "instrument": "TT-55-2023",
        "shares": shares,
        **changes,
    }


def test_two_classes_give_the_amounts_of_nui_thanh(offices: Offices) -> None:
    communes = [
        one["id"]
        for one in offices.officer.pages(
            "/v1/units", on="2024-01-15", parent_id=offices.unit("517", 2), level=3
        )
    ][:15]
    body = formula(
        offices,
        [
            {"unit_id": unit, "classes": ["mountain" if number < 3 else "other"]}
            for number, unit in enumerate(communes)
        ],
        article_id=RURAL,
        instrument="QD-07-2022",
        class_amounts={"mountain": 1_466_875_000, "other": 466_875_000},
    )
    drafted = offices.officer.send(PATH, body).get_json()
    assert drafted["total_vnd"] == 3 * 1_466_875_000 + 12 * 466_875_000 == 10_003_125_000
    assert [one["amount_vnd"] for one in drafted["lines"]] == [1_466_875_000] * 3 + [466_875_000] * 12
    assert all(one["text"].startswith(("Xã", "Thị trấn")) for one in drafted["lines"])


@pytest.mark.parametrize("rounding", [1, 1_000, MILLION])
def test_an_envelope_shared_by_counts_adds_up_to_the_last_dong(offices: Offices, rounding: int) -> None:
    shares = [{"unit_id": unit, "count": 7 + 3 * n} for n, unit in enumerate(offices.districts(18))]
    body = formula(offices, shares, total_vnd=60_000 * MILLION, rounding_vnd=rounding)
    drafted = offices.officer.send(PATH, body).get_json()
    amounts = [one["amount_vnd"] for one in drafted["lines"]]
    assert sum(amounts) == drafted["total_vnd"] == 60_000 * MILLION
    assert all(amount % rounding == 0 for amount in amounts)
    assert amounts == sorted(amounts), "who counts more gets no less"


def test_the_whole_arithmetic_stands_with_the_decision(offices: Offices) -> None:
    first, second = offices.districts(2)
    shares = [{"unit_id": first, "count": 1}, {"unit_id": second, "count": 2}]
    body = formula(offices, shares, total_vnd=100, rounding_vnd=1)
    drafted = offices.officer.send(PATH, body).get_json()
    kept = json.loads(drafted["arithmetic"])
    assert [one["count"] for one in kept["shares"]] == [1, 2]
    assert [one["amount"] for one in kept["computed"]["parts"]] == [33, 67]
    (told,) = offices.house.journal("decisions.drafted")
    assert told["arithmetic"] == drafted["arithmetic"]


def test_a_unit_whose_count_is_zero_gets_no_line(offices: Offices) -> None:
    first, second = offices.districts(2)
    shares = [{"unit_id": first, "count": 0}, {"unit_id": second, "count": 2}]
    drafted = offices.officer.send(PATH, formula(offices, shares, total_vnd=100)).get_json()
    assert [one["unit_id"] for one in drafted["lines"]] == [second]


@pytest.mark.parametrize("given", [{}, {"total_vnd": 5, "class_amounts": {"a": 5}}])
def test_a_formula_that_says_both_or_neither_is_refused(offices: Offices, given: dict[str, Any]) -> None:
    shares = [{"unit_id": offices.districts(1)[0], "count": 1, "classes": ["a"]}]
    problem(offices.officer.send(PATH, formula(offices, shares, **given)), 422, "formula_unclear")


@pytest.mark.parametrize(
    "change",
    [
        {"class_amounts": {"other": 5}},
        {"total_vnd": 1_500_000, "rounding_vnd": MILLION},
    ],
)
def test_a_formula_that_cannot_be_computed_is_refused_in_words(
    offices: Offices, change: dict[str, Any]
) -> None:
    shares = [{"unit_id": offices.districts(1)[0], "count": 1, "classes": ["mountain"]}]
    reply = offices.officer.send(PATH, formula(offices, shares, **change))
    assert reply.status_code == 422
    assert reply.get_json()["detail"]


def test_counts_that_are_all_zero_divide_nothing(offices: Offices) -> None:
    shares = [{"unit_id": unit, "count": 0} for unit in offices.districts(2)]
    assert offices.officer.send(PATH, formula(offices, shares, total_vnd=100)).status_code == 422


def test_a_unit_is_named_once_in_a_formula(offices: Offices) -> None:
    (unit,) = offices.districts(1)
    shares = [{"unit_id": unit, "count": 1}, {"unit_id": unit, "count": 2}]
    assert offices.officer.send(PATH, formula(offices, shares, total_vnd=100)).status_code == 422


def test_computing_needs_its_own_permission(offices: Offices) -> None:
    shares = [{"unit_id": offices.districts(1)[0], "count": 1}]
    problem(offices.head.send(PATH, formula(offices, shares, total_vnd=5)), 403, "permission_missing")


def test_a_formula_that_no_event_could_tell_is_refused_before_anything_is_stored(offices: Offices) -> None:
    """Of units, as many as there are; so many classes that what they say is too much."""
    communes = [one["id"] for one in offices.officer.pages("/v1/units", on="2024-01-15", level=3)]
    names = [f"{number:02} {'x' * 57}" for number in range(20)]
    shares = [{"unit_id": unit, "classes": names} for unit in communes]
    body = formula(offices, shares, class_amounts=dict.fromkeys(names, MILLION))
    refused = problem(offices.officer.send(PATH, body), 422, "formula_too_large")
    assert refused["values"] == {"shares": len(communes)}
    assert offices.house.one("SELECT count(*) FROM decisions") == 0
    few = formula(offices, shares[:50], class_amounts=dict.fromkeys(names, MILLION))
    assert offices.officer.send(PATH, few).get_json()["total_vnd"] == 50 * MILLION


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "x" * 2_000])
def test_a_class_of_any_name_is_stored_or_refused(offices: Offices, name: str) -> None:
    shares = [{"unit_id": unit, "classes": [name]} for unit in offices.districts(2)]
    reply = offices.officer.send(PATH, formula(offices, shares, class_amounts={name: MILLION}))
    assert reply.status_code in {201, 400, 422}, reply.get_data(as_text=True)
