"""Stopping a server again and again at moments that a seed gives, and seeing the whole chain come back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from shared.kernel.errors import Unavailable
from tests.bench.province import Province
from tests.faults.clerk import Clerk

GAP_S = (0.5, 3.0)  # work goes on for so long before the next strike
TAKEN = "SELECT coalesce(sum(taken), 0) FROM log_sources"


class Striker:
    """Strikes a server while work is unfinished; it is back when a new row has come into the log."""

    def __init__(
        self,
        province: Province,
        seed: int,
        times: int,
        strike: Callable[[], None],
        start: Callable[[], None],
    ) -> None:
        self._province = province
        self._dice = random.Random(seed)
        self._times = times
        self._strike = strike
        self._start = start
        self._due = self._next()
        self._struck_at: float | None = None
        self._taken = 0
        self.strikes = 0
        self.back_s: list[float] = []

    @property
    def done(self) -> bool:
        """Whether the last strike is over."""
        return self.strikes >= self._times and self._struck_at is None

    def look(self, clerk: Clerk, _: object) -> None:
        """Strike when it is time, and note when everything is back at work."""
        if self._struck_at is not None:
            self._see_whether_it_is_back(clerk)
        elif self.strikes < self._times and time.monotonic() > self._due and clerk.unfinished():
            self._struck_at = time.monotonic()
            self._strike()
            self._start()
            self.strikes += 1
            self._taken = self._province.count("audit", TAKEN)

    def _see_whether_it_is_back(self, clerk: Clerk) -> None:
        assert self._struck_at is not None
        try:
            grown = self._province.count("audit", TAKEN) > self._taken
        except Unavailable:
            return
        if grown:
            self.back_s.append(time.monotonic() - self._struck_at)
        if grown or not clerk.unfinished():
            self._struck_at, self._due = None, self._next()

    def _next(self) -> float:
        return time.monotonic() + self._dice.uniform(*GAP_S)
