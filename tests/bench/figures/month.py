"""A month from approval to a signed checkpoint: the services' own processes and a real Kafka."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from shared.journal.relay import topics_of
from shared.kernel.ids import new_id
from tests.bench import province as acts
from tests.bench.harness import Bench, Goal, Lap
from tests.bench.province import PROCESSES, ROOT, Province
from tests.bench.site import Site, engine_of

STEP_TIMEOUT_S = 900
LOOK_EVERY_S = 0.1
SERVICES = ("allocation", "beneficiaries", "audit")
CREW = (*PROCESSES, ("beneficiaries", "jobs"))  # two of them, as docs/operations.md advises for two cores


@dataclass
class Month(Province):
    """A province whose way through one month is timed step by step."""

    laps: list[Lap] = field(default_factory=list)

    def until(self, name: str, began: float, done: Callable[[], bool]) -> None:
        """Note how long a step took, once it is done."""
        deadline = time.monotonic() + STEP_TIMEOUT_S
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} did not end within {STEP_TIMEOUT_S} s.")
            time.sleep(LOOK_EVERY_S)
        self.laps.append(Lap(name, time.monotonic() - began, self.size))


def take(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """The whole way of `size` payments, each step with its time."""
    for _ in range(rounds):
        with contextlib.ExitStack() as stack:
            databases = {name: stack.enter_context(site.database(name)) for name in SERVICES}
            month = Month(site, size, databases, site.folder / new_id().hex)
            for name in SERVICES:
                month.engines[name] = stack.enter_context(engine_of(databases[name].service, "bench"))
            with engine_of(databases["beneficiaries"].owner, "bench") as owner, owner.connect() as connection:
                acts.prepare(month, connection)
                acts.compute(month, connection)
                content = acts.answer_to(connection)
            stack.callback(forget_topics, site)
            stack.enter_context(running(month))
            began = time.monotonic()
            pass_through(month, content)
            yield from month.laps
            yield Lap("all", time.monotonic() - began, size)


@contextlib.contextmanager
def running(month: Month) -> Iterator[None]:
    """The services' processes, each as it runs in production."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"services.{service}", role], env=month.environment(service), cwd=ROOT
        )
        for service, role in CREW
    ]
    try:
        month.until("started", time.monotonic(), lambda: acts.logged(month))
        month.laps.clear()
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def pass_through(month: Month, content: bytes) -> None:
    """The steps in their order."""
    began = time.monotonic()
    for list_id in acts.ids(month):
        acts.submit(month, list_id)
        acts.approve(month, list_id)
    month.until("approved_and_held", began, lambda: month.all_lists_are("held"))
    began = time.monotonic()
    for withdrawal_id in acts.requested(month):
        acts.confirm(month, withdrawal_id)
    month.until("drawn_and_instructed", began, lambda: month.all_lists_are("instructed"))
    began = time.monotonic()
    acts.upload(month, content)
    told = "SELECT count(*) FROM statements WHERE state = 'told'"
    month.until("reconciled_and_told", began, lambda: month.count("beneficiaries", told) == 1)
    began = time.monotonic()
    for list_id in acts.ids(month):
        acts.close(month, list_id)
    month.until("posted_and_closed", began, lambda: month.all_lists_are("closed"))
    began = time.monotonic()
    month.until("in_a_signed_checkpoint", began, lambda: acts.signed(month))


def forget_topics(site: Site) -> None:
    """The next run begins with empty topics."""
    names = [topic for name in (*SERVICES, "notifications", "portal") for topic in topics_of(name)]
    with site.kafka("bench-month") as bus:
        bus.delete_topics(names)


STEPS = (
    "approved_and_held",
    "drawn_and_instructed",
    "reconciled_and_told",
    "posted_and_closed",
    "in_a_signed_checkpoint",
)
BENCHES = (
    Bench(
        "month",
        1_200_000,
        take,
        (
            Goal("all", "a month, approved to signed checkpoint", "payments", within=90),
            *(Goal(step, f"of which {step.replace('_', ' ')}", "payments", grows=False) for step in STEPS),
        ),
        rounds=1,
    ),
)
