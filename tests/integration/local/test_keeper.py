"""Servers for tests end when their last user has ended, and templates are migrated once."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local.keeper import lease
from deploy.local.provisioning import Addresses
from deploy.local.scratch import ScratchDatabases
from deploy.local.spawn import CannotStart
from shared.testing.waiting import wait_until
from tests.folders import fresh_folder

REPOSITORY = Path(__file__).resolve().parents[3]
HOLD = """
import sys, time
from pathlib import Path
from deploy.local.keeper import lease
from deploy.local.provisioning import Addresses
with lease("postgres", Path(sys.argv[1])) as address:
    print(address["port"], flush=True)
    time.sleep(120)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = fresh_folder("keeper")
    yield made
    shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def user(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as output:
        try:
            yield process, output.readline().strip()
        finally:
            process.kill()
            process.wait(10)


def test_users_share_a_server_that_ends_after_the_last_even_when_they_are_killed(folder: Path) -> None:
    with user(folder) as (_, first), user(folder) as (second_process, second):
        assert first == second != ""
        second_process.kill()
        second_process.wait(10)
        with lease("postgres", folder) as address:
            assert address["port"] == first
    wait_until(lambda: not folder.exists(), 20, "the keeper has cleared its folder")


def test_a_server_that_cannot_start_is_explained(folder: Path) -> None:
    with pytest.raises(CannotStart, match="KeyError"), lease("mainframe", folder):
        pass


def test_a_template_is_migrated_once_and_copies_know_nothing_of_each_other(scratch: ScratchDatabases) -> None:
    migrated: list[str] = []

    def migrate(url: str) -> None:
        migrated.append(url)
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE rows (n int)")
            connection.execute("GRANT INSERT, SELECT ON rows TO bus_service")

    with scratch.fresh("bus", migrate) as one, scratch.fresh("bus", migrate) as other:
        with psycopg.connect(one.service.replace("+psycopg", "")) as connection:
            connection.execute("INSERT INTO rows VALUES (1)")
        with psycopg.connect(other.reader.replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT count(*) FROM rows").fetchone() == (0,)
    assert len(migrated) == 1


def test_a_filling_that_fails_leaves_no_template(scratch: ScratchDatabases) -> None:
    def fail_half_way(addresses: Addresses) -> None:
        raise ValueError(f"no such column in {addresses.owner.rsplit('/', 1)[1]}")

    for _ in range(2):
        with (
            pytest.raises(ValueError, match="no such column in notifications_fail_half_way_unfinished"),
            scratch.fresh("notifications", fill=fail_half_way),
        ):
            pass
