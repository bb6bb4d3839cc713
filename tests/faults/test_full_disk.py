"""The disk of a database is full for a while: clean refusals, no half of anything, and work goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from psycopg import sql

from tests.bench.province import Province
from tests.faults import report
from tests.faults.campaign import carry_out, province_of, say, seed, share_of
from tests.faults.ground import Ground, open_ground
from tests.faults.striking import Striker
from tests.small_disk import SmallDisk, small_disk

pytestmark = [pytest.mark.kafka, pytest.mark.full, pytest.mark.timeout(900)]

PEOPLE = 10_000
TIMES = 3
FULL_S = 6.0
ON_THE_DISK = ("allocation", "beneficiaries", "audit")


@pytest.fixture
def ground() -> Iterator[Ground]:
    with open_ground() as made:
        yield made


@pytest.fixture
def disk(ground: Ground) -> Iterator[SmallDisk]:
    with small_disk(ground.folder / "small") as made:
        yield made
        ground.close()


def move(province: Province, disk: SmallDisk) -> None:
    """The data of the services lie on the small disk; what is written ahead does not."""
    for engine in province.engines.values():
        engine.dispose()
    place = sql.Literal(str(disk.folder))
    with province.site.server.connect() as connection:
        connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(place))
        for service in ON_THE_DISK:
            name = province.databases[service].service.rsplit("/", 1)[1]
            connection.execute(sql.SQL("ALTER DATABASE {} SET TABLESPACE small").format(sql.Identifier(name)))


def test_a_full_disk_refuses_cleanly_and_work_goes_on_when_there_is_room(
    ground: Ground, disk: SmallDisk
) -> None:
    number, people = seed(), share_of(PEOPLE)
    say(f"SEED={number}")
    refused: list[int] = []

    def free() -> None:
        time.sleep(FULL_S)
        refused.append(disk.left_bytes)
        disk.free()

    with province_of(ground, people) as province:
        move(province, disk)
        striker = Striker(province, number, TIMES, disk.fill, free)

        outcome = carry_out(province, {}, lambda done, _: done < 1 or not striker.done, striker.look)
    log = (ground.folder / "postgres.log").read_text(errors="replace")
    refusals = log.count("No space left on device")
    outcome.more = {"refusals": refusals, "left_bytes": refused}
    back = max(striker.back_s, default=None)
    report.keep(report.row_of("a full disk", number, outcome, striker.strikes, back))
    assert refusals > 0, "nothing was ever refused: the disk was not full"
    assert "PANIC" not in log
    outcome.verdict.ensure_clean()
