"""What a person is due for a month, from dated facts and dated rates; pure, and as known on any day.

A fact tells from which month it holds and on which day it was known. Of the facts about one entitlement
that reach a month, the one known last counts: a correction is a new fact, and the old one stays.
Source: Ordinance 02/2020/UBTVQH14 Art. 6 (several categories add up); Decree 131/2021/NĐ-CP (months).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.beneficiaries.rates.model import RateBook
from shared.kernel.errors import Rejected
from shared.kernel.periods import Period


@dataclass(frozen=True, slots=True)
class EntitlementFact:
    """From a month on, a person has (or, when `ended`, no longer has) an entitlement of a category."""

    entitlement_id: UUID
    code: str
    injury_percent: int | None
    from_period: Period
    ended: bool
    known_on: date
    number: int


@dataclass(frozen=True, slots=True)
class ResidenceFact:
    """From a month on, a person is paid by a district."""

    district_id: UUID
    from_period: Period
    known_on: date
    number: int


@dataclass(frozen=True, slots=True)
class DeathFact:
    """A person died."""

    died_on: date
    known_on: date


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """Everything that was ever recorded of one person and bears on what is due."""

    person_id: UUID
    entitlements: Sequence[EntitlementFact]
    residences: Sequence[ResidenceFact]
    death: DeathFact | None


@dataclass(frozen=True, slots=True)
class Due:
    """An amount due for one entitlement and one month. Units: amount_vnd in đồng."""

    entitlement_id: UUID
    rate_id: UUID
    decree: str
    amount_vnd: int


def due(facts: PersonFacts, period: Period, book: RateBook, known_on: date) -> list[Due]:
    """What the person is due for a month, as known on a day; one item per entitlement, none after death.

    The month of death is still due in full (Decree 131/2021/NĐ-CP: survivors follow from the month after).
    Raises: Rejected rate_missing where no decree known on that day has an amount.
    """
    if not alive_in(facts, period, known_on):
        return []
    found = []
    for fact in _standing(facts.entitlements, period, known_on):
        rate = book.rate(fact.code, fact.injury_percent, period, known_on)
        if rate is None:
            percent = "" if fact.injury_percent is None else f" at {fact.injury_percent} %"
            raise Rejected(
                "rate_missing",
                f"No decree known on {known_on} has a monthly amount for {fact.code}{percent} in {period}.",
            )
        found.append(Due(fact.entitlement_id, rate.id, rate.decree, rate.amount_vnd))
    return found


def alive_in(facts: PersonFacts, period: Period, known_on: date) -> bool:
    """Whether, as known on a day, the person lived in some part of the month."""
    death = facts.death
    return death is None or death.known_on > known_on or Period.of(death.died_on) >= period


def district_in(facts: PersonFacts, period: Period, known_on: date) -> UUID | None:
    """The district that pays the person in a month, as known on a day; None where none was known."""
    reaching = [fact for fact in facts.residences if fact.known_on <= known_on and fact.from_period <= period]
    if not reaching:
        return None
    return max(reaching, key=lambda fact: (fact.known_on, fact.number)).district_id


def _standing(
    entitlements: Sequence[EntitlementFact], period: Period, known_on: date
) -> list[EntitlementFact]:
    latest: dict[UUID, EntitlementFact] = {}
    for fact in entitlements:
        if fact.known_on <= known_on and fact.from_period <= period:
            seen = latest.get(fact.entitlement_id)
            if seen is None or (fact.known_on, fact.number) > (seen.known_on, seen.number):
                latest[fact.entitlement_id] = fact
    return [fact for fact in latest.values() if not fact.ended]


@dataclass(frozen=True, slots=True)
class Difference:
    """What one entitlement of a closed month comes to: due now, paid then, and what follows.

    `amount_vnd` is positive for arrears (truy lĩnh) and negative for recovery (truy thu).
    """

    entitlement_id: UUID
    rate_id: UUID | None
    decree: str | None
    due_period: Period
    due_vnd: int
    paid_vnd: int

    @property
    def amount_vnd(self) -> int:
        """Due less paid."""
        return self.due_vnd - self.paid_vnd


def differences(
    facts: PersonFacts,
    closed: Sequence[Period],
    paid: dict[tuple[UUID, Period], int],
    book: RateBook,
    known_on: date,
) -> list[Difference]:
    """Every non-zero difference between what is due for closed months now and what was paid for them.

    Shape: `paid` maps (entitlement, month) to everything paid for it so far, arrears and recoveries included.
    """
    by_period: dict[Period, set[UUID]] = defaultdict(set)
    for entitlement_id, period in paid:
        by_period[period].add(entitlement_id)
    found = []
    for period in closed:
        owed = {item.entitlement_id: item for item in due(facts, period, book, known_on)}
        for entitlement_id in sorted(by_period[period] | owed.keys()):
            item = owed.get(entitlement_id)
            difference = Difference(
                entitlement_id,
                item.rate_id if item else None,
                item.decree if item else None,
                period,
                item.amount_vnd if item else 0,
                paid.get((entitlement_id, period), 0),
            )
            if difference.amount_vnd != 0:
                found.append(difference)
    return found
