"""Which money a purpose is paid from depends on the day, to the day."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.funding_rules.model import FundingRule, published_rules, rule_for
from services.allocation.ledger.model import CapitalKind, Role
from services.allocation.legal_bases.published import published_articles
from shared.kernel.errors import Rejected

DAY = timedelta(days=1)


def rule(number: int, begins: date, ends: date | None, purpose: str = "merit_monthly") -> FundingRule:
    return FundingRule(
        UUID(int=number),
        purpose,
        f"component-{number}",
        "central",
        CapitalKind.RECURRENT,
        UUID(int=900 + number),
        begins,
        ends,
    )


FIRST = rule(1, date(2022, 9, 5), date(2024, 12, 31))
SECOND = rule(2, date(2025, 1, 1), None)
OTHER = rule(3, date(2020, 1, 1), None, "social_protection")
RULES = [SECOND, OTHER, FIRST]  # in whatever order they are stored


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2022, 9, 5), FIRST),
        (date(2023, 6, 1), FIRST),
        (date(2024, 2, 29), FIRST),
        (date(2024, 12, 31), FIRST),
        (date(2025, 1, 1), SECOND),
        (date(2099, 12, 31), SECOND),
    ],
    ids=["first_day", "within", "leap_day", "last_day", "day_after", "far_ahead"],
)
def test_the_rule_of_the_day(on: date, expected: FundingRule) -> None:
    assert rule_for(RULES, "merit_monthly", on) == expected


@pytest.mark.parametrize(
    ("purpose", "on"),
    [
        ("merit_monthly", date(2022, 9, 4)),
        ("merit_monthly", date(1999, 1, 1)),
        ("social_protection", date(2019, 12, 31)),
        ("funeral", date(2024, 8, 5)),
        ("", date(2024, 8, 5)),
        ("Merit_Monthly", date(2024, 8, 5)),
    ],
    ids=["day_before", "long_before", "other_before", "unknown", "empty", "other_case"],
)
def test_without_a_rule_nothing_is_paid_and_purpose_and_day_are_named(purpose: str, on: date) -> None:
    with pytest.raises(Rejected) as refused:
        rule_for(RULES, purpose, on)
    assert refused.value.code == "funding_rule_missing"
    assert f"{purpose} " in refused.value.message
    assert str(on) in refused.value.message


def test_between_two_rules_there_may_be_days_without_one() -> None:
    gap = [rule(1, date(2024, 1, 1), date(2024, 6, 30)), rule(2, date(2024, 7, 2), None)]
    assert rule_for(gap, "merit_monthly", date(2024, 6, 30)).id == UUID(int=1)
    with pytest.raises(Rejected):
        rule_for(gap, "merit_monthly", date(2024, 7, 1))
    assert rule_for(gap, "merit_monthly", date(2024, 7, 2)).id == UUID(int=2)


def test_a_rule_of_one_day_holds_on_that_day() -> None:
    only = [rule(1, date(2024, 7, 1), date(2024, 7, 1))]
    assert rule_for(only, "merit_monthly", date(2024, 7, 1)) == only[0]
    for on in (date(2024, 6, 30), date(2024, 7, 2)):
        with pytest.raises(Rejected):
            rule_for(only, "merit_monthly", on)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 4000), st.integers(-5000, 5000))
def test_a_rule_holds_from_its_first_to_its_last_day(begins: date, days: int, offset: int) -> None:
    one = rule(1, begins, begins + days * DAY)
    on = begins + offset * DAY
    try:
        found = rule_for([one], "merit_monthly", on)
    except Rejected:
        assert not 0 <= offset <= days
    else:
        assert found == one
        assert 0 <= offset <= days


def test_the_account_of_a_rule_is_that_of_its_money() -> None:
    key = FIRST.account(2024, UUID(int=502), Role.PROVIDER, "vnpost")
    assert (key.fiscal_year, key.component, key.source, key.capital_kind) == (
        2024,
        "component-1",
        "central",
        CapitalKind.RECURRENT,
    )
    assert (key.unit, key.role, key.party) == (UUID(int=502), Role.PROVIDER, "vnpost")
    assert FIRST.account(2024, None, Role.SOURCE).party is None


def test_published_rules_rest_on_published_articles() -> None:
    _, articles = published_articles()
    known = {article.id: article for article in articles}
    for one in published_rules():
        assert one.article_id in known
        law = known[one.article_id].instrument
        assert law.in_force_on(one.valid_from), f"{one.purpose} rests on {law.number} before its time"


def test_published_rules_do_not_overlap() -> None:
    rules = published_rules()
    for one in rules:
        for other in rules:
            if one.id != other.id and one.purpose == other.purpose:
                assert (one.valid_to or date.max) < other.valid_from or (
                    other.valid_to or date.max
                ) < one.valid_from
    assert len({one.id for one in rules}) == len(rules)


def test_merit_is_paid_from_the_day_of_its_circular() -> None:
    rules = published_rules()
    assert rule_for(rules, "merit_monthly", date(2022, 9, 5)).component == "merit-371"
    with pytest.raises(Rejected):
        rule_for(rules, "merit_monthly", date(2022, 9, 4))
