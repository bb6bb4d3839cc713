"""Processes that stand still and wake up as ghosts, and groups that never come to rest."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator

import pytest

from tests.bench.province import PROCESSES, Province
from tests.faults import report
from tests.faults.campaign import carry_out, province_of, say, seed, share_of
from tests.faults.clerk import Clerk
from tests.faults.crew import Crew, Hand
from tests.faults.ground import Ground, open_ground

pytestmark = [pytest.mark.kafka, pytest.mark.full, pytest.mark.timeout(900)]

PEOPLE = 5_000
ASLEEP_S = 14.0  # the session of a member of a group ends after ten seconds
GHOSTS = 4
CHURN_S = 120.0
CHURN_EVERY_S = 2.0
MEMBERS = (("allocation", "worker"), ("beneficiaries", "worker"))
MEMBERS_MAX = 3
LOCKS = """
    SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON d.oid = database
    WHERE locktype = 'advisory' AND datname = %s AND objid = hashtext('relay')::bigint & 4294967295
"""


@pytest.fixture
def ground() -> Iterator[Ground]:
    with open_ground() as made:
        yield made


class Sleep:
    """Sends a worker to sleep until its group and its relay's lock have passed to the other one."""

    def __init__(self, province: Province, number: int, times: int) -> None:
        self._province = province
        self._dice = random.Random(number)
        self.left = times
        self._asleep: list[Hand] = []
        self._until = time.monotonic() + 2

    def look(self, clerk: Clerk, crew: Crew) -> None:
        """Fall asleep, take the lock away, and wake up when nobody expects it any more."""
        if time.monotonic() < self._until:
            return
        if self._asleep:
            for hand in self._asleep:
                crew.send(hand, signal.SIGCONT)
            self._asleep, self._until = [], time.monotonic() + self._dice.uniform(1, 3)
        elif self.left and clerk.unfinished():
            self.left -= 1
            self._asleep = [self._dice.choice(crew.present(who)) for who in MEMBERS]
            for hand in self._asleep:
                crew.send(hand, signal.SIGSTOP)
            self._until = time.monotonic() + ASLEEP_S
            self._take_locks()

    @property
    def done(self) -> bool:
        """Whether everybody is awake for good."""
        return not (self.left or self._asleep)

    def _take_locks(self) -> None:
        """Another relay takes over, as after a line that broke: the sleeper knows nothing of it."""
        with self._province.site.server.connect() as connection:
            for service, _ in MEMBERS:
                name = self._province.databases[service].service.rsplit("/", 1)[1]
                connection.execute(LOCKS, (name,))


class Churn:
    """Every two seconds a member comes, goes, or is killed."""

    def __init__(self, number: int, seconds: float) -> None:
        self._dice = random.Random(number)
        self._end = time.monotonic() + seconds
        self._due = 0.0
        self.changes = 0

    @property
    def done(self) -> bool:
        """Whether its time is over."""
        return time.monotonic() > self._end

    def look(self, _: Clerk, crew: Crew) -> None:
        """The next change, when it is time."""
        if self.done or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + CHURN_EVERY_S
        self.changes += 1
        who = self._dice.choice(MEMBERS)
        present = crew.present(who)
        if len(present) < 2 or (len(present) < MEMBERS_MAX and self._dice.random() < 0.5):
            crew.join(who)
        else:
            crew.send(self._dice.choice(present), self._dice.choice([signal.SIGTERM, signal.SIGKILL]))


def test_sleepers_that_wake_up_after_their_session_effect_nothing_twice(ground: Ground) -> None:
    number, people = seed(), share_of(PEOPLE)
    say(f"SEED={number}")
    with province_of(ground, people) as province:
        ghosts = GHOSTS if people == PEOPLE else 1
        sleep = Sleep(province, number, ghosts)
        outcome = carry_out(
            province, {}, lambda done, _: done < 1 or not sleep.done, sleep.look, crew=(*PROCESSES, *MEMBERS)
        )
        logs = "".join(one.read_text() for one in province.folder.glob("*.log"))
    outcome.more = {"relays_superseded": logs.count('"event": "relay_waits"')}
    report.keep(report.row_of("sleepers that wake up", number, outcome, ghosts * len(MEMBERS), None))
    assert outcome.more["relays_superseded"], "nobody took over while they slept"
    outcome.verdict.ensure_clean()


def test_a_group_that_changes_every_two_seconds_loses_nothing(ground: Ground) -> None:
    number, people = seed(), share_of(PEOPLE)
    say(f"SEED={number}")
    with province_of(ground, people) as province:
        churn = Churn(number, CHURN_S if people == PEOPLE else 15)
        outcome = carry_out(
            province, {}, lambda done, _: done < 1 or not churn.done, churn.look, crew=(*PROCESSES, *MEMBERS)
        )
    report.keep(report.row_of("members that come and go", number, outcome, churn.changes, None))
    outcome.verdict.ensure_clean()
