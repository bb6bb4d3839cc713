from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.db.unit_of_work import UnitOfWork, Work
from shared.jobs import runner as runner_module
from shared.jobs.api import find_job
from shared.jobs.runner import Progress, Runner, enqueue
from shared.kernel.errors import Fault, NotFound, Rejected, Unavailable
from shared.kernel.ids import id_of
from shared.testing.waiting import wait_until
from tests.integration.shared.conftest import Counted

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk

KIND = "count"


@dataclass
class CountJob:
    """Writes the numbers up to `params["to"]`, some a step."""

    chunk: int = 10
    before_effect: Callable[[int], None] = lambda _: None
    after_effect: Callable[[int], None] = lambda _: None
    steps: list[int] = field(default_factory=list)

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        start, to = int(checkpoint or 0), int(params["to"])
        self.steps.append(start)
        self.before_effect(start)
        end = min(start + self.chunk, to)
        for number in range(start, end):
            work.connection.execute(
                text("INSERT INTO effects (key, value) VALUES ('n', :value)"), {"value": number}
            )
        work.record(Counted("n", end))
        faults = [
            Fault("odd", f"{n} is odd", row=n) for n in range(start, end) if n % 2 and params.get("strict")
        ]
        self.after_effect(start)
        return Progress(end, end, to, end == to, faults, {"sum": end} if end == to else None)


def enqueued(desk: Desk, job_id: UUID | None = None, **params: Any) -> UUID:  # noqa: ANN401
    with desk.unit_of_work.begin(desk.act) as work:
        return enqueue(work, KIND, params, job_id)


def found(desk: Desk, job_id: UUID) -> dict[str, Any]:
    with desk.service.connect() as connection:
        return find_job(connection, job_id)


class Worker:
    """A runner in a thread of its own, with its own connections, as a process would have them."""

    def __init__(self, desk: Desk, job: CountJob) -> None:
        self.engine = desk.engine(desk.addresses.service)
        self.stop = threading.Event()
        self.crashed: list[BaseException] = []
        self.runner = Runner(UnitOfWork(self.engine, desk.clock), {KIND: job})
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.runner.run(self.stop)
        except Exception as error:  # noqa: BLE001 - told to the test
            self.crashed.append(error)

    def end(self) -> None:
        self.stop.set()
        self.thread.join(10)


Hire = Callable[[CountJob], Worker]


@pytest.fixture
def hire(desk: Desk) -> Iterator[Hire]:
    """`hire(job)` starts a worker that is stopped after the test."""
    hired: list[Worker] = []

    def start(job: CountJob) -> Worker:
        hired.append(Worker(desk, job))
        return hired[-1]

    yield start
    for worker in hired:
        worker.end()


def is_in(desk: Desk, job_id: UUID, state: str) -> Callable[[], bool]:
    return lambda: found(desk, job_id)["state"] == state


def values(desk: Desk) -> list[int]:
    return [row.value for row in desk.rows("SELECT value FROM effects ORDER BY number")]


def test_a_job_is_done_chunk_by_chunk(desk: Desk, hire: Hire) -> None:
    job_id = enqueued(desk, to=35)
    job = CountJob()
    hire(job)
    wait_until(is_in(desk, job_id, "done"), what="the job")
    assert job.steps == [0, 10, 20, 30]
    assert values(desk) == list(range(35))
    shown = found(desk, job_id)
    assert (shown["done"], shown["total"], shown["result"]) == (35, 35, {"sum": 35})


def test_a_job_is_not_begun_before_its_act_is_kept(desk: Desk, hire: Hire) -> None:
    def refused() -> None:
        with desk.unit_of_work.begin(desk.act) as work:
            enqueue(work, KIND, {"to": 5})
            raise Rejected("no", "No.")

    with pytest.raises(Rejected):
        refused()
    assert desk.one("SELECT count(*) FROM jobs") == 0


