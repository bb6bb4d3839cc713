"""A job in chunks of any size, stopped, killed and fenced off anywhere: its effect is that of one run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.db.engine import dedicated
from shared.jobs.runner import ATTEMPTS_MAX, Runner
from shared.kernel.errors import Fault, Rejected, Unavailable
from tests.integration.shared.jobs.test_runner import KIND, CountJob, enqueued, found

if TYPE_CHECKING:
    from uuid import UUID

    from tests.integration.shared.conftest import Desk

SLOW = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Killed(BaseException):
    """The process is gone: nothing after it runs."""


class Killing:
    """Ends the process at some of its steps, before or after the effect."""

    def __init__(self, at: set[int]) -> None:
        self.at, self.count = at, 0

    def __call__(self, _: int) -> None:
        self.count += 1
        if self.count in self.at:
            raise Killed


def run_until_done(desk: Desk, job: CountJob, job_id: UUID, limit: int = 100) -> int:
    """How many processes it took."""
    runner, stop = Runner(desk.unit_of_work, {KIND: job}), threading.Event()
    for processes in range(1, limit):
        with dedicated(desk.unit_of_work.engine) as lock:
            try:
                runner._run_one(lock, stop, lambda: None)
            except Killed:
                continue
        if found(desk, job_id)["state"] in {"done", "failed"}:
            return processes
    pytest.fail("the job never ends")


def effects(desk: Desk) -> list[int]:
    return [row.value for row in desk.rows("SELECT value FROM effects ORDER BY number")]


def clear(desk: Desk) -> None:
    desk.change("DELETE FROM effects")


@SLOW
@given(to=st.integers(1, 40), chunk=st.integers(1, 50))
def test_chunks_of_any_size_come_to_the_same(desk: Desk, to: int, chunk: int) -> None:
    clear(desk)
    job_id = enqueued(desk, to=to)
    assert run_until_done(desk, CountJob(chunk), job_id) == 1
    assert effects(desk) == list(range(to))
    told = found(desk, job_id)
    assert (told["state"], told["done"], told["total"], told["result"]) == ("done", to, to, {"sum": to})


@SLOW
@given(
    chunk=st.integers(1, 10),
    before=st.sets(st.integers(1, 12), max_size=5),
    after=st.sets(st.integers(1, 12), max_size=5),
)
def test_killed_anywhere_any_number_of_times_it_comes_to_the_same(
    desk: Desk, chunk: int, before: set[int], after: set[int]
) -> None:
    clear(desk)
    job_id = enqueued(desk, to=30)
    job = CountJob(chunk, before_effect=Killing(before), after_effect=Killing(after))
    processes = run_until_done(desk, job, job_id)
    assert effects(desk) == list(range(30))
    assert found(desk, job_id)["done"] == 30
    assert 1 <= processes <= 1 + len(before) + len(after)


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_faults_of_rows_are_the_same_for_any_chunk(desk: Desk, strict: bool, chunk: int) -> None:  # noqa: FBT001 - a table
    job_id = enqueued(desk, to=20, strict=strict)
    run_until_done(desk, CountJob(chunk), job_id)
    told = found(desk, job_id)
    assert [fault.row for fault in told["faults"]] == (list(range(1, 20, 2)) if strict else [])
    assert told["fault_count"] == (10 if strict else 0)


def test_a_job_that_dies_every_time_fails_after_its_last_attempt(desk: Desk) -> None:
    job_id = enqueued(desk, to=5)
    job = CountJob(1, before_effect=Killing(set(range(1, 1000))))
    assert run_until_done(desk, job, job_id) == ATTEMPTS_MAX + 1
    told = found(desk, job_id)
    assert told["state"] == "failed"
    assert "begun 20 times" in told["failure"]
    assert effects(desk) == []


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_refusal_keeps_the_chunks_before_it_and_nothing_of_its_own(desk: Desk, at: int) -> None:
    count = 0

    def refuse(_: int) -> None:
        nonlocal count
        count += 1
        if count == at:
            raise Rejected("bad_row", "Row 7 is bad.", [Fault("bad", "It is bad.", row=7)])

    job_id = enqueued(desk, to=30)
    run_until_done(desk, CountJob(10, after_effect=refuse), job_id)
    assert effects(desk) == list(range(10 * (at - 1)))
    told = found(desk, job_id)
    assert (told["state"], told["fault_count"], told["failure"]) == ("failed", 1, "bad_row: Row 7 is bad.")
    assert told["done"] == 10 * (at - 1)


@pytest.mark.parametrize("change", ["attempt = attempt + 1", "state = 'failed'", "checkpoint = '99'"])
def test_a_job_that_was_changed_under_the_worker_is_let_go_without_effect(desk: Desk, change: str) -> None:
    """Somebody else has taken it over, between two chunks or within one."""
    job_id = enqueued(desk, to=30)
    changed: list[int] = []

    def take_over(start: int) -> None:
        if start == 10 and not changed:
            changed.append(1)
            desk.change(f"UPDATE jobs SET {change}")

    runner, stop = Runner(desk.unit_of_work, {KIND: CountJob(10, before_effect=take_over)}), threading.Event()
    with dedicated(desk.unit_of_work.engine) as lock:
        runner._run_one(lock, stop, lambda: None)
    assert changed
    assert effects(desk)[:10] == list(range(10))
    assert len(effects(desk)) in {10, 30}
    assert len(set(effects(desk))) == len(effects(desk)), "no number twice"
    assert found(desk, job_id)["done"] in {10, 30}


def test_a_part_that_is_away_leaves_the_chunk_for_later(desk: Desk) -> None:
    tries: list[int] = []

    def away(_: int) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise Unavailable("The store does not answer.")

    job_id = enqueued(desk, to=10)
    runner, stop = Runner(desk.unit_of_work, {KIND: CountJob(10, before_effect=away)}), threading.Event()
    for _ in range(2):
        with dedicated(desk.unit_of_work.engine) as lock, pytest.raises(Unavailable):
            runner._run_one(lock, stop, lambda: None)
    with dedicated(desk.unit_of_work.engine) as lock:
        assert runner._run_one(lock, stop, lambda: None)
    assert effects(desk) == list(range(10))
    assert found(desk, job_id)["state"] == "done"


def test_what_a_job_is_given_and_leaves_comes_back_as_it_was(desk: Desk) -> None:
    given_params: dict[str, Any] = {"to": 3, "text": "Quế Sơn", "deep": {"list": [1, None, True]}}
    job_id = enqueued(desk, **given_params)
    (row,) = desk.rows("SELECT params, act FROM jobs WHERE id = :id", id=job_id)
    assert row.params == given_params
    assert row.act["actor"] == "officer-1"
