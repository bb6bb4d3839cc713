"""A period is looked for where its days lie in the log; what is found is what every entry would say."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from services.audit.search import queries
from services.audit.search.queries import Filters
from shared.journal.envelope import Envelope
from tests.integration.audit.conftest import Audit

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
COUNT, PAGE = 300, 7
LATE_EVERY = 9  # of acts that are dated back by weeks
VIETNAM = timedelta(hours=7)
PERIODS = [
    (None, None),
    (date(2024, 1, 20), date(2024, 1, 20)),
    (date(2024, 1, 15), date(2024, 2, 2)),
    (date(2024, 2, 10), None),
    (None, date(2024, 1, 4)),
    (date(2023, 1, 1), date(2023, 6, 1)),  # before everything
    (date(2030, 1, 1), None),  # behind everything
    (date(2024, 2, 2), date(2024, 1, 2)),  # the wrong way round
    (date.min + timedelta(days=2), date.max - timedelta(days=2)),
]


def moments() -> list[datetime]:
    """A few hours between two acts, and some that are dated back."""
    chance = random.Random(20241129)
    found, now = [], BEGAN
    for number in range(COUNT):
        now += timedelta(hours=chance.randint(0, 9))
        found.append(now - timedelta(days=chance.randint(10, 40)) if number % LATE_EVERY == 0 else now)
    return found


@pytest.fixture
def filled(audit: Audit, envelope: Callable[..., Envelope]) -> Audit:
    audit.take(*(envelope(position=at, occurred_at=one) for at, one in enumerate(moments(), 1)))
    audit.index()
    return audit


def found(audit: Audit, filters: Filters) -> list[int]:
    """Every entry, page by page."""
    places: list[int] = []
    with audit.reading() as connection:
        while True:
            page = queries.search(connection, filters, places[-1] if places else -1, PAGE)
            places += [one.index for one in page[:PAGE]]
            if len(page) <= PAGE:
                return places


@pytest.mark.parametrize(("from_on", "to_on"), PERIODS)
def test_a_period_has_what_its_days_have(filled: Audit, from_on: date | None, to_on: date | None) -> None:
    days = [(one + VIETNAM).date() for one in moments()]
    expected = [
        place for place, day in enumerate(days) if (from_on or date.min) <= day <= (to_on or date.max)
    ]
    assert found(filled, Filters(from_on=from_on, to_on=to_on)) == expected
    assert found(filled, Filters(actor="nobody", from_on=from_on, to_on=to_on)) == []


@pytest.mark.parametrize(("from_on", "to_on"), PERIODS)
def test_an_empty_log_has_no_period(audit: Audit, from_on: date | None, to_on: date | None) -> None:
    assert found(audit, Filters(from_on=from_on, to_on=to_on)) == []
