"""Payroll over many months, with news that comes late: in the end everybody has what they were due.

Each month is closed with what was known then and never rewritten; what becomes known later is made up for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.beneficiaries.entitlements.model import (
    DeathFact,
    EntitlementFact,
    PersonFacts,
    differences,
    due,
)
from services.beneficiaries.obligations.model import Kind, Obligation, person_month
from services.beneficiaries.rates.model import RateBook
from services.beneficiaries.rates.published import published_rates
from shared.kernel.ids import id_of
from shared.kernel.periods import Period
from tests.unit.beneficiaries.conftest import PERSON, entitlement, month, residence

BOOK = RateBook(published_rates())
FIRST, LAST = month("2024-01"), month("2024-12")
MONTHS = FIRST.months_until(LAST)
CODES = ("TB", "TUDAY")
DAYS = st.dates(date(2023, 12, 1), date(2024, 11, 19))
FACTS = st.builds(
    lambda code, percent, since, known_on, number, ended: EntitlementFact(
        id_of("entitlement", PERSON, code),
        code,
        percent if code == "TB" else None,
        since,
        ended,
        known_on,
        number,
    ),
    st.sampled_from(CODES),
    st.integers(21, 100),
    st.sampled_from(MONTHS),
    DAYS,
    st.integers(1, 10_000),
    st.booleans(),
)
DEATHS = st.none() | st.builds(DeathFact, st.dates(date(2024, 1, 5), date(2024, 10, 5)), DAYS)
NEWS = st.lists(FACTS, max_size=6, unique_by=lambda fact: fact.number)


@dataclass
class Office:
    """Pays one person month after month, as the payroll job does."""

    facts: PersonFacts
    paid: dict[tuple[UUID, Period], int] = field(default_factory=lambda: defaultdict(int))
    lines: list[Obligation] = field(default_factory=list)
    payments: list[int] = field(default_factory=list)
    carried: int = 0

    def pay(self, period: Period) -> None:
        """Close a month with what is known on the 20th of the month before."""
        known_on = period.previous().first_day.replace(day=20)
        closed = FIRST.months_until(period.previous())
        late = differences(self.facts, closed, dict(self.paid), BOOK, known_on)
        found = person_month(PERSON, period, due(self.facts, period, BOOK, known_on), late)
        for one in found.obligations:
            self.paid[one.entitlement_id, one.due_period] += one.amount_vnd
        self.lines += found.obligations
        self.payments.append(found.amount_vnd)
        self.carried = found.carried_vnd

    def owed(self, known_on: date) -> int:
        """What was due for all months, as known on a day."""
        return sum(item.amount_vnd for period in MONTHS for item in due(self.facts, period, BOOK, known_on))


def office_of(news: list[EntitlementFact], death: DeathFact | None) -> Office:
    office = Office(PersonFacts(PERSON, news, (residence(),), death))
    for period in MONTHS:
        office.pay(period)
    return office


@settings(max_examples=150, deadline=None)
@given(NEWS, DEATHS)
def test_in_the_end_everybody_has_what_they_were_due_or_owes_the_rest(
    news: list[EntitlementFact], death: DeathFact | None
) -> None:
    office = office_of(news, death)
    last_known = LAST.previous().first_day.replace(day=20)
    assert sum(office.payments) - office.carried == office.owed(last_known)


@settings(max_examples=150, deadline=None)
@given(NEWS, DEATHS)
def test_no_payment_is_ever_negative_and_lines_add_up_to_payments(
    news: list[EntitlementFact], death: DeathFact | None
) -> None:
    office = office_of(news, death)
    by_month: dict[Period, int] = defaultdict(int)
    for line in office.lines:
        by_month[line.in_period] += line.amount_vnd
    assert [by_month[period] for period in MONTHS] == office.payments
    assert all(amount >= 0 for amount in office.payments)


@settings(max_examples=150, deadline=None)
@given(NEWS, DEATHS)
def test_no_obligation_is_ever_established_twice(
    news: list[EntitlementFact], death: DeathFact | None
) -> None:
    ids = [line.id for line in office_of(news, death).lines]
    assert len(set(ids)) == len(ids)


@settings(max_examples=150, deadline=None)
@given(NEWS, DEATHS)
def test_nobody_ends_with_less_than_nothing_for_any_month(
    news: list[EntitlementFact], death: DeathFact | None
) -> None:
    """A recovery takes back no more than was paid for that very month."""
    office = office_of(news, death)
    assert all(amount >= 0 for amount in office.paid.values())


@settings(max_examples=100, deadline=None)
@given(NEWS)
def test_news_that_came_in_time_needs_neither_arrears_nor_recovery(news: list[EntitlementFact]) -> None:
    early = [
        EntitlementFact(
            fact.entitlement_id,
            fact.code,
            fact.injury_percent,
            fact.from_period,
            fact.ended,
            date(2023, 12, 1),
            fact.number,
        )
        for fact in news
    ]
    # The decree of July 2024 itself was known on 1/7, after July had been closed on 20/6.
    late = [line for line in office_of(early, None).lines if line.kind is not Kind.MONTHLY]
    kinds = {(line.kind, str(line.due_period)) for line in late}
    assert kinds <= {(Kind.ARREARS, "2024-07")}


def test_an_example_by_hand() -> None:
    """45 % from January; in May it becomes known that it is 61 % since March; in August, death in June."""
    facts = [
        entitlement("TB", 45, "2024-01", date(2023, 12, 1), 1),
        entitlement("TB", 61, "2024-03", date(2024, 5, 10), 2),
    ]
    office = office_of(facts, DeathFact(date(2024, 6, 3), date(2024, 8, 1)))

    def rate(percent: int, period: str) -> int:
        found = BOOK.rate("TB", percent, month(period), date(2024, 12, 1))
        assert found is not None
        return found.amount_vnd

    low, high, new_high = rate(45, "2024-06"), rate(61, "2024-06"), rate(61, "2024-07")
    assert office.payments[:5] == [low] * 5
    assert office.payments[5] == high + 3 * (high - low), "March to May are made up for in June"
    assert office.payments[6] == high, "July is closed on 20/6, before the new decree is known"
    assert office.payments[7] == new_high + (new_high - high), "August, with July's difference"
    assert office.payments[8:] == [0, 0, 0, 0], "the death is known; July and August cannot be taken back"
    assert office.carried == new_high * 2
