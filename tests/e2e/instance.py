"""A whole instance on this machine, with ports and state of its own, and the processes in it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from deploy.local.kafka import find_tools
from deploy.local.ports import Ports
from deploy.local.processes import answers
from deploy.local.state import Home, reset
from shared.testing.waiting import wait_until
from tests.folders import fresh_folder

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST_PORT = 26_000
PERSONS = 2_000  # so that every district has payments that came back, and why
GIVEN = "FUNDTRAIL_E2E_INSTANCE"
START_S = 90
STOP_S = 60
STEP_S = 90.0  # from one word of the job to the next
COMMAND_S = 120
DROPPED = frozenset({"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "FUNDTRAIL_HOME", "FUNDTRAIL_PORT_BASE"})


@dataclass
class Instance:
    """What a launcher keeps up: the launcher's process, and what a command is told to reach it."""

    launcher_pid: int
    told: dict[str, str]

    @property
    def home(self) -> Home:
        return Home(Path(self.told["FUNDTRAIL_HOME"]))

    @property
    def environment(self) -> dict[str, str]:
        return environment_with(self.told)

    def pid(self, part: str) -> int:
        """The process of a service's role as it runs now: `portal-worker` is `-m services.portal worker`."""
        service, _, role = part.partition("-")
        wanted = ["-m", f"services.{service}", role]
        for process in psutil.Process(self.launcher_pid).children():
            with contextlib.suppress(psutil.Error):
                if process.cmdline()[-3:] == wanted and process.status() != psutil.STATUS_ZOMBIE:
                    return process.pid
        raise LookupError(f"{part} does not run")

    def is_another(self, part: str, before: int) -> bool:
        """Whether the part runs as another process than before, and answers that it is ready."""
        service, _, role = part.partition("-")
        try:
            again = self.pid(part) != before
        except LookupError:
            return False
        base = int(self.told["FUNDTRAIL_PORT_BASE"])
        return again and answers(Ports(base).of_service(service, role))

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`fundtrail ...` against this instance, run to its end."""
        argv = [sys.executable, "-m", "deploy.cli.main", *words]
        return subprocess.run(
            argv,
            env=self.environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_S,
        )

    def run_facts(self) -> dict[str, Any]:
        """What the launcher wrote down."""
        facts: dict[str, Any] = json.loads(self.home.run.read_text())
        return facts

    def given(self) -> dict[str, str]:
        """What a process is told to use this instance."""
        return {GIVEN: json.dumps(asdict(self))}

    @contextlib.contextmanager
    def demo(self, persons: int) -> Iterator[Demo]:
        """The main job as a process of its own."""
        argv = [sys.executable, "-m", "deploy.demo", "--home", str(self.home.root), "--persons", str(persons)]
        process = subprocess.Popen(
            argv,
            env=self.environment,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        demo = Demo(process)
        try:
            yield demo
        finally:
            process.kill()
            demo.finish(10)


@dataclass
class Demo:
    """The main job under way, and what it has said so far."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.spoke_at = time.monotonic()

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def silent_for_s(self) -> float:
        return time.monotonic() - self.spoke_at

    def has_said(self, words: str) -> bool:
        return any(words in line for line in self.said)

    def wait_until_said(self, words: str, timeout_s: float) -> None:
        """Nothing, once a line with the words was said. Fails at once where the job ended without it."""
        try:
            wait_until(lambda: self.has_said(words) or not self.running, timeout_s)
        except TimeoutError:
            raise AssertionError(f"{words!r} was not said within {timeout_s} s:\n{self.story()}") from None
        assert self.has_said(words), self.story()

    def finish(self, timeout_s: float) -> int:
        """The exit status at the end."""
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"The job stands still after:\n{self.story()}") from None
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def story(self) -> str:
        return "\n".join(self.said)

    def _read(self) -> None:
        if self.process.stdout is None:
            return
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            self.spoke_at = time.monotonic()


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process stands still, alive and deaf."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def environment_with(told: Mapping[str, str]) -> dict[str, str]:
    """Our own, but for what would lead to another instance."""
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
    return {**kept, **told}


def given_instance() -> Instance | None:
    """The one that whoever started this process keeps up for it."""
    given = os.environ.get(GIVEN)
    return Instance(**json.loads(given)) if given else None


@contextlib.contextmanager
def fresh_instance() -> Iterator[Instance]:
    """An instance of its own, up; nothing of it stays behind."""
    home = Home(fresh_folder("e2e"))
    try:
        with launched(home) as instance:
            yield instance
    finally:
        reset(home)


@contextlib.contextmanager
def launched(home: Home) -> Iterator[Instance]:
    """An instance on the state that the folder holds, until it is stopped."""
    base = next(base for base in range(FIRST_PORT, FIRST_PORT + 2_000, 100) if not Ports(base).taken())
    told = {"FUNDTRAIL_HOME": str(home.root), "FUNDTRAIL_PORT_BASE": str(base), "PYTHONPATH": str(REPOSITORY)}
    if isinstance(find_tools(os.environ), str):
        told["FUNDTRAIL_BUS"] = "postgresql"
    output = home.root / "launcher.txt"
    with output.open("wb") as out:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli.main", "up"],
            env=environment_with(told),
            cwd=REPOSITORY,
            stdout=out,
            stderr=out,
        )
    try:
        wait_until(lambda: home.run.exists() or launcher.poll() is not None, START_S, "the instance is up")
        assert launcher.poll() is None, output.read_text()
        yield Instance(launcher.pid, told)
    finally:
        launcher.terminate()
        launcher.wait(STOP_S)
