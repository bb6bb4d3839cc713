"""The processes of a province, kept running as the launcher keeps them; some kill themselves by a plan."""

from __future__ import annotations

import json
import random
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from deploy.local.spawn import Program, spawn, stop, tail
from tests.bench.province import PROCESSES, ROOT, Province
from tests.faults.crashing import OCCURRENCE_MAX, OCCURRENCE_MAX_ELSE, POINTS

KILLED = -9
STOP_TIMEOUT_S = 40.0
ENDING = (signal.SIGTERM, signal.SIGKILL)

Who = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Cue:
    """Where a process dies: at which point, and at which time it comes there."""

    point: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.point}:{self.occurrence}"


@dataclass(slots=True)
class Kill:
    """One kill -9 while work was unfinished. Units: `back_s` seconds until the process was back at work."""

    who: Who
    point: str
    at: float
    back_s: float | None = None


@dataclass(slots=True)
class Hand:
    """One process of the crew and what lies before it."""

    who: Who
    report: Path
    log: Path
    plan: deque[Cue] = field(default_factory=deque)
    process: Popen[bytes] | None = None
    kill: Kill | None = None
    read: int = 0
    struck_at: float | None = None
    leaving: bool = False  # it was told to go, or was killed for good

    def news(self) -> Iterator[dict[str, str]]:
        """What the process wrote down since it was asked last."""
        if self.report.exists():
            lines = self.report.read_text().splitlines()
            yield from map(json.loads, lines[self.read :])
            self.read = len(lines)


class DiedByItself(AssertionError):
    """A process ended that nobody had struck."""


class Crew:
    """Starts every process, restarts what died by its plan, and tells of every kill that counted."""

    def __init__(
        self,
        province: Province,
        plans: dict[Who, Sequence[Cue]],
        unfinished: Callable[[], bool],
        crew: Sequence[Who] = PROCESSES,
    ) -> None:
        self._province = province
        self._unfinished = unfinished
        self.kills: list[Kill] = []
        self.idle_kills = 0
        province.folder.mkdir(parents=True, exist_ok=True)
        self._struck = bool(plans)
        self.hands: list[Hand] = []
        for who in crew:
            self.hands.append(self._hand(who))
            self.hands[-1].plan.extend(plans.get(who, ()))

    def _hand(self, who: Who) -> Hand:
        name = f"{'-'.join(who)}-{len(self.hands)}"
        return Hand(who, self._province.folder / f"{name}.report", self._province.folder / f"{name}.log")

    @property
    def plans_are_done(self) -> bool:
        """Whether every planned kill has happened."""
        return all(not hand.plan for hand in self.hands)

    def start(self) -> None:
        """Every process runs."""
        for hand in self.hands:
            self._begin(hand)

    def join(self, who: Who) -> Hand:
        """One more process, which runs."""
        self.hands.append(self._hand(who))
        self._begin(self.hands[-1])
        return self.hands[-1]

    def send(self, hand: Hand, number: signal.Signals) -> None:
        """A signal to a process; whoever is to end by it is not missed."""
        assert hand.process is not None
        hand.leaving = hand.leaving or number in ENDING
        hand.process.send_signal(number)

    def present(self, who: Who) -> list[Hand]:
        """The processes of a service that are there and were not told to go."""
        return [hand for hand in self.hands if hand.who == who and not hand.leaving]

    def look(self) -> None:
        """Whoever died by the plan begins again at once. Raises: DiedByItself for all others."""
        for hand in self.hands:
            if hand.process is not None and hand.process.poll() is None:
                self._read(hand)
            if hand.process is not None and hand.process.poll() is not None and not hand.leaving:
                self._after_death(hand)

    def stop(self) -> dict[Who, int]:
        """The exit status of every process that was asked to end."""
        statuses = {}
        for hand in self.hands:
            if hand.process is not None:
                stop(hand.process, signal.SIGTERM, STOP_TIMEOUT_S)
                statuses[hand.who] = hand.process.returncode
                hand.process = None
        return statuses

    def _begin(self, hand: Hand) -> None:
        service, role = hand.who
        environment = self._province.environment(service)
        argv = [sys.executable, "-m", f"services.{service}", role]
        if self._struck:
            argv = [sys.executable, "-m", "tests.faults.crashing", service, role]
            cue = str(hand.plan[0]) if hand.plan else ""
            environment |= {"CRASH_AT": cue, "CRASH_REPORT": str(hand.report)}
            environment["FUNDTRAIL_MEMBER"] = hand.log.stem  # as the launcher says
        hand.process = spawn(Program(tuple(argv), hand.log, environment, folder=ROOT))

    def _after_death(self, hand: Hand) -> None:
        assert hand.process is not None
        self._read(hand)
        if hand.process.returncode != KILLED or hand.struck_at is None:
            name = " ".join(hand.who)
            raise DiedByItself(f"{name} ended with {hand.process.returncode}:\n{tail(hand.log, 40)}")
        cue = hand.plan.popleft()
        if self._unfinished():
            hand.kill = Kill(hand.who, cue.point, hand.struck_at)
            self.kills.append(hand.kill)
        else:
            self.idle_kills += 1
            hand.plan.append(cue)
        hand.struck_at = None
        self._begin(hand)

    @staticmethod
    def _read(hand: Hand) -> None:
        """Note whether the process is back at work, and whether it has announced its death."""
        for one in hand.news():
            if one["event"] == "struck":
                hand.struck_at = float(one["at"])
            elif hand.kill is not None and hand.kill.back_s is None:
                hand.kill.back_s = float(one["at"]) - hand.kill.at


@contextmanager
def at_work(crew: Crew) -> Iterator[Crew]:
    """The crew runs in the block and has ended behind it."""
    try:
        crew.start()
        yield crew
    finally:
        crew.stop()


def plan(seed: int, each: dict[Who, int]) -> dict[Who, list[Cue]]:
    """For each process, each of its points so many times, in an order and at times that the seed gives."""
    dice = random.Random(seed)
    drawn = {}
    for who, times in each.items():
        cues = [
            Cue(point, dice.randint(1, OCCURRENCE_MAX.get(point, OCCURRENCE_MAX_ELSE)))
            for point in POINTS[who]
            for _ in range(times)
        ]
        dice.shuffle(cues)
        drawn[who] = cues
    return drawn