def test_jobs_run_in_the_order_they_came(desk: Desk, hire: Hire) -> None:
    ids = [enqueued(desk, to=1) for _ in range(5)]
    hire(CountJob())
    for job_id in ids:
        wait_until(is_in(desk, job_id, "done"), what="the job")
    finished = [row.key for row in desk.rows("SELECT key FROM effects ORDER BY number")]
    assert len(finished) == 5
    order = [row.id for row in desk.rows("SELECT id FROM jobs ORDER BY created_at, id")]
    assert order == ids


def test_the_act_of_whoever_asked_goes_with_the_job(desk: Desk, hire: Hire) -> None:
    job_id = enqueued(desk, to=1)
    hire(CountJob())
    wait_until(is_in(desk, job_id, "done"), what="the job")
    (row,) = desk.rows("SELECT * FROM journal")
    assert (row.actor, row.occurred_at) == ("officer-1", desk.act.occurred_at)


def test_a_job_of_another_kind_is_left_to_others(desk: Desk, hire: Hire) -> None:
    with desk.unit_of_work.begin(desk.act) as work:
        other = enqueue(work, "something else", {})
    job_id = enqueued(desk, to=1)
    hire(CountJob())
    wait_until(is_in(desk, job_id, "done"), what="the job")
    assert found(desk, other)["state"] == "queued"


def test_faults_of_rows_are_kept_and_shown(desk: Desk, hire: Hire) -> None:
    job_id = enqueued(desk, to=20, strict=True)
    hire(CountJob(chunk=7))
    wait_until(is_in(desk, job_id, "done"), what="the job")
    shown = found(desk, job_id)
    assert shown["fault_count"] == 10
    assert [fault.row for fault in shown["faults"]] == list(range(1, 20, 2))
    assert {fault.code for fault in shown["faults"]} == {"odd"}


def test_a_refusal_fails_the_job_with_its_faults(desk: Desk, hire: Hire) -> None:
    def refuse(start: int) -> None:
        if start == 10:
            raise Rejected("file_broken", "Row 12 is broken.", [Fault("broken", "Broken.", row=12)])

    job_id = enqueued(desk, to=30)
    hire(CountJob(after_effect=refuse))
    wait_until(is_in(desk, job_id, "failed"), what="the failure")
    shown = found(desk, job_id)
    assert shown["failure"] == "file_broken: Row 12 is broken."
    assert [(fault.row, fault.code) for fault in shown["faults"]] == [(12, "broken")]
    assert values(desk) == list(range(10)), "the refused chunk is taken back, the one before stays"


def test_a_failed_job_is_not_begun_again(desk: Desk, hire: Hire) -> None:
    def refuse(_: int) -> None:
        raise Rejected("no", "No.")

    failed, later = enqueued(desk, to=5), enqueued(desk, to=5)
    job = CountJob(before_effect=refuse)
    hire(job)
    wait_until(is_in(desk, later, "failed"), what="the second job")
    assert found(desk, failed)["state"] == "failed"
    assert job.steps == [0, 0]


def test_an_unavailable_part_is_waited_for(desk: Desk, hire: Hire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "RETRY_S", 0.01)
    failures = iter([Unavailable("away"), Unavailable("away")])

    def fail(_: int) -> None:
        for failure in failures:
            raise failure

    job_id = enqueued(desk, to=15)
    hire(CountJob(before_effect=fail))
    wait_until(is_in(desk, job_id, "done"), what="the job")
    assert values(desk) == list(range(15))


def test_a_bug_ends_the_worker_and_the_next_one_goes_on(desk: Desk, hire: Hire) -> None:
    crashes = iter([ZeroDivisionError("a bug")])

    def crash(start: int) -> None:
        if start == 10:
            for error in crashes:
                raise error

    job = CountJob(after_effect=crash)
    job_id = enqueued(desk, to=30)
    first = hire(job)
    wait_until(lambda: first.crashed, what="the crash")
    hire(job)
    wait_until(is_in(desk, job_id, "done"), what="the job")
    assert values(desk) == list(range(30))
    assert job.steps == [0, 10, 10, 20]


