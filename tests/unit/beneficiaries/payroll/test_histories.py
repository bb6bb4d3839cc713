"""Random histories against a reckoning that knows everything at once, per entitlement and month.

The reckoning is written anew here, as plainly as can be; it shares no line with the code it judges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from services.beneficiaries.rates.model import Rate, RateBook
from services.beneficiaries.rates.published import published_rates
from shared.kernel.ids import id_of
from shared.kernel.periods import Period
from tests.unit.beneficiaries.conftest import PERSON, month, residence

RATES = published_rates()
BOOK = RateBook(RATES)
MONTHS = month("2024-01").months_until(month("2024-10"))
QUIET = month("2024-11").months_until(month("2025-06"))  # nothing becomes known any more
CODES = ("TB", "TUDAY", "TN_LS_1")
KNOWN_ON = st.dates(date(2023, 12, 1), date(2024, 9, 19))


def fact(
    code: str, percent: int, since: Period, known_on: date, number: int, *, ended: bool
) -> EntitlementFact:
    percents = percent if code == "TB" else None
    return EntitlementFact(id_of("entitlement", PERSON, code), code, percents, since, ended, known_on, number)


NEWS = st.lists(
    st.builds(
        lambda code, percent, since, known_on, ended: (code, percent, since, known_on, ended),
        st.sampled_from(CODES),
        st.integers(21, 100),
        st.sampled_from(MONTHS),
        KNOWN_ON,
        st.booleans(),
    ),
    max_size=8,
).map(lambda rows: [fact(*row[:4], number, ended=row[4]) for number, row in enumerate(rows, 1)])
DEATHS = st.none() | st.builds(DeathFact, st.dates(date(2024, 1, 5), date(2024, 8, 28)), KNOWN_ON)
Reckoned = Mapping[tuple[str, Period], int]


def reckon(facts: PersonFacts, period: Period, known_on: date) -> dict[str, int]:
    """What is due for a month by category, looked up step by step in the printed tables."""
    death = facts.death
    if death and death.known_on <= known_on and death.died_on < period.first_day:
        return {}
    found = {}
    for code in CODES:
        said = [
            one
            for one in facts.entitlements
            if one.code == code and one.known_on <= known_on and not period < one.from_period
        ]
        if said:
            last = max(said, key=lambda one: (one.known_on, one.number))
            if not last.ended:
                found[code] = printed(code, last.injury_percent, period, known_on)
    return found


def printed(code: str, percent: int | None, period: Period, known_on: date) -> int:
    """The amount of the newest decree that reaches the month and is in force on the day."""
    rows = [
        rate
        for rate in RATES
        if (rate.code, rate.injury_percent) == (code, percent)
        and not period < rate.applies_from
        and rate.known_from <= known_on
    ]
    return max(rows, key=lambda rate: (rate.applies_from, rate.known_from)).amount_vnd


@dataclass
class History:
    """One person, paid month after month as the payroll does it."""

    facts: PersonFacts
    lines: list[Obligation]
    carried: dict[Period, int]

    def established(self) -> Reckoned:
        """Everything paid for each category and month: monthly, arrears, less recoveries."""
        name_of = {id_of("entitlement", PERSON, code): code for code in CODES}
        sums: dict[tuple[str, Period], int] = defaultdict(int)
        for line in self.lines:
            sums[name_of[line.entitlement_id], line.due_period] += line.amount_vnd
        return sums


def live(facts: PersonFacts, months: Sequence[Period], book: RateBook = BOOK) -> History:
    """The history of a person who is paid on the 20th of each month before."""
    paid: dict[tuple[UUID, Period], int] = defaultdict(int)
    history = History(facts, [], {})
    for place, period in enumerate(months):
        day = known_for(period)
        late = differences(facts, months[:place], dict(paid), book, day)
        found = person_month(PERSON, period, due(facts, period, book, day), late)
        for line in found.obligations:
            paid[line.entitlement_id, line.due_period] += line.amount_vnd
        history.lines += found.obligations
        history.carried[period] = found.carried_vnd
    return history


def known_for(period: Period) -> date:
    return period.previous().first_day.replace(day=20)


def person_of(news: list[EntitlementFact], death: DeathFact | None) -> PersonFacts:
    return PersonFacts(PERSON, news, (residence(),), death)


@settings(max_examples=120, deadline=None)
@given(NEWS, DEATHS)
def test_each_month_is_due_as_the_printed_tables_say(
    news: list[EntitlementFact], death: DeathFact | None
) -> None:
    facts = person_of(news, death)
    for period in MONTHS:
        day = known_for(MONTHS[-1])
        name_of = {id_of("entitlement", PERSON, code): code for code in CODES}
        found = {name_of[one.entitlement_id]: one.amount_vnd for one in due(facts, period, BOOK, day)}
        assert found == reckon(facts, period, day)


@settings(max_examples=120, deadline=None)
@given(NEWS, DEATHS)
def test_every_month_comes_to_what_it_would_have_been_had_all_been_known(
    news: list[EntitlementFact], death: DeathFact | None
) -> None:
    """Once nothing is carried any more, each category of each month was paid just what it was due."""
    months = [*MONTHS, *QUIET]
    history = live(person_of(news, death), months)
    if history.carried[months[-1]]:
        return
    last = known_for(months[-1])
    established = history.established()
    for period in months:
        wanted = reckon(history.facts, period, last)
        for code in CODES:
            assert established.get((code, period), 0) == wanted.get(code, 0), f"{code} of {period}"


@settings(max_examples=120, deadline=None)
@given(NEWS, DEATHS)
def test_what_is_carried_is_just_what_was_paid_too_much(
    news: list[EntitlementFact], death: DeathFact | None
) -> None:
    months = [*MONTHS, *QUIET]
    history = live(person_of(news, death), months)
    last = known_for(months[-1])
    established = history.established()
    excess = [
        established.get((code, period), 0) - reckon(history.facts, period, last).get(code, 0)
        for code in CODES
        for period in months
    ]
    assert min(excess) >= 0, "nobody is left with less than was due"
    assert sum(excess) == history.carried[months[-1]]


@settings(max_examples=120, deadline=None)
@given(NEWS, DEATHS)
def test_no_recovery_leaves_a_month_below_what_was_due_or_below_nothing(
    news: list[EntitlementFact], death: DeathFact | None
) -> None:
    history = live(person_of(news, death), MONTHS)
    sums: dict[tuple[UUID, Period], int] = defaultdict(int)
    paid: dict[Period, int] = defaultdict(int)
    for line in history.lines:
        before = sums[line.entitlement_id, line.due_period]
        assert line.paid_vnd == before, "the arithmetic starts from what was paid"
        sums[line.entitlement_id, line.due_period] = before + line.amount_vnd
        paid[line.in_period] += line.amount_vnd
        if line.kind is Kind.RECOVERY:
            assert line.due_vnd <= before + line.amount_vnd < before
        else:
            assert before + line.amount_vnd == line.due_vnd
    assert all(amount >= 0 for amount in paid.values())
    assert all(amount >= 0 for amount in sums.values())


@settings(max_examples=80, deadline=None)
@given(NEWS, DEATHS)
def test_a_rest_is_carried_only_where_the_whole_month_was_taken(
    news: list[EntitlementFact], death: DeathFact | None
) -> None:
    history = live(person_of(news, death), MONTHS)
    for period, carried in history.carried.items():
        in_month = sum(line.amount_vnd for line in history.lines if line.in_period == period)
        assert carried == 0 or in_month == 0


@settings(max_examples=80, deadline=None)
@given(NEWS, DEATHS, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_are_read_does_not_matter(
    news: list[EntitlementFact], death: DeathFact | None, chance: object
) -> None:
    shuffled = list(news)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = (live(person_of(some, death), MONTHS) for some in (news, shuffled))
    assert {line.id: line for line in first.lines} == {line.id: line for line in second.lines}
    assert first.carried == second.carried


@settings(max_examples=80, deadline=None)
@given(NEWS, DEATHS)
def test_what_becomes_known_after_a_run_changes_nothing_in_it(
    news: list[EntitlementFact], death: DeathFact | None
) -> None:
    """Any past month can be computed again as known on its day."""
    full = live(person_of(news, death), MONTHS)
    half = MONTHS[len(MONTHS) // 2]
    day = known_for(half)
    early = [one for one in news if one.known_on <= day]
    past = live(person_of(early, death if death and death.known_on <= day else None), MONTHS)
    assert [line for line in full.lines if line.in_period <= half] == [
        line for line in past.lines if line.in_period <= half
    ]


@settings(max_examples=60, deadline=None)
@given(NEWS, st.integers(1, 5_000_000), st.sampled_from(MONTHS), KNOWN_ON)
def test_a_late_decree_is_made_up_for_to_the_last_dong(
    news: list[EntitlementFact], amount: int, since: Period, known_on: date
) -> None:
    decree = Rate(id_of("rate", "late"), "late", "TUDAY", None, "", amount, since, known_on, "made up")
    book = RateBook([*RATES, decree])
    months = [*MONTHS, *QUIET]
    history = live(person_of(news, None), months, book)
    if history.carried[months[-1]]:
        return
    entitlement_id = id_of("entitlement", PERSON, "TUDAY")
    for period in months:
        wanted = [
            one.amount_vnd
            for one in due(history.facts, period, book, known_for(months[-1]))
            if one.entitlement_id == entitlement_id
        ]
        assert history.established().get(("TUDAY", period), 0) == sum(wanted)
