"""A month computed for everybody, in a process of its own whose memory is looked at afterwards."""

from __future__ import annotations

import multiprocessing
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from services.beneficiaries.payroll import handlers
from services.beneficiaries.payroll.jobs import PayrollJob
from shared.db.engine import dedicated
from shared.db.unit_of_work import UnitOfWork
from shared.entry import spare_the_collector
from shared.jobs.runner import Runner
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.periods import Period
from tests.bench.harness import Bench, Goal, Lap, timed
from tests.bench.population import NOON, fill_register
from tests.bench.site import Site, engine_of

MEGABYTE = 1_000_000
KIBIBYTE = 1024


def take(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """The month of August 2024, for `size` persons."""
    for _ in range(rounds):
        with site.database("beneficiaries") as addresses:
            with (
                site.working(addresses) as unit_of_work,
                engine_of(addresses.owner, "bench") as owner,
                owner.connect() as connection,
            ):
                fill_register(unit_of_work, connection, size)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                seconds, bytes_ = pool.apply(compute, (addresses.service, size))
        yield Lap("ours", seconds, size)
        yield Lap("memory", bytes_ / MEGABYTE, 1)


def compute(url: str, size: int) -> tuple[float, int]:
    """The seconds that the run takes and the most memory that this process had. Units: seconds, bytes."""
    spare_the_collector()
    clock = FixedClock(NOON)
    with engine_of(url, "bench-jobs") as engine:
        unit_of_work = UnitOfWork(engine, clock)
        with unit_of_work.begin(Act("officer", NOON)) as work:
            handlers.begin_payroll(work, Period(2024, 8))
        with timed() as watch, dedicated(engine) as lock:
            Runner(unit_of_work, {handlers.KIND: PayrollJob(unit_of_work)})._run_one(
                lock, threading.Event(), lambda: None
            )
        with unit_of_work.reading() as connection:
            run = handlers.find_run(connection, Period(2024, 8))
    if run is None or run.state != "computed" or not size * 0.9 < run.payment_count < size:
        raise AssertionError(f"The month was not computed: {run}")
    return watch.seconds, most_memory()


def most_memory() -> int:
    """The most that this process had at any time. Units: bytes. (`getrusage` counts its parent's, too.)"""
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(peak[1]) * KIBIBYTE if peak else 0


GOALS = (
    Goal("ours", "payroll with 2 % late changes", "persons", within=20),
    Goal("memory", "most memory of the process, in units of 1 MB for 1 s", within=400, grows=False),
)
BENCHES = (
    Bench("payroll-200k", 200_000, take, GOALS),
    Bench(
        "payroll-1200k",
        1_200_000,
        take,
        (Goal("ours", "payroll of 1.2 million with 2 % late changes", "persons", within=120), GOALS[1]),
        rounds=1,
    ),
)
