"""Resumable jobs: each chunk commits its effect together with the job's checkpoint, under a fence.

A job is held by an advisory lock on a connection of its own, so a killed worker frees it at once. The
fence (`checkpoint = the one I read and attempt = mine`) keeps a worker that lost its lock from writing a
chunk twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Connection, Row, insert, literal, select, text, update
from sqlalchemy.exc import OperationalError

from shared.db.engine import dedicated
from shared.db.unit_of_work import UnitOfWork, Work
from shared.jobs.tables import job_faults, jobs
from shared.kernel.acts import Act
from shared.kernel.errors import Fault, Rejected, Unavailable
from shared.kernel.ids import new_id

POLL_S = 0.2
RETRY_S = 1.0
ATTEMPTS_MAX = 20
CANDIDATES_MAX = 20

log = structlog.get_logger(__name__)


class Fenced(Exception):
    """Another worker has taken this job over; what this one was about to commit is rolled back."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one chunk came to: where to go on, how much is done, whether that was all."""

    checkpoint: Any
    done: int
    total: int | None
    finished: bool
    faults: Sequence[Fault] = ()
    result: Mapping[str, Any] | None = None


class Job(Protocol):
    """One kind of long work."""

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        """Do the chunk that follows the checkpoint (None at first) inside the given unit of work."""


def enqueue(work: Work, kind: str, params: Mapping[str, Any], job_id: UUID | None = None) -> UUID:
    """The id of a job that a runner will begin once this unit of work is committed."""
    identity = job_id or new_id()
    act = asdict(work.act) | {
        "occurred_at": work.act.occurred_at.isoformat(),
        "correlation": work.act.correlation,
    }
    work.connection.execute(insert(jobs).values(id=identity, kind=kind, params=dict(params), act=act))
    return identity


class Runner:
    """Runs one job at a time, the oldest first."""

    def __init__(self, unit_of_work: UnitOfWork, kinds: Mapping[str, Job]) -> None:
        self._unit_of_work = unit_of_work
        self._kinds = kinds

    def run(self, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Run jobs until `stop` is set."""
        while not stop.is_set():
            beat()
            try:
                with dedicated(self._unit_of_work.engine) as lock:
                    while not stop.is_set():
                        beat()
                        if not self._run_one(lock, stop, beat):
                            stop.wait(POLL_S)
            except (Unavailable, OperationalError) as error:
                log.warning("jobs_wait", cause=str(error).splitlines()[0])
                stop.wait(RETRY_S)

    def _run_one(self, lock: Connection, stop: threading.Event, beat: Callable[[], None]) -> bool:
        candidates = lock.execute(
            select(jobs.c.id)
            .where(jobs.c.state.in_(["queued", "running"]), jobs.c.kind.in_(list(self._kinds)))
            .order_by(jobs.c.created_at, jobs.c.id)
            .limit(CANDIDATES_MAX)
        ).scalars()
        for job_id in candidates:
            if _lock(lock, job_id):
                try:
                    self._work_through(lock, job_id, stop, beat)
                finally:
                    _unlock(lock, job_id)
                return True
        return False

    def _work_through(
        self, lock: Connection, job_id: UUID, stop: threading.Event, beat: Callable[[], None]
    ) -> None:
        attempt = self._claim(job_id)
        log.info("job_taken", job=str(job_id), attempt=attempt)
        while attempt and not stop.is_set():
            lock.execute(text("SELECT 1"))  # keeps the session, and with it the lock, alive
            beat()
            try:
                if self._chunk(job_id, attempt):
                    return
            except Fenced:
                log.warning("job_lost", job=str(job_id), attempt=attempt)
                return
            except Rejected as refusal:
                self._fail(job_id, attempt, f"{refusal.code}: {refusal.message}", refusal.faults)
                return

    def _claim(self, job_id: UUID) -> int:
        with self._unit_of_work.begin(self._own_act()) as work:
            attempt = work.connection.scalar(
                update(jobs)
                .where(jobs.c.id == job_id, jobs.c.state.in_(["queued", "running"]))
                .values(attempt=jobs.c.attempt + 1, state="running", started_at=work.now)
                .returning(jobs.c.attempt)
            )
        if attempt and attempt > ATTEMPTS_MAX:
            self._fail(job_id, attempt, f"begun {ATTEMPTS_MAX} times without reaching its end", ())
            return 0
        return int(attempt or 0)

    def _chunk(self, job_id: UUID, attempt: int) -> bool:
        with self._unit_of_work.begin(self._own_act()) as work:
            row = work.connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
            if row.state != "running" or row.attempt != attempt:
                raise Fenced(str(job_id))
            job_work = work.under(_act(row.act))
            progress = self._kinds[row.kind].step(job_work, row.params, row.checkpoint)
            self._save(work, row, attempt, progress)
            return progress.finished

    def _save(self, work: Work, row: Row[Any], attempt: int, progress: Progress) -> None:
        saved = work.connection.execute(
            update(jobs)
            .where(jobs.c.id == row.id, jobs.c.attempt == attempt, _at(row.checkpoint))
            .values(
                checkpoint=progress.checkpoint,
                done=progress.done,
                total=progress.total,
                faults=jobs.c.faults + len(progress.faults),
                state="done" if progress.finished else "running",
                result=dict(progress.result) if progress.result is not None else None,
                finished_at=work.now if progress.finished else None,
            )
        )
        if saved.rowcount != 1:
            raise Fenced(str(row.id))
        _keep_faults(work.connection, row.id, progress.faults)

    def _fail(self, job_id: UUID, attempt: int, failure: str, faults: Sequence[Fault]) -> None:
        log.error("job_failed", job=str(job_id), failure=failure)
        with self._unit_of_work.begin(self._own_act()) as work:
            work.connection.execute(
                update(jobs)
                .where(jobs.c.id == job_id, jobs.c.attempt == attempt)
                .values(
                    state="failed", failure=failure, finished_at=work.now, faults=jobs.c.faults + len(faults)
                )
            )
            _keep_faults(work.connection, job_id, faults)

    def _own_act(self) -> Act:
        return Act.system("jobs", self._unit_of_work.clock.now())


def _at(checkpoint: Any) -> ColumnElement[bool]:  # noqa: ANN401 - whatever the job left
    column = jobs.c.checkpoint
    return column.is_(None) if checkpoint is None else column == literal(checkpoint, column.type)


def _keep_faults(connection: Connection, job_id: UUID, faults: Sequence[Fault]) -> None:
    if faults:
        connection.execute(
            insert(job_faults),
            [
                {
                    "job_id": job_id,
                    "row": fault.row,
                    "column_name": fault.column,
                    "code": fault.code,
                    "message": fault.message,
                    "value": fault.value,
                }
                for fault in faults
            ],
        )


def _lock(connection: Connection, job_id: UUID) -> bool:
    query = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
    return bool(connection.scalar(query, {"name": f"job|{job_id}"}))


def _unlock(connection: Connection, job_id: UUID) -> None:
    if connection.invalidated:
        return  # the session broke, and its locks ended with it
    query = text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")
    connection.execute(query, {"name": f"job|{job_id}"})


def _act(stored: Mapping[str, Any]) -> Act:
    return Act(**{**stored, "occurred_at": datetime.fromisoformat(stored["occurred_at"])})
