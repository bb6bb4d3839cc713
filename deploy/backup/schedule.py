"""Backups that the launcher takes by itself, one at a time in a process of its own, and how old they are."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from prometheus_client import Gauge

from deploy.backup.configuration import settings_of
from deploy.local.spawn import Program, spawn, stop
from deploy.local.state import Home
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected
from shared.telemetry.health import HealthServer

LOOK_EVERY = timedelta(minutes=1)
TRY_AGAIN_AFTER = timedelta(minutes=15)
STOP_TIMEOUT_S = 10.0
NICENESS = 10
NEVER = float("inf")

AGE = Gauge("fundtrail_backup_age_seconds", "Seconds since the last good backup was taken; +Inf without one.")


class Schedule:
    """Decides when the next backup is due, and watches the process that takes it."""

    def __init__(self, home: Home, environment: Mapping[str, str], clock: Clock, program: Program) -> None:
        self._settings = settings_of(home, environment)
        self._clock = clock
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._look_at = self._started_at = clock.now()
        self._not_before = self._started_at
        AGE.set_function(self.age_s)

    def age_s(self) -> float:
        """Seconds since the last good backup."""
        try:
            age = self._settings.shelf.age(self._clock.now())
        except Rejected:
            return NEVER  # without its key no backup is a good one
        return NEVER if age is None else age.total_seconds()

    def tick(self) -> str | None:
        """A sentence where something is worth saying; begins a backup that is due, ends none."""
        if not self._settings.scheduled:
            return None
        if self._process is not None:
            return self._watch(self._process)
        now = self._clock.now()
        if now < self._look_at:
            return None
        self._look_at = now + LOOK_EVERY
        if now >= self.due_at():
            self._process = spawn(self._program)
        return None

    def due_at(self) -> datetime:
        """When the next one is due: so long after the last good one, else after the start."""
        age = self.age_s()
        last = self._started_at if age == NEVER else self._clock.now() - timedelta(seconds=age)
        return max(last + self._settings.every, self._not_before)

    @contextlib.contextmanager
    def served(self, host: str, port: int) -> Iterator[None]:
        """The age can be read at /metrics; at the end no backup is under way any more."""
        health = HealthServer(host, port, lambda: True, lambda: True)
        try:
            yield
        finally:
            health.close()
            if self._process is not None:
                stop(self._process, self._program.stop_signal, STOP_TIMEOUT_S)
                self._process = None

    def _watch(self, process: subprocess.Popen[bytes]) -> str | None:
        status = process.poll()
        if status is None:
            return None
        self._process = None
        if status == 0:
            return "A backup was taken."
        self._not_before = self._clock.now() + TRY_AGAIN_AFTER
        return f"A backup failed (status {status}) and is tried again in 15 minutes; see {self._program.log}"


def backup_program(home: Home, environment: Mapping[str, str], repository: Path) -> Program:
    """The command that takes one backup, politely: other processes go first."""
    return Program(
        (sys.executable, "-m", "deploy.cli.main", "backup", "--niceness", str(NICENESS)),
        log=home.logs / "backup.log",
        environment={**os.environ, **environment, "FUNDTRAIL_HOME": str(home.root)},
        folder=repository,
    )
