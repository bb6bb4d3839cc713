from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiaries.rates.model import RateBook
from services.beneficiaries.rates.published import published_rates
from tests.unit.beneficiaries.conftest import made_rate, month

TODAY = date(2024, 8, 5)


def test_all_rows_of_the_three_decrees_are_there() -> None:
    by_decree = Counter(rate.decree for rate in published_rates())
    assert by_decree == {"75/2021/NĐ-CP": 212, "55/2023/NĐ-CP": 212, "77/2024/NĐ-CP": 212}


def test_every_rate_has_an_id_of_its_own_that_stays() -> None:
    first, second = published_rates(), published_rates()
    assert len({rate.id for rate in first}) == len(first)
    assert [rate.id for rate in first] == [rate.id for rate in second]


def test_amounts_are_whole_thousands_and_positive() -> None:
    assert all(rate.amount_vnd > 0 and rate.amount_vnd % 1000 == 0 for rate in published_rates())


@pytest.mark.parametrize(
    ("code", "percent", "period", "amount"),
    [
        # Printed in the appendices of the decrees; see SOURCES.md beside the tables.
        ("TB", 21, "2021-07", 1_094_000),
        ("TB", 21, "2023-07", 1_384_000),
        ("TB", 21, "2024-07", 1_878_000),
        ("TB", 22, "2024-07", 1_969_000),
        ("TB", 23, "2024-07", 2_053_000),
        ("TRUOC45_THOATLY", None, "2021-07", 1_815_000),
        ("TRUOC45_THOATLY", None, "2023-07", 2_297_000),
        ("TRUOC45_THOATLY", None, "2024-07", 3_117_000),
        ("TRUOC45_KTL", None, "2024-07", 5_291_000),
    ],
)
def test_published_amounts_are_exact(
    book: RateBook, code: str, percent: int | None, period: str, amount: int
) -> None:
    rate = book.rate(code, percent, month(period), TODAY)
    assert rate is not None
    assert rate.amount_vnd == amount


@pytest.mark.parametrize("code", ["TB", "TBB"])
def test_every_percent_from_21_to_100_has_an_amount_that_never_falls(book: RateBook, code: str) -> None:
    for period in ("2021-07", "2023-07", "2024-07"):
        amounts = []
        for percent in range(21, 101):
            rate = book.rate(code, percent, month(period), TODAY)
            assert rate is not None
            amounts.append(rate.amount_vnd)
        assert amounts == sorted(amounts)


def test_a_decree_counts_from_the_day_it_was_known_and_reaches_back(book: RateBook) -> None:
    the_day_before, the_day = date(2023, 9, 4), date(2023, 9, 5)
    before, after = (book.rate("TB", 21, month("2023-07"), day) for day in (the_day_before, the_day))
    assert before is not None
    assert after is not None
    assert (before.amount_vnd, after.amount_vnd) == (1_094_000, 1_384_000)


def test_the_month_before_a_decree_keeps_its_old_amount(book: RateBook) -> None:
    rate = book.rate("TB", 21, month("2024-06"), TODAY)
    assert rate is not None
    assert rate.amount_vnd == 1_384_000


def test_before_the_first_decree_nothing_is_known(book: RateBook) -> None:
    assert book.rate("TB", 21, month("2021-06"), TODAY) is None
    assert book.rate("TB", 21, month("2021-07"), date(2021, 9, 14)) is None


def test_unknown_categories_and_percents_have_no_amount(book: RateBook) -> None:
    assert book.rate("NOBODY", None, month("2024-07"), TODAY) is None
    assert book.rate("TB", 20, month("2024-07"), TODAY) is None
    assert book.rate("TB", None, month("2024-07"), TODAY) is None
    assert not book.knows("TB", 101)
    assert book.knows("TB", 45)


@given(st.permutations(range(5)))
def test_the_order_in_which_rates_are_given_is_of_no_matter(order: list[int]) -> None:
    rates = [made_rate(1000 * (n + 1), f"202{n}-01", date(2020 + n, 6, 1)) for n in range(5)]
    shuffled = RateBook(rates[n] for n in order)
    for year in range(5):
        found = shuffled.rate("TB", 45, month(f"202{year}-12"), date(2025, 1, 1))
        assert found is not None
        assert found.amount_vnd == 1000 * (year + 1)


def test_of_two_decrees_for_the_same_months_the_later_known_counts() -> None:
    first = made_rate(1000, "2024-07", date(2024, 7, 1))
    corrected = made_rate(2000, "2024-07", date(2024, 9, 1))
    book = RateBook([first, corrected])
    assert book.rate("TB", 45, month("2024-07"), date(2024, 8, 31)) == first
    assert book.rate("TB", 45, month("2024-07"), date(2024, 9, 1)) == corrected
