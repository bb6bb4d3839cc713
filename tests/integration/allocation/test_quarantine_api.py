"""Messages that could not be taken, over HTTP: who sees them, and what retrying and dropping does."""

from __future__ import annotations

from typing import Any

import pytest

from shared.bus import cloud_events
from shared.bus.port import Delivered
from shared.inbox import store
from shared.journal.envelope import Envelope
from shared.kernel.ids import new_id
from tests.integration.allocation.district import District
from tests.integration.allocation.house import SERVICE, Person, envelope, problem

PATH = "/v1/quarantine"
TOPIC = "beneficiaries.events.v1"
WHY = {"reason": "Đã sửa nguyên nhân"}


@pytest.fixture
def operator(district: District) -> Person:
    return district.offices.holder("operator", "operations.read", "operations.act")


def aside(district: District, item: Envelope, state: str = "rejected") -> int:
    """The number of a message that was put aside as the consumer does it."""
    record = cloud_events.to_record(item.to_cloud_event("topic-1"), TOPIC)
    delivered = Delivered(TOPIC, 0, 0, record.key, record.headers, record.value)
    with district.house.unit_of_work.begin(district.house.act()) as work:
        store.put_aside(
            work.connection, SERVICE, item.id, delivered, state, "list_lines", "It has two lines."
        )
    return int(district.house.one("SELECT number FROM quarantine WHERE event_id = :id", id=item.id))


def approved(district: District, list_id: str, **changes: Any) -> Envelope:  # noqa: ANN401 - JSON
    return envelope("vn.fundtrail.lists.approved.v1", district.approved(1_000, list_id) | changes)


def settle(operator: Person, number: int, how: str, body: Any = WHY, **options: Any) -> Any:  # noqa: ANN401
    return operator.send(f"{PATH}/{number}/{how}", body, **options)


def test_what_was_put_aside_is_listed_and_shown_with_its_reason(district: District, operator: Person) -> None:
    first, second = (aside(district, approved(district, str(new_id()))) for _ in range(2))

    page = operator.get(PATH, limit=1)
    assert [one["number"] for one in page["items"]] == [first]
    assert [one["number"] for one in operator.pages(PATH, limit=1)] == [first, second]
    shown = operator.get(f"{PATH}/{first}")
    assert (shown["code"], shown["message"], shown["state"]) == (
        "list_lines",
        "It has two lines.",
        "rejected",
    )
    assert '"period":"2024-08"' in shown["value"]
    assert {one["name"]: one["value"] for one in shown["headers"]}["ce_type"].endswith("lists.approved.v1")
    problem(operator.ask("GET", f"{PATH}/999"), 404, "message_unknown")


def test_a_retry_takes_it_and_leaves_who_and_why_in_the_trail(district: District, operator: Person) -> None:
    district.give(5_000)
    number = aside(district, approved(district, str(new_id())))

    reply = settle(operator, number, "retry")
    assert reply.status_code == 200, reply.get_data(as_text=True)
    assert reply.get_json() == {"count": 1, "refused": None, "code": None, "message": None}
    assert len(district.house.journal("funds.held")) == 1
    (row,) = district.house.rows("SELECT * FROM journal WHERE type LIKE '%quarantine.settled%'")
    assert (row.actor, row.reason) == ("operator", WHY["reason"])
    assert operator.get(PATH)["items"] == []
    assert operator.get(f"{PATH}/{number}")["state"] == "retried"
    problem(settle(operator, number, "retry"), 409, "message_settled")


def test_those_behind_are_taken_as_far_as_they_can_be(district: District, operator: Person) -> None:
    district.give(5_000)
    list_id = str(new_id())
    first = aside(district, approved(district, list_id))
    behind = aside(district, approved(district, list_id, lines=[]), "behind")

    problem(settle(operator, behind, "retry"), 409, "message_behind")
    told = settle(operator, first, "retry").get_json()
    assert (told["count"], told["refused"], told["code"]) == (1, behind, "list_lines")
    assert [one["number"] for one in operator.get(PATH)["items"]] == [behind]


def test_what_is_refused_again_stays_where_it_is(district: District, operator: Person) -> None:
    number = aside(district, approved(district, str(new_id()), lines=[]))

    problem(settle(operator, number, "retry"), 422, "list_lines")
    assert [one["number"] for one in operator.get(PATH)["items"]] == [number]


def test_what_is_dropped_never_takes_effect(district: District, operator: Person) -> None:
    number = aside(district, approved(district, str(new_id())))

    assert settle(operator, number, "drop").get_json()["state"] == "dropped"
    assert operator.get(PATH)["items"] == []
    assert district.house.journal("funds.held") == district.house.journal("funds.refused") == []
    problem(settle(operator, number, "drop"), 409, "message_settled")


def test_pressed_twice_it_is_done_once(district: District, operator: Person) -> None:
    number = aside(district, approved(district, str(new_id())))
    key = str(new_id())

    first, again = (settle(operator, number, "drop", key=key) for _ in range(2))
    assert first.get_json() == again.get_json()
    assert len(district.house.rows("SELECT 1 FROM journal WHERE type LIKE '%quarantine.settled%'")) == 1


def test_only_administrators_see_and_settle_it_and_always_with_a_reason(
    district: District, operator: Person
) -> None:
    number = aside(district, approved(district, str(new_id())))
    reader = district.offices.holder("reader", "operations.read")

    problem(district.offices.accountant.ask("GET", PATH), 403, "permission_missing")
    for how in ("retry", "drop"):
        problem(settle(reader, number, how), 403, "permission_missing")
        problem(settle(operator, number, how, {}), 422, "request_invalid")
        problem(settle(operator, number, how, {"reason": " "}), 422, "request_invalid")
