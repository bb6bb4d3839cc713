"""What the launcher says while it works: one line per step, with the time since the start."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TextIO


class Progress:
    """Writes lines; a step says when it begins and how long it took."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._started_at = clock()
        self.seconds: dict[str, float] = {}

    def say(self, text: str) -> None:
        """One line, at once."""
        self._out.write(f"{self.elapsed_s():7.1f} s  {text}\n")
        self._out.flush()

    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started_at

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A line before and a line after, unless the step fails."""
        self.say(f"{name} ...")
        began = self._clock()
        yield
        self.took(name, self._clock() - began)

    def took(self, name: str, seconds: float) -> None:
        """The line that ends a step."""
        self.seconds[name] = round(seconds, 2)
        self.say(f"{name}: ready in {seconds:.1f} s")
