"""Steady work for minutes, or for as many as SOAK= says: nothing grows that should not."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.bench.province import Province
from tests.faults import report
from tests.faults.campaign import PERIODS, carry_out, province_of, say, seed, share_of
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

PEOPLE = 5_000  # for a month of five minutes' soak; about a fifth of what the machine can do
MONTHS = 10
ACTS = 72  # of a month
SHARE_OF_ACTS = 0.6  # of a month's time; the rest is left to what follows from them
WARM_S = 60.0
GROWTH_MAX = 1.05
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
            self.rss_kib[" ".join(hand.who)].append((now, resident_kib(hand.process.pid)))
        with self._province.site.server.connect() as connection:
            for name, count in connection.execute(SESSIONS).fetchall():
                self.sessions[str(name)].append((now, int(str(count))))

    def growth(self) -> dict[str, float]:
        """For each process, its memory in the last half minute as a multiple of that after the first one."""
        return {
            name: median(rss for at, rss in some if at > some[-1][0] - 30)
            / median(rss for at, rss in some if WARM_S < at < WARM_S + 30)
            for name, some in self.rss_kib.items()
        }

    def more_sessions(self) -> dict[str, int]:
        """For each process, by how many sessions its highest number in the end exceeds that before."""
        return {
            name: max(count for at, count in some if at > some[-1][0] - 30)
            - max(count for at, count in some if at < WARM_S + 30)
            for name, some in self.sessions.items()
        }


def resident_kib(pid: int) -> int:
    """The memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def test_steady_work_grows_no_memory_and_leaks_no_session(ground: Ground) -> None:
    number, people = seed(), share_of(PEOPLE)
    minutes = MINUTES if people == PEOPLE else 2.5
    month_s = minutes * 60 / MONTHS
    began = time.monotonic()

    def more(done: int, _: Crew) -> bool:
        while done and time.monotonic() < began + done * month_s:
            time.sleep(0.1)
        return done < MONTHS

    with province_of(ground, people, len(PERIODS)) as province:
        meter = Meter(province)
        outcome = carry_out(province, {}, more, meter.look, pause_s=month_s * SHARE_OF_ACTS / ACTS)
    growth, sessions = meter.growth(), meter.more_sessions()
    say(f"memory {growth}, sessions {sessions}")
    outcome.more = {"growth": {name: round(value, 3) for name, value in growth.items()}, "sessions": sessions}
    report.keep(report.row_of(f"{minutes:.0f} minutes of steady work", number, outcome, 0, None))
    outcome.verdict.ensure_clean()
    assert {name: value for name, value in growth.items() if value > GROWTH_MAX} == {}
    assert {name: value for name, value in sessions.items() if value > 0} == {}
