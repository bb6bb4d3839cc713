"""One campaign: a province at work while something strikes it, and the verdict over what is left."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.oversight.databases import SERVICES
from shared.kernel.ids import new_id
from shared.testing.waiting import wait_until
from tests.bench import province as acts
from tests.bench.province import PROCESSES, Province
from tests.bench.site import engine_of
from tests.faults.clerk import Clerk
from tests.faults.crew import Crew, Cue, Who, at_work
from tests.faults.ground import Ground
from tests.faults.oracle import PATIENCE_S, Verdict, judge

WATCH_S = 0.02


@dataclass
class Outcome:
    """What a campaign came to."""

    verdict: Verdict
    crew: Crew
    clerk: Clerk
    seconds: float
    more: dict[str, object] = field(default_factory=dict)


def seed() -> int:
    """The seed of this run: the one that SEED= names, or another each time."""
    return int(os.environ.get("SEED") or time.time_ns() % 1_000_000)


def share_of(size: int) -> int:
    """The size of this run: the whole, or the part of it that DIVIDE= names."""
    return max(size // int(os.environ.get("DIVIDE") or 1), 1)


@contextlib.contextmanager
def province_of(ground: Ground, size: int, months: int = 12) -> Iterator[Province]:
    """A province of so many people with money for so many months, and its five databases."""
    with contextlib.ExitStack() as stack:
        databases = {name: stack.enter_context(ground.database(name)) for name in SERVICES}
        periods = [f"{acts.YEAR + number // 12}-{number % 12 + 1:02d}" for number in range(months)]
        province = Province(ground, size, databases, ground.folder / new_id().hex, periods=periods)
        for name in SERVICES:
            province.engines[name] = stack.enter_context(engine_of(databases[name].service, "faults"))
        with engine_of(databases["beneficiaries"].owner, "faults") as owner, owner.connect() as connection:
            acts.prepare(province, connection)
        yield province


def carry_out(
    province: Province,
    plans: dict[Who, Sequence[Cue]],
    more: Callable[[int, Crew], bool],
    strike: Callable[[Clerk, Crew], None] = lambda *_: None,
    **how: Any,  # noqa: ANN401 - the crew's and the clerk's ways
) -> Outcome:
    """Months go by until no more are wanted; `strike` is called again and again all the while."""
    began = time.monotonic()
    clerk = Clerk(province, lambda done: more(done, crew), how.get("pause_s", 0.0))
    crew = Crew(province, plans, clerk.unfinished, how.get("crew", PROCESSES))
    clerk.start()
    wait_until(lambda: clerk.working.is_set() or not clerk.is_alive(), PATIENCE_S, "the first month")
    with at_work(crew):
        try:
            while clerk.is_alive():
                crew.look()
                strike(clerk, crew)
                time.sleep(WATCH_S)
        finally:
            clerk.stopping.set()
            clerk.join()
        if clerk.failure is not None:
            raise clerk.failure
        verdict = judge(province, clerk.book)
    return Outcome(verdict, crew, clerk, time.monotonic() - began)


def say(line: str) -> None:
    """Show at once how far it is, where somebody looks."""
    sys.stderr.write(f"{line}\n")
