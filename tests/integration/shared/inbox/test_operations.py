from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from deploy.cli import main as cli
from deploy.cli.quarantine import CONSUMERS, handlers_of
from shared.bus.port import Delivered
from shared.inbox import operations, store
from shared.inbox.operations import Retried
from shared.kernel import canonical
from shared.kernel.acts import Act
from shared.kernel.errors import Conflict, NotFound, Rejected
from tests.integration.shared.inbox.conftest import refuse

if TYPE_CHECKING:
    from pathlib import Path

    from shared.journal.envelope import Envelope
    from tests.integration.shared.conftest import Desk
    from tests.integration.shared.inbox.conftest import Receiver


@pytest.fixture
def stuck(desk_receiver: Receiver) -> list[Envelope]:
    """Key "a": 1 took effect, 2 is refused, 3 and 4 wait behind it; key "b": 5 took effect."""
    desk_receiver.trouble[2] = refuse
    sender, desk = desk_receiver.sender, desk_receiver.desk
    items = [sender.event(desk, "a", n) for n in range(1, 5)]
    sender.send(*items, sender.event(desk, "b", 5))
    desk_receiver.take(5)
    return items


def operator(desk: Desk) -> Act:
    return Act(actor="operator:lan", occurred_at=desk.clock.now(), reason="the rule was mended")


def retry(receiver: Receiver, number: int) -> Retried:
    desk = receiver.desk
    return operations.retry(desk.unit_of_work, desk.name, receiver.handlers(), number, operator(desk))


def trail(desk: Desk) -> list[tuple[str, str]]:
    rows = desk.rows("SELECT * FROM journal WHERE topic = 'trail' ORDER BY seq")
    return [(canonical.decode(bytes(row.data))["outcome"], row.reason) for row in rows]


def test_open_messages_are_listed_oldest_first(desk_receiver: Receiver, stuck: list[Envelope]) -> None:
    with desk_receiver.desk.service.connect() as connection:
        rows = operations.list_open(connection, desk_receiver.desk.name)
        assert store.open_count(connection) == 3
        assert operations.list_open(connection, "somebody else") == []
    assert [row.event_id for row in rows] == [item.id for item in stuck[1:]]


def test_a_message_is_shown_as_it_was_received(desk_receiver: Receiver, stuck: list[Envelope]) -> None:
    desk = desk_receiver.desk
    with desk.service.connect() as connection:
        row = operations.show(connection, desk.name, desk_receiver.number_of(stuck[1].id))
        with pytest.raises(NotFound):
            operations.show(connection, desk.name, 10_000)
    assert bytes(row.value) == stuck[1].data
    assert {name: base64.b64decode(value) for name, value in row.headers}["ce_id"] == stuck[1].id.encode()


def test_a_retry_takes_the_message_and_those_behind_it_in_order(
    desk_receiver: Receiver, stuck: list[Envelope]
) -> None:
    desk_receiver.trouble.clear()
    assert retry(desk_receiver, desk_receiver.number_of(stuck[1].id)) == Retried(3)
    assert [value for key, value in desk_receiver.effects if key == "a"] == [1, 2, 3, 4]
    assert {state for _, state, _ in desk_receiver.quarantined()} == {"retried"}
    assert trail(desk_receiver.desk) == [("retried", "the rule was mended")] * 3


def test_the_key_flows_again_and_nothing_comes_twice_after_a_retry(
    desk_receiver: Receiver, stuck: list[Envelope]
) -> None:
    desk_receiver.trouble.clear()
    retry(desk_receiver, desk_receiver.number_of(stuck[1].id))
    sender = desk_receiver.sender
    sender.send(sender.event(desk_receiver.desk, "a", 6))
    desk_receiver.take(1)
    desk_receiver.again_from_the_beginning(6)
    assert [value for key, value in desk_receiver.effects if key == "a"] == [1, 2, 3, 4, 6]


