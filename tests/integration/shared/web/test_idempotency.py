from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.integration.shared.web import toys
from tests.integration.shared.web.conftest import problem

if TYPE_CHECKING:
    from tests.integration.shared.web.conftest import Caller

GOOD = {"name": "a", "amount_vnd": 1}


def effects(officer: Caller) -> int:
    count: int = officer.desk.one("SELECT count(*) FROM effects")
    return count


@pytest.mark.parametrize("key", [None, "   ", "x" * 256])
def test_an_act_with_money_needs_a_key(officer: Caller, key: str | None) -> None:
    reply = officer.make(GOOD, key)
    assert (reply.status_code, problem(reply)["code"]) == (400, "idempotency_key_missing")
    assert effects(officer) == 0
    assert officer.refusals() == []


def test_pressing_twice_does_once_and_answers_the_same_byte_for_byte(officer: Caller) -> None:
    first, second = officer.make(GOOD, "k-1"), officer.make(GOOD, "k-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.data == first.data
    assert second.content_type == first.content_type
    assert "Idempotency-Hit" not in first.headers
    assert second.headers["Idempotency-Hit"] == "true"
    assert effects(officer) == 1
    assert officer.desk.one("SELECT count(*) FROM journal") == 1


def test_another_key_does_it_again(officer: Caller) -> None:
    assert officer.make(GOOD, "k-1").data != officer.make(GOOD, "k-2").data
    assert effects(officer) == 2


def test_a_key_used_for_another_content_is_refused(officer: Caller) -> None:
    officer.make(GOOD, "k-1")
    reply = officer.make({**GOOD, "amount_vnd": 2}, "k-1")
    assert (reply.status_code, problem(reply)["code"]) == (422, "idempotency_key_reused")
    assert effects(officer) == 1


def test_a_key_used_for_another_business_date_is_refused(officer: Caller) -> None:
    head = officer.with_("toys.make", "acts.backdate")
    head.make(GOOD, "k-1", Business_Date="2024-07-24")
    assert head.make(GOOD, "k-1", Business_Date="2024-07-23").status_code == 422


def test_keys_belong_to_their_caller(officer: Caller) -> None:
    mine = officer.make(GOOD, "k-1")
    theirs = officer.with_("toys.make", subject="officer-2").make(GOOD, "k-1")
    assert theirs.status_code == 201
    assert theirs.data != mine.data
    assert effects(officer) == 2


def test_a_failure_burns_no_key(officer: Caller) -> None:
    refused = officer.make({"name": "refused", "amount_vnd": 1}, "k-1")
    assert refused.status_code == 422
    assert officer.make(GOOD, "k-1").status_code == 201
    assert effects(officer) == 1


def test_an_invalid_request_burns_no_key(officer: Caller) -> None:
    assert officer.make({"name": "a"}, "k-1").status_code == 422
    assert officer.make(GOOD, "k-1").status_code == 201


def test_a_repeat_while_the_first_still_runs_is_told_to_wait(officer: Caller) -> None:
    slow = {"name": "slow", "amount_vnd": 1}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(officer.make, slow, "k-1")
        assert toys.entered.wait(10)
        second = officer.make(slow, "k-1")
        toys.go_on.set()
        assert first.result().status_code == 201
    assert (second.status_code, problem(second)["code"]) == (409, "request_in_flight")
    assert officer.make(slow, "k-1").headers["Idempotency-Hit"] == "true"
    assert effects(officer) == 1


def test_many_at_once_do_it_once(officer: Caller) -> None:
    gate = threading.Barrier(8)

    def press() -> int:
        gate.wait()
        return officer.make(GOOD, "k-1").status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = [future.result() for future in [pool.submit(press) for _ in range(8)]]
    assert 201 in statuses
    assert set(statuses) <= {201, 409}
    assert effects(officer) == 1


def test_a_right_that_was_taken_away_also_closes_the_stored_reply(officer: Caller) -> None:
    officer.make(GOOD, "k-1")
    assert officer.with_("toys.read").make(GOOD, "k-1").status_code == 403
