from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiaries.providers.model import Channel
from services.beneficiaries.reconciliation.model import Standing
from services.beneficiaries.reissues.model import OBSTACLES, Candidate, obstacle
from shared.kernel.ids import id_of
from tests.unit.beneficiaries.conftest import PERSON

BACK = Candidate(
    payment_id=id_of("payment", 1),
    person_id=PERSON,
    amount_vnd=2_055_000,
    standing=Standing.RETURNED,
    disputed=False,
    reissued=False,
    dead=False,
    has_account=True,
)
CANDIDATES = st.builds(
    Candidate,
    st.uuids(),
    st.uuids(),
    st.integers(1, 10**9),
    st.sampled_from(Standing),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


def test_what_came_back_to_a_living_person_is_paid_again() -> None:
    assert obstacle(BACK, Channel.BANK) is None
    assert obstacle(BACK, Channel.POST) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"standing": Standing.UNKNOWN}, "payment_unanswered"),
        ({"standing": Standing.SETTLED}, "payment_settled"),
        ({"reissued": True}, "payment_reissued"),
        ({"disputed": True}, "payment_disputed"),
        ({"dead": True}, "person_dead"),
        ({"has_account": False}, "account_missing"),
    ],
    ids=["silent", "settled", "reissued", "disputed", "dead", "no account"],
)
def test_each_obstacle_is_named(changes: dict[str, object], code: str) -> None:
    assert obstacle(replace(BACK, **changes), Channel.BANK) == code  # type: ignore[arg-type]


def test_cash_needs_no_account() -> None:
    assert obstacle(replace(BACK, has_account=False), Channel.POST) is None


def test_silence_is_the_first_obstacle_whatever_else_is_true() -> None:
    worst = replace(BACK, standing=Standing.UNKNOWN, dead=True, disputed=True, has_account=False)
    assert obstacle(worst, Channel.BANK) == "payment_unanswered"


@given(CANDIDATES, st.sampled_from(Channel))
def test_money_is_never_paid_again_while_it_may_have_been_paid(
    candidate: Candidate, channel: Channel
) -> None:
    if obstacle(candidate, channel) is None:
        assert candidate.standing is Standing.RETURNED
        assert [candidate.reissued, candidate.disputed, candidate.dead] == [False, False, False]
        assert candidate.has_account or channel is Channel.POST


@given(CANDIDATES, st.sampled_from(Channel))
def test_every_obstacle_has_its_words(candidate: Candidate, channel: Channel) -> None:
    code = obstacle(candidate, channel)
    assert code is None or len(OBSTACLES[code]) > 20


def test_no_two_obstacles_have_the_same_words() -> None:
    assert len(set(OBSTACLES.values())) == len(OBSTACLES)
    assert all(text.endswith(".") for text in OBSTACLES.values())
