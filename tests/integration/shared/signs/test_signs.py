"""Signs of life in a service's database: left by its processes, read by its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.signs import store
from shared.signs.store import Signs

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk


def seen(desk: Desk) -> dict[tuple[str, str], tuple[int, str]]:
    with desk.unit_of_work.reading() as connection:
        return {
            (row["role"], row["member"]): (row["age_s"], row["slowest"]) for row in store.read(connection)
        }


def test_a_process_has_one_sign_which_is_as_old_as_its_slowest_loop(desk: Desk) -> None:
    worker, jobs = Signs(desk.unit_of_work, "worker", ""), Signs(desk.unit_of_work, "jobs", "")
    worker.leave(100, 90, "consumer")
    jobs.leave(5, 0, "jobs")
    worker.leave(110, 3, "relay")
    found = seen(desk)
    assert found.keys() == {("worker", ""), ("jobs", "")}
    assert 3 <= found["worker", ""][0] <= 8
    assert (found["worker", ""][1], found["jobs", ""][1]) == ("relay", "jobs")


def test_a_sign_grows_older_while_nobody_leaves_another(desk: Desk) -> None:
    Signs(desk.unit_of_work, "worker", "").leave(1, 0, "relay")
    desk.change("UPDATE process_signs SET seen_at = seen_at - interval '5 minutes'")
    assert seen(desk)["worker", ""][0] >= 300


def test_members_of_a_group_sign_for_themselves_and_who_is_gone_for_a_day_is_forgotten(desk: Desk) -> None:
    Signs(desk.unit_of_work, "worker", "old").leave(9, 0, "relay")
    desk.change("UPDATE process_signs SET seen_at = seen_at - interval '25 hours'")
    for member in ("a", "b"):
        Signs(desk.unit_of_work, "worker", member).leave(1, 0, "relay")
    assert seen(desk).keys() == {("worker", "a"), ("worker", "b")}


def test_signs_go_on_while_the_journal_is_halted_and_write_nothing_into_it(desk: Desk) -> None:
    desk.change("UPDATE journal_cursor SET halted = 'the bus is ahead.'")
    Signs(desk.unit_of_work, "worker", "").leave(1, 0, "relay")
    assert seen(desk).keys() == {("worker", "")}
    with desk.unit_of_work.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM journal").scalar() == 0


def test_a_database_that_is_away_ends_no_process(desk: Desk) -> None:
    desk.unit_of_work.engine = desk.engine("postgresql+psycopg://nobody:wrong@127.0.0.1:1/nowhere")
    Signs(desk.unit_of_work, "worker", "").leave(1, 0, "relay")
