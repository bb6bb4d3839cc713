"""When the launcher takes a backup, and what it says of the last one."""

from __future__ import annotations

import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import REGISTRY

from deploy.backup import manifest as manifests
from deploy.backup.configuration import settings_of
from deploy.backup.manifest import DATABASES, Manifest
from deploy.backup.schedule import Schedule, backup_program
from deploy.local.keeper import free_port
from deploy.local.spawn import Program
from deploy.local.state import Home
from shared.kernel.clock import FixedClock
from shared.testing.waiting import wait_until

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVERY_SIX_HOURS = {"FUNDTRAIL_BACKUP_HOURS": "6"}


class Launcher:
    """A launcher's clock and schedule; a backup is a program that notes that it ran."""

    def __init__(self, root: Path, told: dict[str, str], script: str = "") -> None:
        self.home = Home(root)
        self.clock = FixedClock(NOON)
        self.ran = root / "ran.txt"
        self.shelf = settings_of(self.home, told).shelf
        note = f"open({str(self.ran)!r}, 'a').write('x'); {script}"
        self.program = Program((sys.executable, "-c", note), log=root / "backup.log")
        self.schedule = Schedule(self.home, told, self.clock, self.program)
        self.said: list[str] = []

    @property
    def runs(self) -> int:
        return len(self.ran.read_text()) if self.ran.exists() else 0

    def tick(self) -> None:
        if (news := self.schedule.tick()) is not None:
            self.said.append(news)

    def back_up(self) -> None:
        key = self.shelf.key_for_writing()
        with self.shelf.making(self.clock.now()) as folder:
            manifests.write(folder, Manifest(DATABASES, self.clock.now(), "", ()), key)

    def begun_after(self, time: timedelta) -> bool:
        """Whether a backup was begun by the tick after some time; its end is waited for."""
        before, said = self.runs, len(self.said)
        self.clock.advance(time)
        self.tick()
        if self.schedule._process is None:
            return False
        wait_until(lambda: self.tick() or len(self.said) > said, what="the end of the backup")
        return self.runs == before + 1


def test_the_first_one_is_due_so_long_after_the_start(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, EVERY_SIX_HOURS)
    assert not launcher.begun_after(timedelta(0))
    assert not launcher.begun_after(6 * HOUR - timedelta(seconds=1))
    assert launcher.begun_after(timedelta(minutes=1))
    assert launcher.said == ["A backup was taken."]


def test_the_next_one_is_due_so_long_after_the_last_good_one(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, EVERY_SIX_HOURS)
    launcher.clock.advance(2 * HOUR)
    launcher.back_up()
    assert not launcher.begun_after(5 * HOUR)
    assert launcher.begun_after(HOUR)


def test_an_old_backup_of_an_earlier_run_makes_one_due_at_once(tmp_path: Path) -> None:
    first = Launcher(tmp_path, EVERY_SIX_HOURS)
    first.back_up()
    later = Launcher(tmp_path, EVERY_SIX_HOURS)
    later.clock.advance(7 * HOUR)
    assert later.begun_after(timedelta(0))


def test_none_is_taken_where_it_is_switched_off(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, {"FUNDTRAIL_BACKUP_HOURS": "0"})
    assert not launcher.begun_after(1000 * HOUR)


def test_one_that_fails_is_told_and_tried_again_a_while_later(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, EVERY_SIX_HOURS, "raise SystemExit(1)")
    assert launcher.begun_after(6 * HOUR)
    assert "A backup failed (status 1)" in launcher.said[0]
    assert str(launcher.program.log) in launcher.said[0]
    assert not launcher.begun_after(timedelta(minutes=14))
    assert launcher.begun_after(timedelta(minutes=1))


def test_no_second_one_begins_while_one_is_under_way(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, EVERY_SIX_HOURS, "import time; time.sleep(60)")
    launcher.clock.advance(6 * HOUR)
    launcher.tick()
    first = launcher.schedule._process
    launcher.clock.advance(6 * HOUR)
    launcher.tick()
    assert launcher.schedule._process is first
    assert first is not None
    first.kill()
    first.wait(5)


def test_its_age_is_infinite_until_there_is_one_and_without_its_key(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, EVERY_SIX_HOURS)
    assert launcher.schedule.age_s() == float("inf")
    launcher.back_up()
    launcher.clock.advance(HOUR)
    assert launcher.schedule.age_s() == 3600
    assert REGISTRY.get_sample_value("fundtrail_backup_age_seconds") == 3600
    (tmp_path / "keys" / "backup.key").unlink()
    assert launcher.schedule.age_s() == float("inf")


def test_its_age_is_served_and_nothing_is_under_way_afterwards(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, EVERY_SIX_HOURS, "import time; time.sleep(60)")
    launcher.back_up()
    launcher.clock.advance(6 * HOUR)
    port = free_port()
    with launcher.schedule.served("127.0.0.1", port):
        launcher.tick()
        under_way = launcher.schedule._process
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert b"fundtrail_backup_age_seconds 21600.0" in answer.read()
    assert under_way is not None
    assert under_way.poll() is not None


def test_the_command_is_told_where_the_instance_is(tmp_path: Path) -> None:
    program = backup_program(Home(tmp_path), {"FUNDTRAIL_BACKUP_DIR": "/second"}, tmp_path)
    assert program.argv[1:4] == ("-m", "deploy.cli.main", "backup")
    told = dict(program.environment or {})
    assert told["FUNDTRAIL_HOME"] == str(tmp_path)
    assert told["FUNDTRAIL_BACKUP_DIR"] == "/second"
