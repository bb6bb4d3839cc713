"""The launcher with real database and bus, and toys for the processes of the product."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from deploy.local.kafka import find_tools
from deploy.local.ports import Ports
from deploy.local.processes import answers
from deploy.local.state import Home, reset
from shared.testing.waiting import wait_until
from tests.folders import fresh_folder

REPOSITORY = Path(__file__).resolve().parents[3]
TOYS = Path(__file__).with_name("toys.py")
START_S = 60


@pytest.fixture
def base() -> int:
    """Two free blocks of ports, which no other worker of this run looks at."""
    first = 20_000 + 1_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    blocks = range(first, first + 1_000, 200)
    return next(base for base in blocks if not Ports(base).taken() + Ports(base + 100).taken())


@pytest.fixture
def home() -> Iterator[Home]:
    made = Home(fresh_folder("launcher"))
    yield made
    reset(made)


def environment(base: int, **more: str) -> dict[str, str]:
    dropped = {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "CI", "REQUIRE_KAFKA"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    ours = {"PYTHONPATH": str(REPOSITORY), "FUNDTRAIL_PORT_BASE": str(base), "FUNDTRAIL_BUS": "postgresql"}
    return {**kept, **ours, **more}


def once(home: Home, told: dict[str, str], *commands: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(TOYS), "launch", str(home.root), "once", *commands]
    return subprocess.run(argv, env=told, capture_output=True, text=True, check=False, timeout=150)


@contextlib.contextmanager
def launched(home: Home, told: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    output = home.root / "output.txt"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(TOYS), "launch", str(home.root), "stay"], env=told, stdout=out, stderr=out
        )
    try:
        wait_until(lambda: home.run.exists() or process.poll() is not None, START_S, "the launcher is ready")
        assert process.poll() is None, output.read_text()
        yield process
    finally:
        process.terminate()
        process.wait(30)


def belonging_to(home: Home) -> list[str]:
    """Command lines of processes that work on this state."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if str(home.root) in line:
                found.append(line)
    return found


def _is_gone(port: int) -> bool:
    return not answers(port)


def pid_of(home: Home, name: str) -> int:
    return int(json.loads(home.run.read_text())["pids"][name])


def test_runs_the_commands_prints_their_result_last_and_goes_on_where_it_was(home: Home, base: int) -> None:
    done = once(home, environment(base), "echo working", 'echo \'{"settled": 1}\'; echo "after it"')
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[-1] == '{"settled": 1}'
    assert any(line.endswith("Stopped.") for line in lines)
    assert any("Bus: postgresql, because FUNDTRAIL_BUS asks for it." in line for line in lines)
    assert any("toy-api: ready in" in line for line in lines)
    assert lines.index("working") < lines.index("after it")
    assert belonging_to(home) == []
    assert not (home.root / "postgres" / "data" / "postmaster.pid").exists()
    ends = (home.root / "ends.txt").read_text().splitlines()
    assert ends == ["toy-outside ended", "toy-api ended", "toy-worker ended"], (
        "outside, then APIs, then workers"
    )
    addresses = json.loads(home.addresses.read_text())
    assert once(home, environment(base), "cat $FUNDTRAIL_HOME/run.json").returncode == 0
    assert json.loads(home.addresses.read_text()) == addresses
    assert json.loads(home.run.read_text())["bus"] == {
        "kind": "postgresql",
        "why": "FUNDTRAIL_BUS asks for it",
    }


def test_a_command_that_fails_ends_the_run_with_its_status(home: Home, base: int) -> None:
    done = once(home, environment(base), "exit 7", "echo never")
    assert done.returncode == 7
    assert "never" not in done.stdout
    assert belonging_to(home) == []


def test_what_was_killed_is_back_and_a_signal_stops_everything(home: Home, base: int) -> None:
    with launched(home, environment(base)) as process:
        ensure_nobody_else_starts(home, base + 100, process.pid)
        ensure_killed_process_is_back(home, "toy-worker", base + 1)
        ensure_killed_process_is_back(home, "toy-api", base + 2)
        ensure_killed_database_is_back(home)
        assert len(belonging_to(home)) > 3
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert belonging_to(home) == []


def ensure_nobody_else_starts(home: Home, base: int, pid: int) -> None:
    second = once(home, environment(base), "true")
    assert second.returncode == 1
    assert f"process {pid}" in second.stdout


def ensure_killed_process_is_back(home: Home, name: str, port: int) -> None:
    os.kill(pid_of(home, name), signal.SIGKILL)
    wait_until(partial(_is_gone, port), 2, f"{name} is gone")
    wait_until(partial(answers, port), 5, f"{name} is back")


def ensure_killed_database_is_back(home: Home) -> None:
    killed = pid_of(home, "postgres")
    os.kill(killed, signal.SIGKILL)
    mark = home.root / "postgres" / "data" / "postmaster.pid"

    def is_back() -> bool:
        lines = mark.read_text().splitlines() if mark.exists() else []
        return len(lines) > 7 and lines[0] != str(killed) and lines[7].strip() == "ready"

    wait_until(is_back, 10, "PostgreSQL is back")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_nothing_outlives_a_launcher_that_was_killed(home: Home, base: int) -> None:
    with launched(home, environment(base)) as process:
        process.kill()
        process.wait(5)
        wait_until(lambda: belonging_to(home) == [], 20, "everything has ended")
    again = once(home, environment(base), "echo back")
    assert again.returncode == 0, again.stdout
    assert "back" in again.stdout


def test_a_port_in_use_is_named(home: Home, base: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", base + 4))
        other.listen()
        done = once(home, environment(base), "true")
    assert done.returncode == 1
    assert f"Port {base + 4} is in use." in done.stdout


def test_a_migration_that_fails_stops_the_start_and_shows_its_log(home: Home, base: int) -> None:
    done = once(home, environment(base, TOY_MIGRATION="raise SystemExit('no such column')"), "true")
    assert done.returncode == 1
    assert "toy-migrate failed" in done.stdout
    assert "no such column" in done.stdout
    assert belonging_to(home) == []


def test_a_process_that_keeps_dying_stops_the_start_and_shows_its_log(home: Home, base: int) -> None:
    done = once(home, environment(base, TOY_BROKEN="1"), "true")
    assert done.returncode == 1
    assert "toy-broken did not get ready" in done.stdout
    assert "the toy is broken" in done.stdout
    assert belonging_to(home) == []


@pytest.mark.kafka
@pytest.mark.skipif(isinstance(find_tools(os.environ), str), reason="Java or Maven is not here")
def test_runs_on_real_kafka_where_java_and_maven_are(home: Home, base: int) -> None:
    told = environment(base, FUNDTRAIL_BUS="")
    done = once(home, told, "true")
    assert done.returncode == 0, done.stdout
    assert "Bus: kafka, because Java and Maven are here." in done.stdout
    assert once(home, {**told, "FUNDTRAIL_PORT_BASE": str(base + 100)}, "true").returncode == 0
    assert belonging_to(home) == []
