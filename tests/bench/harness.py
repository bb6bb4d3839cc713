"""What a measurement is: laps taken side by side at three sizes, their medians, how they grow, what they owe.

A bench prepares its ground, then yields laps; ours and the limit it is held against are taken in the same
round, on the same ground, so that their ratio says more than either figure.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from tests.bench.pace import pace

if TYPE_CHECKING:
    from tests.bench.site import Site

SHARES = (16, 4, 1)  # of the full size: its sixteenth, its quarter, all of it
ROUNDS = 3
GROWTH_MAX = 1.15  # n log n from a sixteenth to all of 100,000 grows with an exponent of 1.1
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Lap:
    """One thing measured once. Units: `seconds`; of a single answer where `things` is 1."""

    name: str
    seconds: float
    things: int = 1


class Stopwatch:
    """Time gone by in its block. Units: seconds."""

    seconds = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """A stopwatch that stops at the end of the block."""
    watch, began = Stopwatch(), time.perf_counter_ns()
    yield watch
    watch.seconds = (time.perf_counter_ns() - began) / NANOSECONDS


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed. Bounds: at least one value; 0 < share <= 1."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a lap must reach: a rate, a time, a share of its limit.

    Units: `rate` things a second; `within` seconds; `ratio` of our rate to that of the lap `against`.
    """

    lap: str
    what: str
    things: str = ""
    rate: float | None = None
    within: float | None = None
    against: str | None = None
    ratio: float | None = None
    grows: bool = True  # whether its time is expected to grow with the size, and is watched


@dataclass(frozen=True, slots=True)
class Bench:
    """One bench: a name for ONLY=, its full size, how to take its laps, and what they must reach."""

    name: str
    size: int
    take: Callable[[Site, int, int], Iterator[Lap]]
    goals: tuple[Goal, ...]
    rounds: int = ROUNDS
    shares: tuple[int, ...] = SHARES


@dataclass(frozen=True, slots=True)
class Reading:
    """What a lap came to at one size: the median of its rounds."""

    size: int
    seconds: float
    things: int
    rounds: int

    @property
    def rate(self) -> float:
        """Things a second."""
        return self.things / self.seconds if self.seconds else math.inf


@dataclass(frozen=True, slots=True)
class Result:
    """All readings of one bench, smallest size first."""

    bench: Bench
    readings: Mapping[str, Sequence[Reading]] = field(default_factory=dict)
    pace: float = 0.0

    def full(self, lap: str) -> Reading:
        """The reading at the largest size that was taken."""
        return self.readings[lap][-1]

    def ratio(self, goal: Goal) -> float | None:
        """Our rate as a share of the limit's, both at the largest size; None without a limit."""
        if goal.against is None:
            return None
        return self.full(goal.lap).rate / self.full(goal.against).rate

    def growth(self, goal: Goal) -> float | None:
        """The exponent with which time grows from the smallest to the largest size; None for one size."""
        some = self.readings[goal.lap]
        first, last = some[0], some[-1]
        if not goal.grows or first.size == last.size or not first.seconds:
            return None
        return math.log(last.seconds / first.seconds) / math.log(last.size / first.size)

    def failures(self, goal: Goal) -> list[str]:
        """Every way in which the goal is missed, in words."""
        reading, ratio, growth = self.full(goal.lap), self.ratio(goal), self.growth(goal)
        found = []
        if goal.rate is not None and reading.rate < goal.rate:
            found.append(f"{reading.rate:,.0f} {goal.things}/s, wanted {goal.rate:,.0f}")
        if goal.within is not None and reading.seconds > goal.within:
            found.append(f"{reading.seconds:.3g} s, wanted {goal.within:.3g} s")
        if goal.ratio is not None and ratio is not None and ratio < goal.ratio:
            found.append(f"ratio {ratio:.2f}, wanted {goal.ratio:.2f}")
        if growth is not None and growth > GROWTH_MAX:
            found.append(f"grows with exponent {growth:.2f}")
        return found


def run(bench: Bench, site: Site, divisors: Sequence[int], rounds: int, say: Callable[[str], None]) -> Result:
    """The bench at each share of its size, the smallest first."""
    readings: dict[str, list[Reading]] = defaultdict(list)
    paces = [pace()]
    for divisor in divisors:
        size = max(bench.size // divisor, 1)
        laps: dict[str, list[Lap]] = defaultdict(list)
        for lap in bench.take(site, size, rounds):
            laps[lap.name].append(lap)
        for name, some in laps.items():
            seconds = median(lap.seconds for lap in some)
            readings[name].append(Reading(size, seconds, some[-1].things, len(some)))
            say(f"  {bench.name} 1/{divisor}: {name} {_shown(readings[name][-1])}")
        paces.append(pace())
    return Result(bench, dict(readings), median(paces))


def _shown(reading: Reading) -> str:
    if reading.things == 1:
        return f"{reading.seconds * 1000:,.2f} ms"
    return f"{reading.things:,} in {reading.seconds:,.2f} s = {reading.rate:,.0f}/s"