def test_a_job_that_always_crashes_its_worker_fails_in_the_end(
    desk: Desk, hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "ATTEMPTS_MAX", 2)

    def crash(_: int) -> None:
        raise ZeroDivisionError("a bug")

    job_id = enqueued(desk, to=5)
    job = CountJob(before_effect=crash)
    for _ in range(2):
        worker = hire(job)
        wait_until(partial(len, worker.crashed), what="the crash")
    hire(job)
    wait_until(is_in(desk, job_id, "failed"), what="the failure")
    assert "begun 2 times" in found(desk, job_id)["failure"]


def test_a_killed_worker_frees_its_job_at_once(desk: Desk, hire: Hire) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def stand_still(start: int) -> None:
        if start == 10 and not go_on.is_set():
            reached.set()
            go_on.wait(10)
            raise Unavailable("this process is gone")

    job_id = enqueued(desk, to=30)
    dead = hire(CountJob(before_effect=stand_still))
    assert reached.wait(10)
    dead.stop.set()
    kill_sessions(desk)  # what the operating system does to the connections of a killed process
    job = CountJob()
    hire(job)
    wait_until(is_in(desk, job_id, "done"), what="the job")
    go_on.set()
    assert job.steps == [10, 20], "it goes on where the last commit was"
    assert values(desk) == list(range(30))


def kill_sessions(desk: Desk) -> None:
    with desk.engine(desk.addresses.service).begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        )


def test_a_worker_that_lost_its_job_cannot_write_a_chunk_twice(desk: Desk, hire: Hire) -> None:
    """The slow worker's lock is gone, another one finishes, and then the slow one wants to commit."""
    reached, go_on = threading.Event(), threading.Event()

    def stand_still(start: int) -> None:
        if start == 10:
            reached.set()
            assert go_on.wait(20)

    job_id = enqueued(desk, to=30)
    slow_job = CountJob(before_effect=stand_still)
    slow = hire(slow_job)
    assert reached.wait(10)
    give_lock_away(slow, job_id)
    hire(CountJob())
    wait_until(is_in(desk, job_id, "done"), what="the job by the other worker")
    go_on.set()
    later = enqueued(desk, to=40)
    wait_until(is_in(desk, later, "done"), what="a later job")
    assert values(desk)[:30] == list(range(30)), "nothing twice"
    assert desk.one("SELECT count(*) FROM effects") == 70
    assert slow.crashed == [], "losing a job is no bug of the worker"


def give_lock_away(worker: Worker, job_id: UUID) -> None:
    """The worker's session loses the job's lock, as when a network between them breaks unseen."""
    with worker.engine.connect() as connection:
        held = connection.execute(
            text(
                "SELECT a.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
                "WHERE l.locktype = 'advisory' AND l.database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        ).scalars()
        for pid in set(held):
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    assert job_id


def test_two_workers_never_share_a_job(desk: Desk, hire: Hire) -> None:
    ids = [enqueued(desk, id_of("job", n), to=25) for n in range(8)]
    for _ in range(3):
        hire(CountJob(chunk=5))
    for job_id in ids:
        wait_until(is_in(desk, job_id, "done"), what="every job")
    assert desk.one("SELECT count(*) FROM effects") == 8 * 25
    assert desk.one("SELECT max(attempt) FROM jobs") == 1


def test_the_rate_is_what_was_done_in_a_second(desk: Desk, hire: Hire) -> None:
    job_id = enqueued(desk, to=10)
    assert found(desk, job_id)["rate"] is None
    hire(CountJob())
    wait_until(is_in(desk, job_id, "done"), what="the job")
    desk.change("UPDATE jobs SET started_at = finished_at - interval '2 seconds'")
    assert found(desk, job_id)["rate"] == 5


def test_an_unknown_job_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        found(desk, id_of("job", "unknown"))
