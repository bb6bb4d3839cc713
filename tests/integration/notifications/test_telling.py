"""From a fact to the people who must act: in the application, by mail, by text message."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from services.notifications.deliveries.model import ATTEMPTS_MAX, back_off
from shared.kernel.ids import new_id
from shared.testing.waiting import wait_until
from tests.integration.notifications.conftest import DISTRICT, Desk, officer

REFUSED: dict[str, Any] = {
    "list_id": str(new_id()),
    "submission": 1,
    "unit_id": DISTRICT,
    "lines": [{"line": "merit_monthly", "needed_vnd": 9, "available_vnd": 5, "shortfall_vnd": 4}],
}
APPROVED: dict[str, Any] = {
    "decision_id": str(new_id()),
    "unit_id": DISTRICT,
    "title": "Giao kinh phí",
    "total_vnd": 1_466_875_000,
}
DRAWN: dict[str, Any] = {
    "list_id": str(new_id()),
    "submission": 1,
    "unit_id": DISTRICT,
    "provider": "POST-QNA",
    "amount_vnd": 60_000_000,
}
STATEMENT: dict[str, Any] = {"statement_id": str(new_id()), "provider": "POST-QNA", "matched_count": 40}


def know_the_district(desk: Desk, name: str = "Huyện Thăng Bình") -> None:
    desk.hand("units.loaded", {"snapshot": "s", "items": [{"unit_id": DISTRICT, "name": name}]})


def messages(desk: Desk, subject: str = "lan", **query: object) -> dict[str, Any]:
    reply = desk.ask("GET", "/v1/messages", subject, query_string=query)
    assert reply.status_code == 200, reply.get_data(as_text=True)
    told: dict[str, Any] = reply.get_json()
    return told


def test_a_fact_becomes_a_message_before_anybody_is_looked_up(desk: Desk) -> None:
    event_id = desk.hand("decisions.approved", APPROVED)
    (row,) = desk.rows("SELECT * FROM messages")
    assert (row.event_id, row.template, row.state) == (event_id, "decision_approved", "pending")
    assert row.permission == "decisions.issue"
    assert desk.portal.asked == []


def test_bulk_items_are_left_out_of_what_is_kept(desk: Desk) -> None:
    desk.hand("decisions.approved", APPROVED | {"items": [{"person": "x"}]})
    (row,) = desk.rows("SELECT facts FROM messages")
    assert "items" not in row.facts


def test_the_holders_are_asked_of_the_portal_by_permission_and_unit(desk: Desk) -> None:
    desk.hand("funds.drawn", DRAWN)
    assert desk.sender.address() == 1
    assert desk.portal.asked == [f"/v1/contacts?permission=lists.export&unit_id={DISTRICT}"]
    assert [row.state for row in desk.rows("SELECT state FROM messages")] == ["addressed"]


def test_an_occasion_without_a_unit_is_for_all_who_hold_the_permission(desk: Desk) -> None:
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    assert desk.portal.asked == ["/v1/contacts?permission=decisions.issue"]


def test_each_person_gets_one_delivery_for_each_channel_that_reaches_them(desk: Desk) -> None:
    desk.portal.people = [officer("lan"), officer("minh", phone=None), officer("hoa", email=None, phone=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    rows = desk.rows("SELECT user_id, channel FROM deliveries ORDER BY user_id, channel")
    assert [tuple(row) for row in rows] == [
        ("hoa", "in_app"),
        ("lan", "email"),
        ("lan", "in_app"),
        ("lan", "sms"),
        ("minh", "email"),
        ("minh", "in_app"),
    ]


def test_what_stands_in_the_application_is_delivered_at_once(desk: Desk) -> None:
    know_the_district(desk)
    desk.portal.people = [officer("lan")]
    desk.hand("funds.drawn", DRAWN)
    desk.sender.address()
    assert desk.states() == [("in_app", "delivered")]
    (shown,) = messages(desk)["items"]
    assert "Huyện Thăng Bình" in shown["subject"]
    assert "60.000.000 đồng" in shown["body"]
    assert shown["read_at"] is None


def test_a_mail_arrives_with_subject_body_and_our_own_id(desk: Desk) -> None:
    desk.portal.people = [officer("lan", phone=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    assert desk.sender.send() == 1
    (mail,) = desk.mailbox.mails
    (row,) = desk.rows("SELECT id FROM deliveries WHERE channel = 'email'")
    assert (mail["To"], mail["Message-ID"]) == ("lan@demo.example", f"<{row.id}@fundtrail>")
    assert mail["Subject"] == "Có quyết định phân bổ chờ ký ban hành"
    assert "1.466.875.000 đồng" in mail.get_content()
    assert desk.states() == [("email", "sent"), ("in_app", "delivered")]


def test_a_text_message_goes_to_the_gateway_under_our_own_id(desk: Desk) -> None:
    desk.portal.people = [officer("lan", email=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    desk.sender.send()
    ((_, path, body),) = desk.gateway.received
    (row,) = desk.rows("SELECT id FROM deliveries WHERE channel = 'sms'")
    assert path == "/messages"
    assert body == {
        "id": str(row.id),
        "to": "0900000001",
        "text": "Fundtrail: quyet dinh cho ky, 1.466.875.000 dong.",
    }
    assert ("sms", "sent") in desk.states()


def test_everybody_reads_in_their_own_language(desk: Desk) -> None:
    desk.portal.people = [officer("lan", phone=None), officer("john", phone=None, language="en")]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    desk.sender.send()
    subjects = {str(mail["To"]): str(mail["Subject"]) for mail in desk.mailbox.mails}
    assert subjects["john@demo.example"] == "An allocation decision awaits issue"
    assert subjects["lan@demo.example"] == "Có quyết định phân bổ chờ ký ban hành"


def test_no_address_is_kept(desk: Desk) -> None:
    desk.portal.people = [officer("lan")]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    desk.sender.send()
    for table in ("messages", "deliveries"):
        kept = str(desk.rows(f"SELECT t::text FROM {table} t"))
        assert "lan@demo.example" not in kept
        assert "0900000001" not in kept


def test_a_fact_handed_over_twice_is_one_message(desk: Desk) -> None:
    event_id = desk.hand("decisions.approved", APPROVED)
    with pytest.raises(IntegrityError):  # the inbox skips it before; the key is the net
        desk.hand("decisions.approved", APPROVED, event_id)
    assert len(desk.rows("SELECT 1 FROM messages")) == 1


def test_one_fact_may_be_told_to_two_kinds_of_officers(desk: Desk) -> None:
    desk.hand("funds.refused", REFUSED)
    rows = desk.rows("SELECT permission, channels FROM messages ORDER BY permission")
    assert [tuple(row) for row in rows] == [
        ("decisions.draft", "in_app,email,sms"),
        ("lists.submit", "in_app,email,sms"),
    ]


@pytest.mark.parametrize(("unmatched", "told"), [(0, 0), (1, 1), (17, 1)])
def test_a_statement_is_told_only_where_rows_did_not_match(desk: Desk, unmatched: int, told: int) -> None:
    desk.hand("statements.matched", STATEMENT | {"unmatched_count": unmatched})
    assert len(desk.rows("SELECT 1 FROM messages")) == told


def test_a_mail_server_that_is_away_is_tried_again_later_each_time(desk: Desk) -> None:
    desk.mailbox.refuses = True
    desk.portal.people = [officer("lan", phone=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    assert desk.sender.send() == 1
    (row,) = desk.rows("SELECT * FROM deliveries WHERE channel = 'email'")
    assert (row.state, row.attempts) == ("queued", 1)
    assert row.next_attempt_at == desk.clock.now() + back_off(1)
    assert "mail server" in row.failure
    assert desk.sender.send() == 0, "not before its time"
    desk.clock.advance(back_off(1))
    desk.mailbox.refuses = False
    assert desk.sender.send() == 1
    assert len(desk.mailbox.mails) == 1
    assert ("email", "sent") in desk.states()


def test_after_its_last_attempt_a_delivery_has_failed_and_is_left(desk: Desk) -> None:
    desk.gateway.answer = lambda *_: (500, {})
    desk.portal.people = [officer("lan", email=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    for _ in range(ATTEMPTS_MAX):
        assert desk.sender.send() == 1
        desk.clock.advance(timedelta(minutes=11))
    assert desk.sender.send() == 0
    (row,) = desk.rows("SELECT state, attempts FROM deliveries WHERE channel = 'sms'")
    assert (row.state, row.attempts) == ("failed", ATTEMPTS_MAX)
    assert len(desk.gateway.received) == ATTEMPTS_MAX
    assert len({body["id"] for _, _, body in desk.gateway.received}) == 1, "always under the same id"


def test_a_portal_that_is_away_puts_the_message_off_and_at_last_it_is_dead(desk: Desk) -> None:
    desk.portal.status = 503
    desk.hand("decisions.approved", APPROVED)
    waits = []
    for _ in range(ATTEMPTS_MAX):
        assert desk.sender.address() == 1
        (row,) = desk.rows("SELECT * FROM messages")
        waits.append(row.next_attempt_at - desk.clock.now())
        desk.clock.advance(timedelta(minutes=11))
    assert waits == [back_off(n) for n in range(1, ATTEMPTS_MAX + 1)]
    assert row.state == "dead"
    assert desk.sender.address() == 0


def test_a_portal_that_comes_back_gets_the_message_addressed(desk: Desk) -> None:
    desk.portal.status = 503
    desk.portal.people = [officer("lan")]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    desk.portal.status = 200
    desk.clock.advance(back_off(1))
    desk.sender.address()
    assert len(desk.rows("SELECT 1 FROM deliveries")) == 3


def test_a_token_that_ran_out_is_renewed_once(desk: Desk) -> None:
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    assert desk.portal.sign_ins == 1
    desk.portal.status = 401
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    assert desk.portal.sign_ins == 2
    assert {row.state for row in desk.rows("SELECT state FROM messages")} == {"addressed", "pending"}


def test_who_lost_the_permission_meanwhile_is_not_told(desk: Desk) -> None:
    desk.portal.people = [officer("lan", phone=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    desk.portal.people = []
    desk.sender.send()
    assert desk.mailbox.mails == []
    (row,) = desk.rows("SELECT failure FROM deliveries WHERE channel = 'email'")
    assert "does not hold the permission" in row.failure


def test_two_senders_never_take_the_same(desk: Desk) -> None:
    desk.portal.people = [officer(f"officer-{n}", phone=None) for n in range(40)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    threads = [threading.Thread(target=desk.sender.send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(str(mail["To"]) for mail in desk.mailbox.mails) == sorted(
        one["email"] for one in desk.portal.people
    )


def test_the_loop_addresses_and_sends_until_it_is_stopped(desk: Desk) -> None:
    desk.portal.people = [officer("lan")]
    desk.hand("decisions.approved", APPROVED)
    stop = threading.Event()
    thread = threading.Thread(target=desk.sender.run, args=(stop,), daemon=True)
    thread.start()
    try:
        wait_until(lambda: desk.mailbox.mails and desk.gateway.received, 20, "both messages")
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


# --- one's own messages, and receipts ------------------------------------------------------------


def test_everybody_sees_their_own_messages_only(desk: Desk) -> None:
    desk.portal.people = [officer("lan"), officer("minh")]
    desk.hand("funds.drawn", DRAWN)
    desk.sender.address()
    (own,) = messages(desk, "lan")["items"]
    (other,) = messages(desk, "minh")["items"]
    assert own["id"] != other["id"]
    assert messages(desk, "stranger")["items"] == []


def test_messages_come_newest_first_page_by_page(desk: Desk) -> None:
    desk.portal.people = [officer("lan")]
    for amount in range(1, 6):
        desk.hand("funds.drawn", DRAWN | {"amount_vnd": amount})
        desk.sender.address()
    found: list[str] = []
    query: dict[str, str] = {}
    while True:
        page = messages(desk, limit=2, **query)
        found += [one["body"].partition(" ")[0] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        query = {"cursor": page["next_cursor"]}
    assert found == ["5", "4", "3", "2", "1"]


def test_a_message_is_read_once_and_only_by_its_person(desk: Desk) -> None:
    desk.portal.people = [officer("lan")]
    desk.hand("funds.drawn", DRAWN)
    desk.sender.address()
    (shown,) = messages(desk)["items"]
    path = f"/v1/messages/{shown['id']}/reading"
    assert desk.ask("POST", path, "minh").status_code == 404
    assert messages(desk)["items"][0]["read_at"] is None
    assert desk.ask("POST", path, "lan").status_code == 204
    first = messages(desk)["items"][0]["read_at"]
    desk.clock.advance(timedelta(minutes=1))
    assert desk.ask("POST", path, "lan").status_code == 204
    assert messages(desk)["items"][0]["read_at"] == first


def test_messages_need_a_sign_in(desk: Desk) -> None:
    assert desk.app.test_client().get("/v1/messages").status_code == 401


def receipt(desk: Desk, delivery: UUID, state: str, **grants: list[str]) -> int:
    body = {"delivery_id": str(delivery), "state": state}
    held = grants or {"receipts.report": ["root"]}
    return desk.ask("POST", "/v1/receipts", "gateway", held, json=body).status_code


def sms_state(desk: Desk) -> str:
    return str(desk.rows("SELECT state FROM deliveries WHERE channel = 'sms'")[0].state)


@pytest.fixture
def sent(desk: Desk) -> UUID:
    """The id of a text message that the gateway took."""
    desk.portal.people = [officer("lan", email=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    desk.sender.send()
    return UUID(str(desk.rows("SELECT id FROM deliveries WHERE channel = 'sms'")[0].id))


def test_a_receipt_moves_a_delivery_up(desk: Desk, sent: UUID) -> None:
    assert receipt(desk, sent, "delivered") == 204
    assert sms_state(desk) == "delivered"


@pytest.mark.parametrize(
    "late", [["delivered", "delivered"], ["delivered", "failed"], ["failed", "delivered"]]
)
def test_late_and_repeated_receipts_never_take_a_delivery_back(
    desk: Desk, sent: UUID, late: list[str]
) -> None:
    assert [receipt(desk, sent, state) for state in late] == [204, 204]
    assert sms_state(desk) == "delivered"


def test_a_receipt_that_overtakes_the_sending_is_not_undone_by_it(desk: Desk) -> None:
    desk.portal.people = [officer("lan", email=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    delivery = desk.rows("SELECT id FROM deliveries WHERE channel = 'sms'")[0].id

    def answer(*_: object) -> tuple[int, dict[str, Any]]:
        receipt(desk, delivery, "delivered")
        return 202, {}

    desk.gateway.answer = answer
    desk.sender.send()
    assert sms_state(desk) == "delivered"


def test_a_receipt_for_nothing_of_ours_changes_nothing(desk: Desk, sent: UUID) -> None:
    assert receipt(desk, new_id(), "failed") == 204
    assert sms_state(desk) == "sent"


def test_only_a_gateway_reports_receipts(desk: Desk, sent: UUID) -> None:
    assert receipt(desk, sent, "delivered", **{"lists.submit": ["root"]}) == 403
    assert sms_state(desk) == "sent"


@pytest.mark.parametrize("state", ["queued", "sent", "lost", ""])
def test_a_gateway_reports_an_end_and_nothing_else(desk: Desk, sent: UUID, state: str) -> None:
    assert receipt(desk, sent, state) == 422
