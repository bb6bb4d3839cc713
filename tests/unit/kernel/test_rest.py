from __future__ import annotations

import threading

import pytest

from shared.kernel.rest import Rest


class Watch(threading.Event):
    """An event that nobody sets, and on which nobody waits: what was asked for is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.asked.append(timeout)
        return False


def test_each_pause_is_half_as_long_again_up_to_the_longest() -> None:
    rest, watch = Rest(0.2, 0.5), Watch()
    taken = [rest.take(watch) for _ in range(5)]
    assert taken == watch.asked
    assert taken == pytest.approx([0.2, 0.3, 0.45, 0.5, 0.5])


def test_work_has_no_pause_after_it_and_the_next_one_is_the_shortest() -> None:
    rest, watch = Rest(0.2, 0.5), Watch()
    for worked in (False, False, False, True, False, False):
        rest.after(watch, worked=worked)
    assert watch.asked == pytest.approx([0.2, 0.3, 0.45, 0.2, 0.3])


def test_who_is_told_to_stop_does_not_rest() -> None:
    stop = threading.Event()
    stop.set()
    Rest(3_600.0, 3_600.0).take(stop)  # else the test would not end in its time