def test_a_message_that_is_refused_again_changes_nothing(
    desk_receiver: Receiver, stuck: list[Envelope]
) -> None:
    before = desk_receiver.quarantined()
    with pytest.raises(Rejected, match="not_wanted"):
        retry(desk_receiver, desk_receiver.number_of(stuck[1].id))
    assert desk_receiver.quarantined() == before
    assert trail(desk_receiver.desk) == []
    assert len(desk_receiver.effects) == 2


def test_a_retry_stops_at_the_first_behind_that_is_refused(
    desk_receiver: Receiver, stuck: list[Envelope]
) -> None:
    desk_receiver.trouble = {3: refuse}
    done = retry(desk_receiver, desk_receiver.number_of(stuck[1].id))
    assert (done.count, done.refused, done.code) == (
        1,
        desk_receiver.number_of(stuck[2].id),
        "not_wanted",
    )
    assert [state for _, state, _ in desk_receiver.quarantined()] == ["retried", "rejected", "behind"]
    assert [value for key, value in desk_receiver.effects if key == "a"] == [1, 2]


def test_only_the_first_of_a_key_can_be_retried(desk_receiver: Receiver, stuck: list[Envelope]) -> None:
    desk_receiver.trouble.clear()
    with pytest.raises(Conflict, match="message_behind"):
        retry(desk_receiver, desk_receiver.number_of(stuck[2].id))


def test_a_dropped_message_never_takes_effect_and_the_rest_can_be_retried(
    desk_receiver: Receiver, stuck: list[Envelope]
) -> None:
    desk = desk_receiver.desk
    number = desk_receiver.number_of(stuck[1].id)
    operations.drop(desk.unit_of_work, desk.name, number, operator(desk))
    desk_receiver.trouble.clear()
    assert retry(desk_receiver, desk_receiver.number_of(stuck[2].id)) == Retried(2)
    desk_receiver.again_from_the_beginning(5)
    assert [value for key, value in desk_receiver.effects if key == "a"] == [1, 3, 4]
    assert trail(desk)[0] == ("dropped", "the rule was mended")


def test_a_settled_message_cannot_be_settled_again(desk_receiver: Receiver, stuck: list[Envelope]) -> None:
    desk = desk_receiver.desk
    number = desk_receiver.number_of(stuck[1].id)
    operations.drop(desk.unit_of_work, desk.name, number, operator(desk))
    with pytest.raises(Conflict, match="message_settled"):
        operations.drop(desk.unit_of_work, desk.name, number, operator(desk))
    with pytest.raises(Conflict, match="message_settled"):
        retry(desk_receiver, number)


def test_a_version_that_is_still_unknown_stays_where_it_is(desk_receiver: Receiver) -> None:
    sender, desk = desk_receiver.sender, desk_receiver.desk
    item = sender.event(desk, "a", 1, type="vn.fundtrail.toys.counted.v2")
    sender.send(item)
    desk_receiver.take(1)
    with pytest.raises(Rejected, match="event_version_unknown"):
        retry(desk_receiver, desk_receiver.number_of(item.id))
    newer = {**desk_receiver.handlers(), item.type: desk_receiver.handlers()[sender.event(desk, "a", 0).type]}
    done = operations.retry(
        desk.unit_of_work, desk.name, newer, desk_receiver.number_of(item.id), operator(desk)
    )
    assert done == Retried(1)
    assert desk_receiver.effects == [("a", 1)]


def test_every_consumer_has_handlers_that_the_command_finds() -> None:
    assert CONSUMERS
    for service in CONSUMERS:
        assert all(callable(handler) for handler in handlers_of(service).values())


