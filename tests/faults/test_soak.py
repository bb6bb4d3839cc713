"""Steady work for minutes, or for as many as SOAK= says: nothing grows that should not."""

from __future__ import annotations

import math
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import pytest

from tests.bench.harness import percentile
from tests.bench.province import Province
from tests.faults import report
from tests.faults.campaign import carry_out, province_of, say, seed, share_of
from tests.faults.clerk import Clerk
from tests.faults.crew import Crew
from tests.faults.ground import Ground, open_ground

MINUTES = float(os.environ.get("SOAK") or 5)
pytestmark = [
    pytest.mark.kafka,
    pytest.mark.full,
    pytest.mark.alone,
    pytest.mark.timeout(int(MINUTES * 120) + 600),
]

PEOPLE = 5_000  # of a month; about a fifth of what the machine can do
MONTH_S = 30.0
ACTS = 72  # of a month
SHARE_OF_ACTS = 0.6  # of a month's time; the rest is left to what follows from them
WARM_S = 60.0
LOOK_S = 30.0  # at memory and sessions, when it is warm and in the end
GROWTH_MAX = 1.05
HOUR = 60  # from here on the slowest acts are compared: before, a hundredth of them is a handful
SLOWER_MAX = 1.2
# What a process can use at one time: one of each loop and of its signs of life, and one for a lock.
SESSIONS_MAX = {"allocation-worker": 4, "beneficiaries-worker": 4, "beneficiaries-jobs": 3, "audit-worker": 6}
SESSIONS = """
    SELECT application_name, count(*) FROM pg_stat_activity
    WHERE application_name ~ '-(worker|jobs)$' GROUP BY 1
"""


@pytest.fixture
def ground() -> Iterator[Ground]:
    with open_ground() as made:
        yield made


class Meter:
    """Reads memory and database sessions of every process once a second."""

    def __init__(self, province: Province) -> None:
        self._province = province
        self._began = time.monotonic()
        self._due = 0.0
        self.rss_kib: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self.sessions: dict[str, list[tuple[float, int]]] = defaultdict(list)

    def look(self, _: Clerk, crew: Crew) -> None:
        """One reading, when it is time."""
        now = time.monotonic() - self._began
        if now < self._due:
            return
        self._due = now + 1
        for hand in crew.hands:
            assert hand.process is not None
            self.rss_kib["-".join(hand.who)].append((now, resident_kib(hand.process.pid)))
        with self._province.site.server.connect() as connection:
            for name, count in connection.execute(SESSIONS).fetchall():
                self.sessions[str(name)].append((now, int(str(count))))

    def growth(self) -> dict[str, float]:
        """For each process, its memory in the last half minute as a multiple of that after the first one."""
        return {
            name: median(rss for at, rss in some if at > some[-1][0] - LOOK_S)
            / median(rss for at, rss in some if WARM_S < at < WARM_S + LOOK_S)
            for name, some in self.rss_kib.items()
        }

    def course(self) -> dict[str, list[tuple[int, int]]]:
        """For each process, its memory in KiB and its sessions, some ten times on the way."""
        found = {}
        for name, read in self.rss_kib.items():
            both = [(rss, count) for (_, rss), (_, count) in zip(read, self.sessions[name], strict=False)]
            found[name] = both[:: max(len(both) // 10, 1)]
        return found

    def most_sessions(self) -> dict[str, int]:
        """For each process, the most sessions that it has had at one time."""
        return {name: max(count for _, count in some) for name, some in self.sessions.items()}


def resident_kib(pid: int) -> int:
    """The memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def slowest(moves: Sequence[tuple[float, float]], after: float, before: float) -> float:
    """The time that 99 of a hundred acts begun between two moments keep to, in seconds."""
    return percentile([took for began, took in moves if after <= began < before], 0.99)


def test_steady_work_grows_no_memory_and_leaks_no_session(ground: Ground) -> None:
    number, people = seed(), share_of(PEOPLE)
    minutes = MINUTES if people == PEOPLE else 2.5
    months = math.ceil(minutes * 60 / MONTH_S)
    began = time.monotonic()

    def more(done: int, _: Crew) -> bool:
        while done and time.monotonic() < began + done * MONTH_S:
            time.sleep(0.1)
        return done < months

    with province_of(ground, people, months) as province:
        meter = Meter(province)
        outcome = carry_out(province, {}, more, meter.look, pause_s=MONTH_S * SHARE_OF_ACTS / ACTS)
    growth, sessions = meter.growth(), meter.most_sessions()
    moves = outcome.clerk.book.moves
    first, last = moves[0][0] + WARM_S, moves[-1][0]
    third = (last - first) / 3
    slower = slowest(moves, last - third, last) / slowest(moves, first, first + third)
    say(f"memory {growth}, sessions {sessions}, slowest acts {slower:.2f} of what they were")
    outcome.more = {
        "growth": {name: round(value, 3) for name, value in growth.items()},
        "sessions": sessions,
        "course": meter.course(),
        "acts": len(moves),
        "slower": round(slower, 2),
    }
    report.keep(report.row_of(f"{minutes:.0f} minutes of steady work", number, outcome, 0, None))
    outcome.verdict.ensure_clean()
    assert {name: value for name, value in growth.items() if value > GROWTH_MAX} == {}
    assert {name: value for name, value in sessions.items() if value > SESSIONS_MAX[name]} == {}
    assert minutes < HOUR or slower <= SLOWER_MAX
