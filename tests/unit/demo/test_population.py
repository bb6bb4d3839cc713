"""The invented persons: the same each time, plausible in their shares, and nobody real."""

from __future__ import annotations

import csv
import io
from collections import Counter

import pytest

from deploy.demo.annexes import cemeteries, untied
from deploy.demo.late_news import DEATHS, MONTHS, MOVES, REASSESSMENTS, late_news
from deploy.demo.openings import opening_file, rates_of
from deploy.demo.population import CATEGORIES, COLUMNS, WITH_PERCENT, Invented, invent, register_file

COMMUNES = [{"code": f"{20000 + n}", "district_code": f"{500 + n % 18}"} for n in range(241)]
DISTRICT_OF = {one["code"]: one["district_code"] for one in COMMUNES}
COUNT = 4000


@pytest.fixture(scope="module")
def people() -> list[Invented]:
    return invent(COMMUNES, DISTRICT_OF, COUNT)


def test_the_same_persons_come_each_time(people: list[Invented]) -> None:
    assert invent(COMMUNES, DISTRICT_OF, COUNT) == people
    assert register_file(invent(COMMUNES, DISTRICT_OF, COUNT)) == register_file(people)


def test_fewer_persons_are_the_first_of_more(people: list[Invented]) -> None:
    assert invent(COMMUNES, DISTRICT_OF, 300) == people[:300]


def test_every_commune_has_somebody(people: list[Invented]) -> None:
    assert {one.commune_code for one in people} == set(DISTRICT_OF)
    assert all(one.district_code == DISTRICT_OF[one.commune_code] for one in people)


def test_numbers_identities_and_accounts_are_nobody_elses(people: list[Invented]) -> None:
    for name in ("number", "identity_number"):
        assert len({getattr(one, name) for one in people}) == COUNT
    assert all(one.identity_number.startswith("000") for one in people), "000 belongs to no province"
    assert all(len(one.identity_number) == 12 and one.identity_number.isdecimal() for one in people)
    accounts = [one.account_number for one in people if one.account_number]
    assert len(set(accounts)) == len(accounts)
    assert all(one.startswith("9999") for one in accounts)


def test_categories_stand_in_their_shares(people: list[Invented]) -> None:
    found = Counter(one.benefits[0][0] for one in people)
    for category, weight, _, _ in CATEGORIES:
        assert abs(found[category] / COUNT - weight / 1000) < 0.03, category
    assert sum(weight for _, weight, *_ in CATEGORIES) == 1000


def test_a_percent_stands_just_where_the_category_has_one(people: list[Invented]) -> None:
    for person in people:
        category, percent = person.benefits[0]
        assert (percent is not None) is (category in WITH_PERCENT)
        assert percent is None or 21 <= percent <= 100


def test_ages_are_those_of_the_category(people: list[Invented]) -> None:
    spans = {category: (first, last) for category, _, first, last in CATEGORIES}
    assert all(
        spans[one.benefits[0][0]][0] <= one.birth_year <= spans[one.benefits[0][0]][1] for one in people
    )


def test_about_two_in_five_are_paid_by_the_bank(people: list[Invented]) -> None:
    by_bank = [one for one in people if one.provider == "BANK-QNA"]
    assert 0.36 < len(by_bank) / COUNT < 0.44
    assert all(one.account_number and one.bank_code for one in by_bank)
    assert all(not one.account_number for one in people if one.provider == "POST-QNA")


def test_the_register_file_has_a_row_for_each_under_the_columns(people: list[Invented]) -> None:
    rows = list(csv.DictReader(io.StringIO(register_file(people).decode())))
    assert len(rows) == COUNT
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["benefits"].count(":") % 2 == 0


def test_late_news_are_the_same_each_time_and_of_different_persons(people: list[Invented]) -> None:
    news = late_news(people, COMMUNES)
    assert news == late_news(people, COMMUNES)
    assert Counter(one.kind for one in news) == {
        "death": DEATHS,
        "move": MOVES,
        "reassessment": REASSESSMENTS,
    }
    assert len({one.person.number for one in news}) == len(news)


def test_a_move_goes_to_another_district_and_leaves_a_trace_in_what_was_paid(people: list[Invented]) -> None:
    for one in late_news(people, COMMUNES):
        if one.kind == "move":
            assert DISTRICT_OF[one.details["commune_code"]] != one.person.district_code
            assert bool(one.left_out) != bool(one.paid_twice)


def test_a_reassessment_gives_a_higher_percent(people: list[Invented]) -> None:
    for one in late_news(people, COMMUNES):
        if one.kind == "reassessment":
            before = one.person.benefits[0][1] or 0
            assert before <= one.details["injury_percent"] <= 100
            assert one.details["from_period"] in MONTHS


def rates(people: list[Invented]) -> dict[tuple[str, int | None], int]:
    return {
        benefit: 1_000_000 + index
        for index, benefit in enumerate({b for one in people for b in one.benefits})
    }


def test_an_opening_month_pays_everybody_but_those_left_out(people: list[Invented]) -> None:
    news, paid = late_news(people, COMMUNES), rates(people)
    for period in MONTHS:
        rows = list(csv.DictReader(io.StringIO(opening_file(period, people, paid, news).decode())))
        left_out = {one.person.number for one in news if period in one.left_out}
        assert {row["person_number"] for row in rows} == {one.number for one in people} - left_out
        twice = {one.person.number for one in news if period in one.paid_twice}
        for row in rows:
            assert int(row["amount_vnd"]) > 1_500_000 or row["person_number"] not in twice


def test_rates_of_a_decree_are_its_own() -> None:
    published = [
        {"decree": decree, "code": "TB", "injury_percent": 21, "amount_vnd": amount}
        for decree, amount in (("55/2023/NĐ-CP", 1_384_000), ("77/2024/NĐ-CP", 1_880_000))
    ]
    assert rates_of(published, "55/2023/NĐ-CP") == {("TB", 21): 1_384_000}


def test_annexes_are_the_same_bytes_each_time() -> None:
    assert cemeteries() == cemeteries()
    assert untied() == untied()
    assert cemeteries() != untied()
