"""A batch of providers' answers: as if one came after the other, each with journal rows of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from services.allocation.funding import answers
from services.allocation.ledger.model import Role
from shared.inbox.consumer import act_of
from shared.inbox.handling import Caused
from shared.journal.envelope import Envelope
from shared.kernel.acts import Act
from shared.kernel.errors import Conflict, Rejected
from tests.integration.allocation.district import MILLION, POST, STATEMENT, District
from tests.integration.allocation.house import NOON, envelope


def drawn(district: District, amount: int) -> str:
    """A list whose money is in its provider's hands."""
    district.give(amount)
    named = district.approve(amount)
    district.confirm(named)
    return named


def answer(kind: str, list_id: str, amount: int, chunk: int) -> Envelope:
    """One answer, not handed on yet."""
    facts: dict[str, Any] = {
        "list_id": list_id,
        "statement_id": STATEMENT,
        "chunk": chunk,
        "lines": [{"line": "merit_monthly", "count": 1, "amount_vnd": amount}],
        "items": [],
    }
    return envelope(f"vn.fundtrail.payments.{kind}.v1", facts)


def hand(district: District, items: Sequence[Envelope]) -> None:
    """All of them in one transaction, as the consumer hands a batch on."""
    with district.house.unit_of_work.begin(Act.system("allocation", NOON)) as work:
        caused = [Caused(work.under(act_of("allocation", item)), item) for item in items]
        answers.post_answers.many(caused)


def test_answers_of_several_lists_move_what_each_says(district: District) -> None:
    first, second = drawn(district, 30 * MILLION), drawn(district, 20 * MILLION)
    hand(
        district,
        [
            answer("settled", first, 10 * MILLION, 0),
            answer("settled", second, 19 * MILLION, 0),
            answer("returned", first, 5 * MILLION, 1),
            answer("settled", first, 15 * MILLION, 2),
        ],
    )
    assert district.left(Role.SPENT) == 44 * MILLION
    assert district.left(Role.RETURNED, POST) == 5 * MILLION
    assert district.left(Role.PROVIDER, POST) == 1 * MILLION
    district.close(first, 25 * MILLION, 5 * MILLION)
    assert district.state(first) == "closed"
    assert district.house.findings() == []


def test_each_answer_causes_journal_rows_of_its_own(district: District) -> None:
    first, second = drawn(district, 30 * MILLION), drawn(district, 20 * MILLION)
    items = [answer("settled", first, 10 * MILLION, 0), answer("returned", second, 2 * MILLION, 0)]
    hand(district, items)
    causes = [str(item.id) for item in items]
    rows = district.house.rows(
        "SELECT type, causation FROM journal WHERE causation = ANY(:causes) ORDER BY seq", causes=causes
    )
    assert [(row.type.split(".")[-2], row.causation) for row in rows] == [
        ("transfers_decided", causes[0]),
        ("transfers_decided", causes[1]),
        ("posted", causes[0]),
        ("posted", causes[1]),
    ]


def test_an_answer_told_twice_in_a_batch_counts_once(district: District) -> None:
    named = drawn(district, 30 * MILLION)
    hand(district, [answer("settled", named, 10 * MILLION, 0)] * 2)
    hand(district, [answer("settled", named, 10 * MILLION, 0), answer("settled", named, 5 * MILLION, 1)])
    assert district.left(Role.SPENT) == 15 * MILLION
    assert len(district.house.journal("funds.posted")) == 2


def test_an_answer_is_judged_after_those_before_it(district: District) -> None:
    named = drawn(district, 30 * MILLION)
    with pytest.raises(Rejected, match="do not fit") as refused:
        hand(
            district, [answer("settled", named, 20 * MILLION, 0), answer("returned", named, 11 * MILLION, 0)]
        )
    assert refused.value.code == "list_exceeded"
    assert district.left(Role.PROVIDER, POST) == 30 * MILLION, "nothing of the batch took effect"


def test_an_answer_that_differs_from_one_before_it_is_refused(district: District) -> None:
    named = drawn(district, 30 * MILLION)
    with pytest.raises(Conflict) as refused:
        hand(district, [answer("settled", named, 20 * MILLION, 0), answer("settled", named, 10 * MILLION, 0)])
    assert refused.value.code == "answer_differs"