def fundtrail(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = cli.main(words)
    captured = capsys.readouterr()
    return status, captured.out + captured.err


@pytest.fixture
def home(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder whose instance has one database."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    addresses = {
        "owner": desk.addresses.owner,
        "service": desk.addresses.service,
        "reader": desk.addresses.reader,
    }
    (secrets / "addresses.json").write_text(json.dumps({"beneficiaries": addresses}))
    monkeypatch.setenv("FUNDTRAIL_HOME", str(tmp_path))
    return tmp_path


def test_the_command_lists_shows_and_drops(
    home: Path, desk_receiver: Receiver, stuck: list[Envelope], capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_receiver.desk
    desk.change("UPDATE quarantine SET consumer = 'beneficiaries'")
    number = str(desk_receiver.number_of(stuck[1].id))
    status, printed = fundtrail(capsys, "quarantine", "list", "beneficiaries")
    assert status == 0
    assert len(printed.splitlines()) == 3
    status, printed = fundtrail(capsys, "quarantine", "show", "beneficiaries", number)
    assert (status, "not_wanted" in printed, '{"value":2}' in printed) == (0, True, True)
    status, printed = fundtrail(
        capsys, "quarantine", "drop", "beneficiaries", number, "--reason", "sent in error"
    )
    assert status == 0
    assert trail(desk) == [("dropped", "sent in error")]


def test_the_command_says_why_it_did_nothing(
    home: Path, desk_receiver: Receiver, stuck: list[Envelope], capsys: pytest.CaptureFixture[str]
) -> None:
    desk_receiver.desk.change("UPDATE quarantine SET consumer = 'beneficiaries'")
    number = str(desk_receiver.number_of(stuck[1].id))
    status, printed = fundtrail(capsys, "quarantine", "retry", "beneficiaries", number, "--reason", "again")
    assert (status, "does not know" in printed) == (1, True)
    status, printed = fundtrail(capsys, "quarantine", "list", "portal")
    assert (status, "Start the instance" in printed) == (1, True)
    status, printed = fundtrail(capsys, "quarantine", "show", "beneficiaries", "999")
    assert (status, "no message 999" in printed) == (1, True)


def test_the_command_retries_with_the_services_own_handlers(
    home: Path, desk_receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    desk, sender = desk_receiver.desk, desk_receiver.sender
    data = canonical.encode({"snapshot": "2023", "items": []})
    item = sender.event(desk, "2023", 1, type="vn.fundtrail.units.loaded.v1", data=data)
    record = sender.record(item)
    delivered = Delivered(record.topic, 0, 0, record.key, record.headers, record.value)
    with desk.service.begin() as connection:
        store.put_aside(connection, "beneficiaries", item.id, delivered, "rejected", "bug", "A bug.")
    number = str(desk_receiver.number_of(item.id))
    status, printed = fundtrail(capsys, "quarantine", "retry", "beneficiaries", number, "--reason", "mended")
    assert (status, printed) == (0, "1 taken.\n")
    assert desk.one("SELECT count(*) FROM inbox WHERE event_id = :id", id=item.id) == 1
    assert trail(desk) == [("retried", "mended")]
    status, printed = fundtrail(capsys, "quarantine", "list", "beneficiaries")
    assert (status, printed) == (0, "Nothing is in quarantine.\n")


def test_an_act_without_a_reason_is_not_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fundtrail(capsys, "quarantine", "drop", "beneficiaries", "1")


def test_the_command_begins_an_epoch(
    home: Path, desk_receiver: Receiver, stuck: list[Envelope], capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_receiver.desk
    desk.change("UPDATE journal_cursor SET halted = 'the bus is ahead'")
    assert desk.one("SELECT count(*) FROM inbox_topics") == 1
    status, printed = fundtrail(capsys, "epoch", "begin", "beneficiaries", "--reason", "the disk was lost")
    assert (status, "Epoch 2" in printed) == (0, True)
    assert desk.one("SELECT halted FROM journal_cursor") is None
    assert desk.one("SELECT reason FROM journal_epochs WHERE epoch = 2") == "the disk was lost"
    (row,) = desk.rows("SELECT * FROM journal WHERE type = 'vn.fundtrail.journal.epoch_begun.v1'")
    assert (row.topic, row.reason) == ("trail", "the disk was lost")
    assert desk.one("SELECT count(*) FROM inbox_topics") == 0, "its consumers start at the beginning"
    before = desk_receiver.effects
    desk_receiver.start()
    desk_receiver.take(5)
    assert desk_receiver.effects == before
