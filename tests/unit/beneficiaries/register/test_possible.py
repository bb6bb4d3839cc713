from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiaries.register.model import (
    ChangeKind,
    ensure_alive,
    ensure_death_possible,
    ensure_month_possible,
    ensure_receivable,
)
from services.beneficiaries.register.schemas import DETAILS
from services.beneficiaries.register.tables import changes
from shared.kernel.errors import Conflict, Rejected
from shared.kernel.periods import Period
from tests.unit.beneficiaries.conftest import month

ON = date(2024, 7, 20)
KNOWN = {"POST-QNA": "post", "BANK-QNA": "bank"}
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


def code_of(error: pytest.ExceptionInfo[Rejected]) -> str:
    return error.value.code


@given(DAYS, st.integers(1900, 2024))
def test_a_death_lies_between_birth_and_today(died_on: date, birth_year: int) -> None:
    if birth_year <= died_on.year and died_on <= ON:
        ensure_death_possible(died_on, birth_year, ON)
        return
    with pytest.raises(Rejected) as error:
        ensure_death_possible(died_on, birth_year, ON)
    assert code_of(error) == ("died_ahead" if died_on > ON else "died_before_birth")


@pytest.mark.parametrize("kind", sorted(set(ChangeKind) - {ChangeKind.DEATH, ChangeKind.RECEIVING}))
@given(day=DAYS)
def test_a_change_holds_from_a_month_of_ones_life(kind: ChangeKind, day: date) -> None:
    since = Period.of(day)
    latest = month("2024-08") if kind is ChangeKind.MOVE else month("2024-07")
    if since <= latest and since.year >= 1948:
        ensure_month_possible(kind, since, 1948, ON)
        return
    with pytest.raises(Rejected) as error:
        ensure_month_possible(kind, since, 1948, ON)
    assert code_of(error) == ("month_ahead" if since > latest else "month_before_birth")


def test_a_move_in_december_may_hold_from_january() -> None:
    ensure_month_possible(ChangeKind.MOVE, month("2025-01"), 1948, date(2024, 12, 31))
    with pytest.raises(Rejected) as error:
        ensure_month_possible(ChangeKind.MOVE, month("2025-02"), 1948, date(2024, 12, 31))
    assert code_of(error) == "month_ahead"
    assert "2025-01 at the latest" in error.value.message


@given(st.none() | DAYS, DAYS)
def test_nothing_holds_after_the_month_of_death(died_on: date | None, day: date) -> None:
    since = Period.of(day)
    if died_on is None or since <= Period.of(died_on):
        ensure_alive(died_on, since)
    else:
        with pytest.raises(Conflict) as error:
            ensure_alive(died_on, since)
        assert error.value.code == "person_dead"


@pytest.mark.parametrize(
    ("provider", "bank_code", "account_number", "code"),
    [
        ("POST-QNA", "", "", ""),
        ("BANK-QNA", "970436", "123456", ""),
        ("BANK-QNA", "VBA", "1" * 19, ""),
        ("", "", "", "provider_unknown"),
        ("post-qna", "", "", "provider_unknown"),
        ("POST-QNA", "970436", "", "account_not_needed"),
        ("POST-QNA", "", "123456", "account_not_needed"),
        ("BANK-QNA", "", "123456", "account_invalid"),
        ("BANK-QNA", "9", "123456", "account_invalid"),
        ("BANK-QNA", "vba", "123456", "account_invalid"),
        ("BANK-QNA", "V" * 12, "123456", "account_invalid"),
        ("BANK-QNA", "970436", "", "account_invalid"),
        ("BANK-QNA", "970436", "12345", "account_invalid"),
        ("BANK-QNA", "970436", "1" * 20, "account_invalid"),
        ("BANK-QNA", "970436", "123456\n", "account_invalid"),
        ("BANK-QNA", "970436\n", "123456", "account_invalid"),
    ],
)
def test_a_person_is_paid_in_cash_or_by_a_whole_account(
    provider: str, bank_code: str, account_number: str, code: str
) -> None:
    if not code:
        ensure_receivable(provider, bank_code, account_number, KNOWN)
        return
    with pytest.raises(Rejected) as error:
        ensure_receivable(provider, bank_code, account_number, KNOWN)
    assert code_of(error) == code


def test_every_kind_says_what_it_needs_and_the_database_knows_it() -> None:
    assert DETAILS.keys() == set(ChangeKind)
    (check,) = [str(c.sqltext) for c in changes.constraints if str(c.name).endswith("_kind")]  # type: ignore[attr-defined]
    assert {kind.value for kind in ChangeKind} == {word for word in check.split("'") if word.isalpha()}
