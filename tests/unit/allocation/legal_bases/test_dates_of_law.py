"""When an instrument holds, to the day; and that the published ones fit together."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.decisions.model import DecisionUnlawful, Line, ensure_lawful
from services.allocation.legal_bases.model import Article, Instrument, article_id_of, instrument_id_of
from services.allocation.legal_bases.published import published_articles
from shared.kernel.errors import Rejected

DAY = timedelta(days=1)
ARTICLE = UUID(int=2)
BEGINS, ENDS = date(2023, 8, 15), date(2026, 5, 30)


def instrument(begins: date | None = BEGINS, ends: date | None = ENDS) -> Instrument:
    return Instrument(
        id=UUID(int=1),
        code="TT-55-2023",
        number="TT 55/2023/TT-BTC",
        kind="circular",
        issuer="MOF",
        subject="",
        signed_on=None,
        effective_from=begins,
        effective_to=ends,
        confirmed=True,
        source="",
    )


def article(
    law: Instrument, ceiling: int | None = None, number: str = "55", per: str | None = None
) -> Article:
    return Article(UUID(int=2), law, number, "poverty_programme", "", ceiling, per)


def line(amount: int = 5, quantity: int | None = None, of: UUID = ARTICLE) -> Line:
    return Line(UUID(int=3), 1, "1", "Xã Trà Mai", UUID(int=516), of, amount, quantity)


@pytest.mark.parametrize(
    ("begins", "ends", "on", "holds"),
    [
        (BEGINS, ENDS, BEGINS - DAY, False),
        (BEGINS, ENDS, BEGINS, True),
        (BEGINS, ENDS, ENDS, True),
        (BEGINS, ENDS, ENDS + DAY, False),
        (BEGINS, None, date(2999, 1, 1), True),
        (None, ENDS, date(1900, 1, 1), True),
        (None, ENDS, ENDS + DAY, False),
        (None, None, date(2024, 2, 29), True),
        (BEGINS, BEGINS, BEGINS, True),
        (BEGINS, BEGINS, BEGINS + DAY, False),
    ],
    ids=[
        "day_before",
        "first_day",
        "last_day",
        "day_after",
        "no_end",
        "no_known_beginning",
        "lapsed_without_beginning",
        "no_dates",
        "one_day",
        "after_one_day",
    ],
)
def test_an_instrument_holds_from_its_first_to_its_last_day(
    begins: date | None, ends: date | None, on: date, *, holds: bool
) -> None:
    law = instrument(begins, ends)
    assert law.in_force_on(on) is holds
    articles = {UUID(int=2): article(law)}
    if holds:
        ensure_lawful([line()], articles, on)
    else:
        with pytest.raises(DecisionUnlawful):
            ensure_lawful([line()], articles, on)


@given(st.dates(), st.one_of(st.none(), st.dates()), st.one_of(st.none(), st.dates()))
def test_the_register_and_the_decision_judge_a_day_alike(
    on: date, begins: date | None, ends: date | None
) -> None:
    law = instrument(begins, ends)
    try:
        ensure_lawful([line()], {ARTICLE: article(law)}, on)
    except DecisionUnlawful:
        lawful = False
    else:
        lawful = True
    assert lawful is law.in_force_on(on)


@pytest.mark.parametrize(
    ("on", "code", "named"),
    [
        (ENDS + DAY, "instrument_lapsed", "30/05/2026"),
        (BEGINS - DAY, "instrument_not_yet_in_force", "15/08/2023"),
    ],
    ids=["lapsed", "not_yet"],
)
def test_a_day_outside_names_line_article_and_both_days(on: date, code: str, named: str) -> None:
    with pytest.raises(DecisionUnlawful) as refused:
        ensure_lawful([line()], {UUID(int=2): article(instrument())}, on)
    (fault,) = refused.value.faults
    assert (fault.code, fault.row, fault.pointer) == (code, 1, "/lines/0/article_id")
    for part in ("Dòng 1", "Điều 55 TT 55/2023/TT-BTC", named, f"{on:%d/%m/%Y}"):
        assert part in fault.message


@pytest.mark.parametrize(
    ("amount", "quantity", "code"),
    [
        (10_000_000, 1, None),
        (10_000_001, 1, "ceiling_exceeded"),
        (30_000_000, 3, None),
        (30_000_001, 3, "ceiling_exceeded"),
        (29_999_999, 3, None),
        (1, None, "quantity_missing"),
        (1, 1_000_000, None),
    ],
)
def test_a_ceiling_is_compared_to_the_dong(amount: int, quantity: int | None, code: str | None) -> None:
    articles = {UUID(int=2): article(instrument(), 10_000_000, "11", "vỏ mộ")}
    if code is None:
        ensure_lawful([line(amount, quantity)], articles, BEGINS)
        return
    with pytest.raises(DecisionUnlawful) as refused:
        ensure_lawful([line(amount, quantity)], articles, BEGINS)
    assert refused.value.code == code


def test_the_price_that_is_shown_is_rounded_up_so_that_it_lies_above_the_ceiling() -> None:
    articles = {UUID(int=2): article(instrument(), 10_000_000, "11", "vỏ mộ")}
    with pytest.raises(DecisionUnlawful, match=r"10\.000\.001 đồng một vỏ mộ"):
        ensure_lawful([line(30_000_001, 3)], articles, BEGINS)


def test_the_day_is_judged_before_the_amount() -> None:
    articles = {UUID(int=2): article(instrument(), 1, "11", "vỏ mộ")}
    with pytest.raises(DecisionUnlawful) as refused:
        ensure_lawful([line(100, 1)], articles, ENDS + DAY)
    assert [fault.code for fault in refused.value.faults] == ["instrument_lapsed"]


def test_a_line_without_a_known_article_rests_on_nothing() -> None:
    with pytest.raises(DecisionUnlawful) as refused:
        ensure_lawful([line(of=UUID(int=99))], {UUID(int=2): article(instrument())}, BEGINS)
    assert refused.value.code == "article_unknown"


@pytest.mark.parametrize("count", [0, 5001])
def test_a_decision_has_one_to_five_thousand_lines(count: int) -> None:
    with pytest.raises(Rejected) as refused:
        ensure_lawful([line()] * count, {UUID(int=2): article(instrument())}, BEGINS)
    assert refused.value.code == "lines_missing"


@pytest.mark.parametrize(
    ("number", "cited"),
    [
        ("11", "Điều 11 TT 55/2023/TT-BTC"),
        ("55-79", "TT 55/2023/TT-BTC (55-79)"),
        ("toàn văn", "TT 55/2023/TT-BTC (toàn văn)"),
        ("64.3", "TT 55/2023/TT-BTC (64.3)"),
    ],
)
def test_an_article_is_cited_as_officers_do(number: str, cited: str) -> None:
    assert article(instrument(), number=number).citation == cited


# --- what is published ------------------------------------------------------------------------------------


def test_published_articles_belong_to_published_instruments() -> None:
    instruments, articles = published_articles()
    assert {one.instrument.id for one in articles} <= {one.id for one in instruments}
    assert len({one.id for one in instruments}) == len(instruments)
    assert len({one.id for one in articles}) == len(articles)


def test_ids_follow_from_codes_so_that_every_house_has_the_same() -> None:
    instruments, articles = published_articles()
    assert all(one.id == instrument_id_of(one.code) for one in instruments)
    assert all(one.id == article_id_of(one.instrument.code, one.article, one.purpose) for one in articles)


def test_no_published_instrument_ends_before_it_begins() -> None:
    for one in published_articles()[0]:
        assert (
            one.effective_from is None or one.effective_to is None or one.effective_from <= one.effective_to
        )


def test_every_published_instrument_says_where_it_was_read() -> None:
    assert all(one.source and one.number and one.issuer for one in published_articles()[0])


def test_a_ceiling_says_for_what_it_is_set() -> None:
    for one in published_articles()[1]:
        assert (one.ceiling_vnd is None) == (one.ceiling_per is None)
        assert one.ceiling_vnd is None or one.ceiling_vnd > 0


def test_circulars_on_recurrent_poverty_funds_follow_each_other_without_overlap() -> None:
    """TT 46/2022 holds to the day before TT 55/2023 begins."""
    found = {one.code: one for one in published_articles()[0]}
    before, after = found["TT-46-2022"], found["TT-55-2023"]
    assert before.effective_to is not None
    assert after.effective_from is not None
    assert before.effective_to + DAY == after.effective_from
