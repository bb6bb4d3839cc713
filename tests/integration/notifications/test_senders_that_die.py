"""What a sender has in hand belongs to it for as long as it lives, and not a second longer."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.postgres import Server
from services.notifications.deliveries import sender as sending
from services.notifications.deliveries import store
from services.notifications.deliveries.model import ATTEMPTS_MAX
from services.notifications.deliveries.sender import Sender
from shared.db.engine import dedicated
from shared.kernel.errors import Unavailable
from shared.kernel.ids import new_id
from shared.testing.waiting import wait_until
from tests.integration.notifications.conftest import NOW, Desk, officer
from tests.integration.notifications.test_telling import APPROVED

SCRIPT = Path(__file__).with_name("dying_sender.py")
HELD = (
    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
    "WHERE l.locktype = 'advisory' AND a.datname = current_database()"
)


class Hanging:
    """A gateway that takes a call and gives no answer until it is told to."""

    def __init__(self) -> None:
        self.called, self.go_on = threading.Event(), threading.Event()
        self.calls = 0

    def answer(self, *_: object) -> tuple[int, Any]:
        self.calls += 1
        self.called.set()
        self.go_on.wait(60)
        return 202, {}


@pytest.fixture
def hanging(desk: Desk) -> Iterator[Hanging]:
    found = Hanging()
    desk.gateway.answer = found.answer
    yield found
    found.go_on.set()


def one_text_message(desk: Desk) -> UUID:
    desk.portal.people = [officer("lan", email=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    found: UUID = desk.rows("SELECT id FROM deliveries WHERE channel = 'sms'")[0].id
    return found


def start_process(desk: Desk, tmp_path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable,
            str(SCRIPT),
            desk.addresses.service,
            desk.portal.stranger.url,
            str(tmp_path / "account.json"),
            f"{desk.gateway.url}/messages",
            NOW.isoformat(),
        ],
        cwd=Path(__file__).parents[3],
    )


def held_by_anyone(desk: Desk) -> int:
    return int(desk.rows(HELD)[0].count)


def held_by(desk: Desk, application: str) -> int:
    return int(desk.rows(f"{HELD} AND a.application_name = '{application}'")[0].count)


def test_what_a_killed_sender_had_in_hand_is_taken_up_at_once(
    desk: Desk, hanging: Hanging, tmp_path: Path
) -> None:
    one_text_message(desk)
    process = start_process(desk, tmp_path)
    assert hanging.called.wait(60)
    assert desk.sender.send() == 0, "a living sender has it in hand"
    process.kill()
    process.wait()
    wait_until(lambda: not held_by(desk, "tests-dying"), 20, "the end of the session of the dead one")
    hanging.go_on.set()
    assert desk.sender.send() == 1
    assert desk.states()[-1] == ("sms", "sent")
    assert desk.rows("SELECT attempts FROM deliveries WHERE channel = 'sms'")[0].attempts == 2


def test_a_message_whose_addressing_died_is_taken_up_at_once(desk: Desk, tmp_path: Path) -> None:
    portal = Hanging()
    desk.portal.people = [officer("lan", email=None)]
    right = desk.portal.stranger.answer
    desk.portal.stranger.answer = lambda method, path, body: (
        portal.answer() if method == "GET" else right(method, path, body)
    )
    desk.hand("decisions.approved", APPROVED)
    process = start_process(desk, tmp_path)
    assert portal.called.wait(60)
    assert desk.sender.address() == 0
    process.kill()
    process.wait()
    wait_until(lambda: not held_by(desk, "tests-dying"), 20, "the end of the session of the dead one")
    portal.go_on.set()
    desk.portal.stranger.answer = right
    assert desk.sender.address() == 1
    assert desk.rows("SELECT state, attempts FROM messages")[0] == ("addressed", 2)


def test_a_living_sender_keeps_what_it_has_however_long_it_takes(desk: Desk, hanging: Hanging) -> None:
    one_text_message(desk)
    thread = threading.Thread(target=desk.sender.send, daemon=True)
    thread.start()
    assert hanging.called.wait(20)
    for _ in range(3):
        desk.clock.advance(timedelta(days=1))
        assert desk.sender.send() == 0
    hanging.go_on.set()
    thread.join(20)
    assert hanging.calls == 1
    assert desk.states()[-1] == ("sms", "sent")


def test_two_senders_share_the_work_and_none_is_done_twice(desk: Desk) -> None:
    desk.portal.people = [officer(f"officer-{n}", email=None) for n in range(60)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(desk.sender.send())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    while left := desk.sender.send():
        done.append(left)
    assert sum(done) == 60
    asked = [body["id"] for _, _, body in desk.gateway.received]
    assert len(asked) == len(set(asked)) == 60


def test_what_another_holds_does_not_keep_the_rest_waiting(desk: Desk) -> None:
    desk.portal.people = [officer(f"officer-{n}", email=None) for n in range(5)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    with desk.unit_of_work.reading() as connection:
        due = store.due_deliveries(connection, desk.clock.now(), 3)
    with dedicated(desk.unit_of_work.engine) as lock:
        assert store.hold(lock, "delivery", due, 10) == due
        assert desk.sender.send() == 2
        assert desk.sender.send() == 0
    assert desk.sender.send() == 3


@pytest.mark.parametrize("limit", [1, 3, 5])
def test_no_more_is_held_than_is_worked_on(desk: Desk, limit: int) -> None:
    ids = [new_id() for _ in range(5)]
    with dedicated(desk.unit_of_work.engine) as one, dedicated(desk.unit_of_work.engine) as other:
        assert list(store.hold(one, "delivery", ids, limit)) == ids[:limit]
        assert list(store.hold(other, "delivery", ids, 5)) == ids[limit:]


def test_messages_and_deliveries_of_the_same_id_are_held_apart(desk: Desk) -> None:
    ids = [new_id()]
    with dedicated(desk.unit_of_work.engine) as one, dedicated(desk.unit_of_work.engine) as other:
        assert store.hold(one, "message", ids, 1) == ids
        assert store.hold(other, "delivery", ids, 1) == ids
        assert store.hold(other, "message", ids, 1) == []


def test_a_connection_that_is_lost_ends_the_hold_and_the_sender_says_so(
    desk: Desk, hanging: Hanging, postgres_server: Server
) -> None:
    """Between two deliveries the sender asks whether its session is still there."""
    desk.portal.people = [officer(f"officer-{n}", email=None) for n in range(2)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    failed: list[BaseException] = []

    def send() -> None:
        try:
            desk.sender.send()
        except Exception as error:  # noqa: BLE001 - what a thread raises is looked at outside
            failed.append(error)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    assert hanging.called.wait(20)
    with postgres_server.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = %s)",
            (desk.unit_of_work.engine.url.database,),
        )
    hanging.go_on.set()
    thread.join(20)
    assert hanging.calls == 1, "the second was not begun without a hold"
    assert type(failed[0]).__name__ == "OperationalError"
    assert desk.sender.send() == 1
    assert hanging.calls == 2


def test_the_loop_goes_on_after_its_connection_was_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    one_text_message(desk)
    monkeypatch.setattr(sending, "RETRY_S", 0.01)
    holds: list[int] = []
    right = store.hold

    def first_lost(*arguments: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        holds.append(1)
        if len(holds) == 1:
            arguments[0].execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return right(*arguments)

    monkeypatch.setattr(store, "hold", first_lost)
    stop = threading.Event()
    thread = threading.Thread(target=desk.sender.run, args=(stop,), daemon=True)
    thread.start()
    try:
        wait_until(lambda: desk.states()[-1] == ("sms", "sent"), 20, "the message")
    finally:
        stop.set()
        thread.join(20)
    assert len(holds) > 1


def test_what_ends_its_sender_every_time_fails_in_the_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_text_message(desk)
    right = Sender._call_out
    monkeypatch.setattr(Sender, "_call_out", lambda *_: pytest.fail("it dies"))
    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(pytest.fail.Exception):
            desk.sender.send()
        wait_until(lambda: not held_by_anyone(desk), 20, "the end of the session of the one that died")
    monkeypatch.setattr(Sender, "_call_out", right)
    assert desk.sender.send() == 1
    (row,) = desk.rows("SELECT state, failure FROM deliveries WHERE channel = 'sms'")
    assert row.state == "failed"
    assert "ended 8 times" in row.failure
    assert desk.gateway.received == []


def test_what_was_sent_meanwhile_is_not_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and holding another sender may have finished it."""
    one_text_message(desk)
    right: Callable[..., Any] = store.due_deliveries

    def looks_too_early(*arguments: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        found = right(*arguments)
        monkeypatch.setattr(store, "due_deliveries", right)
        assert desk.sender.send() == 1
        return found

    monkeypatch.setattr(store, "due_deliveries", looks_too_early)
    assert desk.sender.send() == 0
    assert len(desk.gateway.received) == 1
    assert desk.rows("SELECT attempts FROM deliveries WHERE channel = 'sms'")[0].attempts == 1


def test_a_sender_whose_database_is_away_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    one_text_message(desk)
    monkeypatch.setattr(sending, "RETRY_S", 0.01)
    tries: list[int] = []

    def away(self: Sender) -> int:
        tries.append(1)
        raise Unavailable("The database cannot be reached.")

    monkeypatch.setattr(Sender, "address", away)
    stop = threading.Event()
    thread = threading.Thread(target=desk.sender.run, args=(stop,), daemon=True)
    thread.start()
    try:
        wait_until(lambda: len(tries) > 2, 20, "several tries")
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def test_nobody_is_held_where_nothing_is_due(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "hold", lambda *_: pytest.fail("a connection was opened for nothing"))
    assert desk.sender.address() == desk.sender.send() == 0
