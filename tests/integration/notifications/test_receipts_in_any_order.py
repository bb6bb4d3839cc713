"""Receipts of gateways, in any order, number and haste: a delivery only ever moves up."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.notifications.deliveries import store
from services.notifications.deliveries.model import RANK, State
from shared.kernel.acts import Act
from shared.kernel.ids import new_id
from tests.integration.notifications.conftest import NOW, Desk, officer
from tests.integration.notifications.test_telling import APPROVED

GATEWAY = {"receipts.report": ["root"]}
REPORTS = (State.SENT, State.DELIVERED, State.FAILED)


@pytest.fixture
def delivery(desk: Desk) -> UUID:
    """A text message that waits to be sent."""
    desk.portal.people = [officer("lan", email=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    found: UUID = desk.rows("SELECT id FROM deliveries WHERE channel = 'sms'")[0].id
    return found


def state(desk: Desk, delivery: UUID) -> str:
    return str(desk.rows("SELECT state FROM deliveries WHERE id = :id", id=delivery)[0].state)


def advance(desk: Desk, delivery: UUID, reported: State) -> bool:
    with desk.unit_of_work.begin(Act.system("notifications", NOW)) as work:
        return store.advance(work.connection, delivery, reported)


def report(desk: Desk, delivery: Any, reported: Any, **body: Any) -> Any:  # noqa: ANN401 - JSON and a reply
    told = {"delivery_id": str(delivery), "state": reported, **body}
    return desk.ask("POST", "/v1/receipts", "gateway", GATEWAY, json=told)


@pytest.mark.parametrize(
    "order", list(permutations(REPORTS)), ids=lambda order: "-".join(one.value for one in order)
)
def test_the_highest_report_wins_whatever_the_order(
    desk: Desk, delivery: UUID, order: Sequence[State]
) -> None:
    moved = [advance(desk, delivery, one) for one in order]
    assert state(desk, delivery) == "delivered"
    highest = 0
    for one, did in zip(order, moved, strict=True):
        assert did == (RANK[one] > highest)
        highest = max(highest, RANK[one])


@pytest.mark.parametrize("reported", REPORTS)
def test_the_same_report_twice_moves_once(desk: Desk, delivery: UUID, reported: State) -> None:
    assert advance(desk, delivery, reported)
    assert not advance(desk, delivery, reported)
    assert state(desk, delivery) == reported.value


def test_many_reports_at_once_come_to_the_highest(desk: Desk, delivery: UUID) -> None:
    gate = threading.Barrier(9)
    moved: list[bool] = []

    def run(reported: State) -> None:
        gate.wait()
        moved.append(advance(desk, delivery, reported))

    threads = [threading.Thread(target=run, args=(one,)) for one in REPORTS * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert state(desk, delivery) == "delivered"
    assert 1 <= sum(moved) <= 3


def test_a_report_before_the_sending_was_noted_is_kept(desk: Desk, delivery: UUID) -> None:
    """The gateway is quicker than our own commit."""

    def answer(*_: object) -> tuple[int, dict[str, str]]:
        assert report(desk, delivery, "delivered").status_code == 204
        return 202, {}

    desk.gateway.answer = answer
    assert desk.sender.send() == 1
    assert state(desk, delivery) == "delivered"
    assert desk.sender.send() == 0


def test_a_report_of_failure_ends_the_attempts(desk: Desk, delivery: UUID) -> None:
    assert report(desk, delivery, "failed").status_code == 204
    assert desk.sender.send() == 0
    assert desk.gateway.received == []
    assert report(desk, delivery, "delivered").status_code == 204
    assert state(desk, delivery) == "delivered", "it came after all"


def test_a_failed_attempt_after_the_report_takes_nothing_back(desk: Desk, delivery: UUID) -> None:
    """The message was taken, but its answer got lost: the attempt counts as failed, the receipt as true."""

    def answer(*_: object) -> tuple[int, dict[str, str]]:
        assert report(desk, delivery, "delivered").status_code == 204
        return 500, {}

    desk.gateway.answer = answer
    assert desk.sender.send() == 1
    assert state(desk, delivery) == "delivered"
    assert desk.sender.send() == 0


@pytest.mark.parametrize(
    "body",
    [
        {"state": "sent"},
        {"state": "queued"},
        {"state": "DELIVERED"},
        {"state": ""},
        {"state": None},
        {"state": ["delivered"]},
        {"delivery_id": "x"},
        {"delivery_id": None},
        {"delivery_id": 7},
        {"more": 1},
    ],
    ids=str,
)
def test_a_report_that_makes_no_sense_changes_nothing(
    desk: Desk, delivery: UUID, body: dict[str, Any]
) -> None:
    told = {"delivery_id": str(delivery), "state": "delivered", **body}
    reply = desk.ask("POST", "/v1/receipts", "gateway", GATEWAY, json=told)
    assert reply.status_code == 422
    assert [fault["pointer"] for fault in reply.get_json()["errors"]] == [f"/{next(iter(body))}"]
    assert state(desk, delivery) == "queued"


def test_a_report_about_a_delivery_of_nobody_tells_the_gateway_nothing(desk: Desk) -> None:
    assert report(desk, new_id(), "delivered").status_code == 204
    assert desk.rows("SELECT 1 FROM deliveries") == []


def test_what_was_delivered_stays_out_of_the_senders_hands(desk: Desk, delivery: UUID) -> None:
    assert advance(desk, delivery, State.DELIVERED)
    desk.rows("SELECT 1")
    with desk.owner.begin() as connection:
        connection.execute(text("UPDATE deliveries SET next_attempt_at = '2000-01-01'"))
    assert desk.sender.send() == 0


def test_a_message_in_the_application_takes_no_receipt_back(desk: Desk, delivery: UUID) -> None:
    own: UUID = desk.rows("SELECT id FROM deliveries WHERE channel = 'in_app'")[0].id
    assert report(desk, own, "failed").status_code == 204
    assert state(desk, own) == "delivered"
