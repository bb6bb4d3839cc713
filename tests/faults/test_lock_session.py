"""A job's lock session that breaks between two chunks: its process goes on, as after any broken line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from deploy.local.provisioning import Addresses
from shared.kernel.clock import FixedClock
from shared.testing.waiting import wait_until
from tests.integration.shared.conftest import NOON, Desk, _with_table
from tests.integration.shared.jobs.test_runner import CountJob, Worker, enqueued, found

CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture
def desk(database: Callable[[str], Addresses]) -> Iterator[Desk]:
    made = _with_table(Desk(database("beneficiaries"), FixedClock(NOON)))
    yield made
    for engine in made.opened:
        engine.dispose()


def test_a_lock_session_that_breaks_between_chunks_ends_neither_the_job_nor_its_process(desk: Desk) -> None:
    def cut(start: int) -> None:
        if start == 10:
            with desk.service.connect() as own:  # a role may end its own sessions only
                own.execute(text(CUT))

    job_id = enqueued(desk, to=50)
    worker = Worker(desk, CountJob(after_effect=cut))
    try:
        wait_until(lambda: worker.crashed or found(desk, job_id)["state"] == "done", 20, "the job's end")
        assert worker.crashed == []
    finally:
        worker.stop.set()
        worker.thread.join(20)
    assert desk.rows("SELECT count(*), sum(value) FROM effects")[0] == (50, 49 * 25)
