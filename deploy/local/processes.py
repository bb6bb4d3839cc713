"""One supervised process: started, watched, started again when it dies, stopped in its turn."""

from __future__ import annotations

import enum
import http.client
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.spawn import Program, kill_group, spawn, wait_for_end

FIRST_BACK_OFF_S = 0.1
BACK_OFF_MAX_S = 5.0
STEADY_AFTER_S = 20.0
STOP_TIMEOUT_S = 25.0
PROBE_TIMEOUT_S = 1.0


class Stage(enum.IntEnum):
    """What stands on what: stopped from the highest to the lowest."""

    DATABASE = 0
    BUS = 1
    WORK = 2
    API = 3
    OUTSIDE = 4


@dataclass(frozen=True, slots=True)
class Part:
    """A process that belongs to an instance."""

    name: str
    program: Program
    stage: Stage
    ready: Callable[[], bool]


class Supervised:
    """A part and the process that runs it just now."""

    def __init__(self, part: Part, process: subprocess.Popen[bytes] | None = None) -> None:
        self.part = part
        self.restarts = 0
        self._back_off_s = FIRST_BACK_OFF_S
        self._start_at = 0.0
        self._process = process or spawn(part.program)
        self._started_at = time.monotonic()

    @property
    def pid(self) -> int:
        """The process id of the moment."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def watch(self) -> str | None:
        """A sentence when the process was found dead; it is started again after a growing pause."""
        status = self._process.poll()
        now = time.monotonic()
        if status is None:
            if now - self._started_at > STEADY_AFTER_S:
                self._back_off_s = FIRST_BACK_OFF_S
            return None
        if self._start_at == 0.0:
            kill_group(self._process.pid)  # what it left behind would keep its port
            self._start_at = now + self._back_off_s
            self._back_off_s = min(self._back_off_s * 2, BACK_OFF_MAX_S)
            return (
                f"{self.part.name} ended ({_how(status)}) and is started again; see {self.part.program.log}"
            )
        if now >= self._start_at:
            self._process = spawn(self.part.program)
            self._started_at = now
            self._start_at = 0.0
            self.restarts += 1
        return None

    def ask_to_stop(self) -> None:
        """The process was told; it may take its time."""
        if self.running:
            self._process.send_signal(self.part.program.stop_signal)

    def wait_for_end(self) -> str | None:
        """The process and all it started are gone; a sentence where it had to be killed."""
        if wait_for_end(self._process, STOP_TIMEOUT_S):
            return None
        late = f"{self.part.name} did not end within {STOP_TIMEOUT_S:.0f} s and was killed"
        return f"{late}; see {self.part.program.log}"


def stop_all(parts: list[Supervised], say: Callable[[str], None] = lambda _: None) -> None:
    """Everything has ended, stage by stage; within a stage all at once."""
    for stage in sorted(Stage, reverse=True):
        together = [supervised for supervised in parts if supervised.part.stage is stage]
        for supervised in together:
            supervised.ask_to_stop()
        for supervised in together:
            if (news := supervised.wait_for_end()) is not None:
                say(news)


def answers(port: int, path: str = "/readyz") -> bool:
    """Whether what listens on the port says that it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _how(status: int) -> str:
    return f"by signal {-status}" if status < 0 else f"with status {status}"
