"""What a person is due for a month, from dated facts and dated rates; pure, and as known on any day.

A fact tells from which month it holds and on which day it was known. Of the facts about one entitlement
that reach a month, the one known last counts: a correction is a new fact, and the old one stays. Facts and
dues come by the hundred thousand: they are named tuples, as a frozen dataclass takes three times as long.
Source: Ordinance 02/2020/UBTVQH14 Art. 6 (several categories add up); Decree 131/2021/NĐ-CP (months).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.beneficiaries.rates.model import RateBook
from shared.kernel.errors import Rejected
from shared.kernel.periods import Period


class EntitlementFact(NamedTuple):
    """From a month on, a person has (or, when `ended`, no longer has) an entitlement of a category."""

    entitlement_id: UUID
    code: str
    injury_percent: int | None
    from_period: Period
    ended: bool
    known_on: date
    number: int


class ResidenceFact(NamedTuple):
    """From a month on, a person is paid by a district."""

    district_id: UUID
    from_period: Period
    known_on: date
    number: int


class DeathFact(NamedTuple):
    """A person died."""

    died_on: date
    known_on: date


class PersonFacts(NamedTuple):
    """Everything that was ever recorded of one person and bears on what is due."""

    person_id: UUID
    entitlements: Sequence[EntitlementFact]
    residences: Sequence[ResidenceFact]
    death: DeathFact | None


class Due(NamedTuple):
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
) -> Iterable[EntitlementFact]:
    reaching = [fact for fact in entitlements if fact.known_on <= known_on and fact.from_period <= period]
    if len(reaching) > 1:
        latest: dict[UUID, EntitlementFact] = {}
        for fact in reaching:
            seen = latest.get(fact.entitlement_id)
            if seen is None or (fact.known_on, fact.number) > (seen.known_on, seen.number):
                latest[fact.entitlement_id] = fact
        return [fact for fact in latest.values() if not fact.ended]
    return [fact for fact in reaching if not fact.ended]


class Difference(NamedTuple):
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
    paid: Mapping[tuple[UUID, Period], int],
    book: RateBook,
    known_on: date,
) -> list[Difference]:
    """Every non-zero difference between what is due for closed months now and what was paid for them.

    Shape: `paid` maps (entitlement, month) to everything paid for it so far, arrears and recoveries included.
    """
    found: list[Difference] = []
    as_paid = 0
    for period in closed:
        for item in due(facts, period, book, known_on):
            before = paid.get((item.entitlement_id, period))
            if before is not None:
                as_paid += 1
            if item.amount_vnd != (before or 0):
                found.append(
                    Difference(
                        item.entitlement_id, item.rate_id, item.decree, period, item.amount_vnd, before or 0
                    )
                )
    if as_paid < len(paid):
        found.extend(_due_no_more(facts, closed, paid, book, known_on))
    return sorted(found, key=lambda one: (one.due_period, one.entitlement_id)) if len(found) > 1 else found


def _due_no_more(
    facts: PersonFacts,
    closed: Sequence[Period],
    paid: Mapping[tuple[UUID, Period], int],
    book: RateBook,
    known_on: date,
) -> Iterator[Difference]:
    for period in closed:
        owed = {item.entitlement_id for item in due(facts, period, book, known_on)}
        for (entitlement_id, month), amount_vnd in paid.items():
            if month == period and entitlement_id not in owed and amount_vnd:
                yield Difference(entitlement_id, None, None, period, 0, amount_vnd)
