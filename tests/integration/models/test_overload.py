"""Five times as many requests as the API can answer: it does what it can, and turns the rest away."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.models.branch import Branch
from tests.integration.models.counter import Counter
from tests.integration.models.crowd import PURSES, Crowd
from tests.integration.models.money import fill

TIMES, HANDS, CROWD = 5, 16, 200
TO_WARM = 50
PATIENCE_S = 5.0
# Of what it can do with the processors that the crowd, on the same machine, leaves to it.
GOODPUT_MIN = 0.8


@dataclass(frozen=True)
class Rate:
    """Answers a second, and the share of the processors that those who asked left for them."""

    answers: float
    left: float

    @property
    def of_what_is_left(self) -> float:
        return self.answers / self.left

    def __str__(self) -> str:
        return f"{self.answers:.0f}/s with {self.left:.0%} of the processors"


class Watch:
    """How much of this machine's processors its clients take for themselves."""

    def __init__(self) -> None:
        self._began, self._spent = time.monotonic(), time.process_time()

    def left(self) -> float:
        wall = time.monotonic() - self._began
        return 1 - (time.process_time() - self._spent) / (wall * len(os.sched_getaffinity(0)))


def spent_by(served: Branch) -> float:
    """Seconds of processor time that the processes which answer have taken so far."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in served.workers()]
    return sum(int(one[11]) + int(one[12]) for one in stats) / os.sysconf("SC_CLK_TCK")


def measured(crowd: Crowd, count: int) -> Rate:
    """What the API can do."""
    watch = Watch()
    return Rate(crowd.at_once(HANDS, count), watch.left())


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("seconds", "to_measure"),
    [(0.2, 50), pytest.param(60, 2_000, marks=[pytest.mark.full, pytest.mark.alone])],
)
def test_too_many_requests_lose_nothing_that_was_acknowledged(
    counter: Counter, served: Branch, seconds: float, to_measure: int
) -> None:
    fill(counter.house, PURSES)
    crowd, few = Crowd(served), Crowd(served)
    few.numbers = crowd.numbers
    few.at_once(HANDS, TO_WARM)
    spent, warm = spent_by(served), len(few.told)
    before = measured(few, to_measure)
    served.patience_s = PATIENCE_S
    cost_of_few = (spent_by(served) - spent) / (len(few.told) - warm)
    watch, spent = Watch(), spent_by(served)
    asked = crowd.press(CROWD, TIMES * before.answers, seconds)
    many = Rate(crowd.statuses()[200] / seconds, watch.left())
    cost = (spent_by(served) - spent) / max(crowd.statuses()[200], 1)
    after = measured(few, to_measure)
    capacity = (before.of_what_is_left + after.of_what_is_left) / 2
    print(  # noqa: T201 - the figures of a run
        f"{before}, {after}; {asked} asked in {seconds} s; answered {dict(crowd.statuses())}, unheard "
        f"{len(crowd.unheard)}; {many}: {many.of_what_is_left / capacity:.0%}; processor time of the API for "
        f"each that was done: {1_000 * cost_of_few:.2f} ms among few, {1_000 * cost:.2f} ms in the crowd"
    )
    assert set(few.statuses()) == {200}, "so few are nobody's too much, neither before nor afterwards"
    assert set(crowd.statuses()) <= {200, 429}
    crowd.ensure_told_the_truth(counter.house)
    if seconds > 1:
        assert crowd.statuses()[429] > asked / 2, "nobody was asked for too much"
        assert not crowd.unheard
        assert many.of_what_is_left >= GOODPUT_MIN * capacity
