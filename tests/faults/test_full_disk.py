"""The disk of a database is full for a while: clean refusals, no half of anything, and work goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from deploy.local.spawn import unprivileged_account
from tests.bench.province import Province
from tests.faults import report
from tests.faults.campaign import PERIODS, carry_out, province_of, say, seed, share_of
from tests.faults.ground import Ground, open_ground
from tests.faults.striking import Striker

pytestmark = [pytest.mark.kafka, pytest.mark.full, pytest.mark.timeout(900)]

PEOPLE = 10_000
TIMES = 3
FULL_S = 6.0
LARGE_BYTES = 4 * 1024**3
LEFT_BYTES = 256 * 1024
ON_THE_DISK = ("allocation", "beneficiaries", "audit")


@pytest.fixture
def ground() -> Iterator[Ground]:
    with open_ground() as made:
        yield made


@pytest.fixture
def disk(ground: Ground) -> Iterator[Path]:
    """A small disk of its own; only root may mount one."""
    folder = ground.folder / "small"
    folder.mkdir()
    mounted = os.geteuid() == 0 and mount(folder, f"size={LARGE_BYTES}", "-t", "tmpfs", "none") == 0
    if not mounted:
        pytest.skip("a disk of its own can be mounted by root only")
    account = unprivileged_account()
    assert account is not None
    os.chown(folder, account.uid, account.gid)
    yield folder
    ground.close()
    subprocess.run(["umount", str(folder)], check=False)


def mount(folder: Path, options: str, *more: str) -> int:
    return subprocess.run(["mount", "-o", options, *more, str(folder)], check=False).returncode


def move(province: Province, disk: Path) -> None:
    """The data of the services lie on the small disk; what is written ahead does not."""
    for engine in province.engines.values():
        engine.dispose()
    with province.site.server.connect() as connection:
        connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(disk))))
        for service in ON_THE_DISK:
            name = province.databases[service].service.rsplit("/", 1)[1]
            connection.execute(sql.SQL("ALTER DATABASE {} SET TABLESPACE small").format(sql.Identifier(name)))


def test_a_full_disk_refuses_cleanly_and_work_goes_on_when_there_is_room(ground: Ground, disk: Path) -> None:
    number, people = seed(), share_of(PEOPLE)
    say(f"SEED={number}")
    refused: list[int] = []

    def fill() -> None:
        assert mount(disk, f"remount,size={shutil.disk_usage(disk).used + LEFT_BYTES}") == 0

    def free() -> None:
        time.sleep(FULL_S)
        refused.append(shutil.disk_usage(disk).free)
        assert mount(disk, f"remount,size={LARGE_BYTES}") == 0

    with province_of(ground, people, len(PERIODS)) as province:
        move(province, disk)
        striker = Striker(province, number, TIMES, fill, free)

        outcome = carry_out(province, {}, lambda done, _: done < 1 or not striker.done, striker.look)
    log = (ground.folder / "postgres.log").read_text(errors="replace")
    refusals = log.count("No space left on device")
    outcome.more = {"refusals": refusals, "left_bytes": refused}
    back = max(striker.back_s, default=None)
    report.keep(report.row_of("a full disk", number, outcome, striker.strikes, back))
    assert refusals > 0, "nothing was ever refused: the disk was not full"
    assert "PANIC" not in log
    outcome.verdict.ensure_clean()
