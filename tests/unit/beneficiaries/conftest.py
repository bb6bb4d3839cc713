"""Persons, rates and days as the tests of this service speak of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest

from services.beneficiaries.entitlements.model import (
    DeathFact,
    EntitlementFact,
    PersonFacts,
    ResidenceFact,
)
from services.beneficiaries.rates.model import Rate, RateBook
from services.beneficiaries.rates.published import published_rates
from shared.kernel.ids import id_of
from shared.kernel.periods import Period

PERSON = id_of("person", "P-1")
NUI_THANH, THANG_BINH = id_of("unit", "Núi Thành"), id_of("unit", "Thăng Bình")
LONG_AGO = date(2020, 1, 1)


def month(text: str) -> Period:
    return Period.parse(text)


def entitlement(
    code: str = "TB",
    percent: int | None = 45,
    since: str = "2015-03",
    known_on: date = LONG_AGO,
    number: int = 1,
    *,
    ended: bool = False,
) -> EntitlementFact:
    return EntitlementFact(
        id_of("entitlement", PERSON, code), code, percent, month(since), ended, known_on, number
    )


def residence(
    district: UUID = NUI_THANH, since: str = "2015-03", known_on: date = LONG_AGO, number: int = 1
) -> ResidenceFact:
    return ResidenceFact(district, month(since), known_on, number)


def person(
    *entitlements: EntitlementFact,
    residences: tuple[ResidenceFact, ...] = (residence(),),
    death: DeathFact | None = None,
) -> PersonFacts:
    return PersonFacts(PERSON, entitlements or (entitlement(),), residences, death)


def made_rate(
    amount: int, applies_from: str, known_from: date, code: str = "TB", percent: int | None = 45
) -> Rate:
    identity = id_of("rate", code, percent, applies_from, known_from)
    return Rate(
        identity, f"decree of {known_from}", code, percent, "", amount, month(applies_from), known_from, ""
    )


@pytest.fixture(scope="session")
def book() -> RateBook:
    """The published rates."""
    return RateBook(published_rates())


@pytest.fixture(scope="session")
def amount(book: RateBook) -> Callable[[str, int | None, str, date], int]:
    """`amount("TB", 45, "2024-07", day)`: the published amount."""

    def find(code: str, percent: int | None, period: str, known_on: date) -> int:
        rate = book.rate(code, percent, month(period), known_on)
        assert rate is not None
        return rate.amount_vnd

    return find
