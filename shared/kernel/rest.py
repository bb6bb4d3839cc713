"""How long a loop waits that finds nothing to do: the longer, the longer there was nothing."""

from __future__ import annotations

import threading

GROWTH = 1.5


class Rest:
    """The pauses of one loop, from the shortest to the longest, each half as long again as the one before."""

    def __init__(self, shortest_s: float, longest_s: float) -> None:
        self._shortest_s = shortest_s
        self._longest_s = longest_s
        self._next_s = shortest_s

    def over(self) -> None:
        """There was work: the next pause is the shortest again."""
        self._next_s = self._shortest_s

    def after(self, stop: threading.Event, *, worked: bool) -> None:
        """One round is over: no pause where it did something, else one."""
        if worked:
            self.over()
        else:
            self.take(stop)

    def take(self, stop: threading.Event) -> float:
        """The seconds of this pause, which a set `stop` ends at once."""
        taken_s = self._next_s
        stop.wait(taken_s)
        self._next_s = min(taken_s * GROWTH, self._longest_s)
        return taken_s
