"""The working day of a simulated provider: take a list, think, answer, put the list away.

Of all its answers one is sent twice and one comes late. Which ones is decided by their order and written
down, so a restart does not change it. A list that was answered is not answered again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.outside.folders import ensure_folders, stop_event, watch, whole_or_nothing

SENT_TWICE = 1  # the second answer
SENT_LATE = 2  # the third
SEED = "fundtrail"
DELAY_S = 0.02
LATE_S = 2.0

Answer = Callable[[Path, Path, str], None]


class Unreadable(Exception):
    """A list that the provider cannot use."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the provider takes, ordinarily and for the late answer."""

    delay_s: float = DELAY_S
    late_s: float = LATE_S


class Provider:
    """Answers the lists in `inbox` with files in `outbox` and moves them to `done`, or to `refused`."""

    def __init__(
        self, folder: Path, suffix: str, answer: Answer, seed: str = SEED, pace: Pace | None = None
    ) -> None:
        self._inbox, self._outbox, self._done, self._refused = ensure_folders(
            folder, "inbox", "outbox", "done", "refused"
        )
        self._book = folder / "answered.json"
        self._suffix = suffix
        self._answer = answer
        self._seed = seed
        self._pace = pace or Pace()

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        watch(self._inbox, lambda path: self.take(path, stop), stop)

    def take(self, path: Path, stop: threading.Event) -> None:
        """One list: answered, refused, or left for the next start when told to stop while thinking."""
        answered = self._answered()
        if path.name not in answered:
            order = len(answered)
            if stop.wait(self._pace.late_s if order == SENT_LATE else self._pace.delay_s):
                return
            if not self._send(path, order):
                return
            self._write_book([*answered, path.name])
        shutil.move(path, self._done / path.name)

    def _send(self, path: Path, order: int) -> bool:
        result = self._outbox / f"{path.stem}-result{self._suffix}"
        try:
            with whole_or_nothing(result) as place:
                self._answer(path, place, self._seed)
        except Unreadable as fault:
            shutil.move(path, self._refused / path.name)
            (self._refused / f"{path.name}.txt").write_text(f"{fault}\n")
            return False
        if order == SENT_TWICE:
            with whole_or_nothing(result.with_name(f"{path.stem}-result-again{self._suffix}")) as place:
                shutil.copyfile(result, place)
        return True

    def _answered(self) -> list[str]:
        names: list[str] = json.loads(self._book.read_text()) if self._book.exists() else []
        return names

    def _write_book(self, names: list[str]) -> None:
        with whole_or_nothing(self._book) as place:
            place.write_text(json.dumps(names))


def run_provider(description: str | None, suffix: str, answer: Answer) -> None:
    """A provider's process, from its command line to the signal to end."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--folder", type=Path, required=True, help="holds inbox, outbox, done and refused")
    parser.add_argument("--seed", default=SEED, help="other seeds give other outcomes")
    parser.add_argument("--delay-s", type=float, default=DELAY_S, help="time taken for an answer")
    parser.add_argument("--late-s", type=float, default=LATE_S, help="time taken for the late answer")
    options = parser.parse_args()
    pace = Pace(options.delay_s, options.late_s)
    Provider(options.folder, suffix, answer, options.seed, pace).run(stop_event())
