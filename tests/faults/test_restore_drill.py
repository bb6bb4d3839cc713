"""A restored database stands still until an operator has spoken, and the log names what it lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.postgres import Server
from deploy.local.postgres_binaries import find_binaries
from deploy.local.provisioning import SERVICES, Addresses
from shared.bus.open import open_bus
from shared.journal.relay import topics_of
from shared.kernel.errors import Unavailable
from shared.testing.waiting import wait_until
from tests.faults.estate import PATIENCE_S, Estate

BACKED_UP = 20
LATER = 15


@pytest.fixture
def estate(
    database: Callable[[str], Addresses],
    empty_database: Callable[[str], Addresses],
    postgres_server: Server,
    tmp_path: Path,
) -> Iterator[Estate]:
    addresses = {service: database(service) for service in SERVICES}
    programs = find_binaries(os.environ).folder
    made = Estate(addresses, empty_database("bus").owner, postgres_server, tmp_path, programs)
    yield made
    made.drop_former()


def work_and_lose(estate: Estate, backed_up: int, later: int) -> list[str]:
    """The ids of the rows that a restore of beneficiaries will lose; everybody has heard of them."""
    with estate.running():
        estate.load_units(*range(backed_up))
        estate.register(*range(backed_up))
        wait_for_units(estate, backed_up)
        estate.back_up()  # while everybody works
        kept = estate.journal("beneficiaries")
        estate.load_units(*range(backed_up, backed_up + later))
        estate.register(*range(backed_up, backed_up + later))
        wait_for_units(estate, backed_up + later)
        estate.wait_for_log()
    return estate.journal("beneficiaries")[len(kept) :]


def wait_for_units(estate: Estate, count: int) -> None:
    known = "SELECT count(*) FROM units"
    wait_until(
        lambda: estate.column("beneficiaries", known) == [count], PATIENCE_S, f"{count} units heard of"
    )


def on_bus(estate: Estate) -> int:
    """How many records the journal of beneficiaries has on the bus."""
    bus = open_bus(estate.bus_url, "tests")
    subscription = bus.subscribe(f"tests-{os.urandom(4).hex()}", topics_of("beneficiaries"))
    count = 0
    try:
        while found := subscription.poll(0.5):
            count += len(found)
    finally:
        subscription.close()
        bus.close()
    return count


def drill(estate: Estate, backed_up: int, later: int) -> None:
    lost = work_and_lose(estate, backed_up, later)
    assert len(lost) == later
    sent, leaves = on_bus(estate), estate.leaves()
    restored = estate.restore("beneficiaries")
    assert restored.journal_rows == backed_up
    assert estate.column("beneficiaries", "SELECT count(*) FROM persons") == [backed_up]
    with estate.running():
        with pytest.raises(Unavailable, match="fundtrail epoch begin") as refused:
            estate.register(9_000)
        assert refused.value.retry_after_s == 60
        estate.load_units(8_000)  # another service goes on
        estate.wait_for_log()
        assert len(estate.journal("beneficiaries")) == backed_up
    assert on_bus(estate) >= sent
    assert {row for (source, _, _), row in estate.leaves().items() if source == "beneficiaries"} == {
        row for (source, _, _), row in leaves.items() if source == "beneficiaries"
    }, "a halted journal adds nothing to the log"

    epoch = estate.begin_epoch("beneficiaries")
    assert (epoch.epoch, epoch.first_position) == (2, backed_up + 1)
    with estate.running():
        estate.register(*range(7_000, 7_000 + later))
        wait_for_units(estate, backed_up + later + 1)  # consumers read again from the beginning
        estate.wait_for_log()
    assert sorted(estate.orphans("beneficiaries")) == sorted(lost), "just what the restore lost"
    assert estate.findings() == []
    assert estate.column("beneficiaries", "SELECT count(*) FROM quarantine") == [0]


def test_a_restored_service_stands_still_until_an_epoch_is_begun_and_the_log_names_what_is_lost(
    estate: Estate,
) -> None:
    drill(estate, BACKED_UP, LATER)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_restore_that_loses_thousands_of_rows_is_named_row_by_row(estate: Estate) -> None:
    drill(estate, 1_000, 4_000)


@pytest.mark.full
def test_a_second_restore_to_the_same_backup_loses_the_epoch_between_and_gives_no_number_twice(
    estate: Estate,
) -> None:
    first = work_and_lose(estate, BACKED_UP, LATER)
    estate.restore("beneficiaries")
    estate.begin_epoch("beneficiaries")
    with estate.running():
        estate.register(*range(5_000, 5_004))
        estate.wait_for_log()
    second = estate.journal("beneficiaries")[BACKED_UP:]
    estate.restore("beneficiaries")
    assert estate.begin_epoch("beneficiaries").epoch == 3
    with estate.running():
        estate.register(6_000)
        estate.wait_for_log()
    assert sorted(estate.orphans("beneficiaries")) == sorted([*first, *second])
    assert len(second) == 5, "the row that began the epoch, and four persons"
    assert estate.findings() == []
