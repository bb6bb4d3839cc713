"""What an officer may do to a list in each of its states, and what is refused without half an act."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from shared.kernel.ids import new_id
from tests.integration.beneficiaries.office import THANG_BINH, Person, by_bank, person, problem_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.beneficiaries.office import Office

POST = ("Núi Thành", "POST-QNA")
REASON = {"reason": "wrong month"}
SHA = {"content_sha256": "0" * 64}


@pytest.fixture
def list_id(office: Office) -> str:
    office.import_persons(person("QN-1"), person("QN-2"))
    office.pay("2024-08")
    found: str = office.lists()[POST]["id"]
    return found


def tell(office: Office, list_id: str, *kinds: str) -> None:
    for kind in kinds:
        office.hear(f"funds.{kind}", list_id=list_id, submission=1, lines=[], reason="x")
        office.work_off()


def submitted(office: Office, list_id: str) -> None:
    office.officer.post(f"/v1/lists/{list_id}/submission")


def approved(office: Office, list_id: str) -> None:
    office.approve(list_id)


def withdrawing(office: Office, list_id: str) -> None:
    held(office, list_id)
    office.officer.post(f"/v1/lists/{list_id}/withdrawal", REASON)


def held(office: Office, list_id: str) -> None:
    approved(office, list_id)
    tell(office, list_id, "held")


def refused(office: Office, list_id: str) -> None:
    approved(office, list_id)
    tell(office, list_id, "refused")


def withdrawn(office: Office, list_id: str) -> None:
    withdrawing(office, list_id)
    tell(office, list_id, "voided")


def drawn(office: Office, list_id: str) -> None:
    held(office, list_id)
    office.hear("funds.drawn", list_id=list_id, submission=1)


def instructed(office: Office, list_id: str) -> None:
    held(office, list_id)
    tell(office, list_id, "drawn")


def closing(office: Office, list_id: str) -> None:
    instructed(office, list_id)
    office.officer.post(f"/v1/lists/{list_id}/closure")


def closed(office: Office, list_id: str) -> None:
    closing(office, list_id)
    tell(office, list_id, "list_closed")


def computed(_: Office, __: str) -> None:
    """A list is so from the start."""


STATES: dict[str, Callable[[Office, str], None]] = {
    "computed": computed,
    "submitted": submitted,
    "approved": approved,
    "held": held,
    "refused": refused,
    "drawn": drawn,
    "instructed": instructed,
    "closing": closing,
    "closed": closed,
    "withdrawing": withdrawing,
    "withdrawn": withdrawn,
}
# What may be done, and in which states it may be.
ACTS: dict[str, tuple[str, dict[str, str] | None, set[str]]] = {
    "submission": ("officer", None, {"computed", "refused", "withdrawn"}),
    "return": ("approver", REASON, {"submitted"}),
    "withdrawal": ("officer", REASON, {"approved", "held"}),
    "closure": ("officer", None, {"instructed"}),
    "approval": ("approver", SHA, set()),  # what was seen is never this content
}


@pytest.mark.parametrize("state", sorted(STATES))
def test_in_every_state_a_list_takes_the_acts_of_that_state_and_no_others(
    office: Office, list_id: str, state: str
) -> None:
    STATES[state](office, list_id)
    assert office.officer.get(f"/v1/lists/{list_id}")["state"] == state
    journal = office.one("SELECT count(*) FROM journal WHERE key = :key", key=list_id)
    for name in sorted(ACTS):
        who, body, states = ACTS[name]
        if state in states:
            continue
        reply = getattr(office, who).ask("POST", f"/v1/lists/{list_id}/{name}", body)
        expected = "content_differs" if (name, state) == ("approval", "submitted") else "list_state"
        assert problem_of(reply) == (409, expected), name
    assert office.officer.get(f"/v1/lists/{list_id}")["state"] == state
    assert office.one("SELECT count(*) FROM journal WHERE key = :key", key=list_id) == journal


@pytest.mark.parametrize("name", sorted(set(ACTS) - {"approval"}))
def test_each_act_is_taken_in_the_states_that_allow_it(office: Office, list_id: str, name: str) -> None:
    who, body, states = ACTS[name]
    state = min(states)
    STATES[state](office, list_id)
    reply = getattr(office, who).ask("POST", f"/v1/lists/{list_id}/{name}", body)
    assert reply.status_code < 300, reply.get_json()
    assert reply.get_json()["state"] != state


@pytest.mark.parametrize(
    "state", ["computed", "submitted", "approved", "held", "refused", "drawn", "withdrawn"]
)
def test_no_file_leaves_the_house_before_the_list_is_instructed(
    office: Office, list_id: str, state: str
) -> None:
    STATES[state](office, list_id)
    reply = office.officer.ask("POST", f"/v1/lists/{list_id}/file")
    assert problem_of(reply) == (409, "list_not_instructed")
    assert office.events("lists.exported") == []


def test_sending_back_stands_in_the_trail_with_its_reason(office: Office, list_id: str) -> None:
    submitted(office, list_id)
    office.approver.post(f"/v1/lists/{list_id}/return", {"reason": "one line is missing"})
    (event,) = office.events("lists.sent_back")
    assert (event["list_id"], event["submission"]) == (list_id, 1)
    row = office.rows("SELECT actor, reason FROM journal WHERE type LIKE '%lists.sent_back%'")[0]
    assert tuple(row) == ("minh", "one line is missing")


def test_who_submitted_does_not_send_back(office: Office, list_id: str) -> None:
    submitted(office, list_id)
    own = Person(office, "lan", ("lists.approve",))
    reply = own.ask("POST", f"/v1/lists/{list_id}/return", REASON)
    assert problem_of(reply) == (403, "maker_is_checker")


def test_an_approval_of_what_was_resubmitted_since_is_refused(office: Office, list_id: str) -> None:
    """The content of a list never changes, so the hash alone would let an old approval through."""
    first = office.officer.ask("POST", f"/v1/lists/{list_id}/submission")
    seen, content = first.headers["ETag"], {"content_sha256": first.get_json()["content_sha256"]}
    office.approver.post(f"/v1/lists/{list_id}/return", REASON)
    submitted(office, list_id)
    path = f"/v1/lists/{list_id}/approval"
    stale = office.approver.ask("POST", path, content, headers={"If-Match": seen})
    assert problem_of(stale) == (412, "version_changed")
    assert office.officer.get(f"/v1/lists/{list_id}")["state"] == "submitted"
    fresh = f'"{office.officer.get(f"/v1/lists/{list_id}")["version"]}"'
    assert office.approver.ask("POST", path, content, headers={"If-Match": fresh}).status_code == 200


@pytest.mark.parametrize("name", ["submission", "return", "withdrawal", "approval"])
def test_a_version_that_is_not_the_stored_one_stops_every_act(
    office: Office, list_id: str, name: str
) -> None:
    who, body, _ = ACTS[name]
    reply = getattr(office, who).ask(
        "POST", f"/v1/lists/{list_id}/{name}", body, headers={"If-Match": '"99"'}
    )
    assert problem_of(reply) == (412, "version_changed")


@pytest.mark.parametrize(
    "content",
    [{}, {"content_sha256": ""}, {"content_sha256": "0" * 65}, {"content_sha256": 5}, {"hash": "x"}],
    ids=["nothing", "empty", "too long", "number", "other name"],
)
def test_an_approval_says_what_was_seen(office: Office, list_id: str, content: dict[str, Any]) -> None:
    submitted(office, list_id)
    reply = office.approver.ask("POST", f"/v1/lists/{list_id}/approval", content)
    assert problem_of(reply) == (422, "request_invalid")
    assert office.officer.get(f"/v1/lists/{list_id}")["state"] == "submitted"


@pytest.mark.parametrize("name", ["return", "withdrawal"])
@pytest.mark.parametrize(
    "body",
    [{}, {"reason": ""}, {"reason": " "}, {"reason": 5}, {"reason": "a\0"}, {"reason": "x" * 2001}],
    ids=["nothing", "empty", "blank", "number", "control", "too long"],
)
def test_giving_back_needs_a_reason(office: Office, list_id: str, name: str, body: dict[str, Any]) -> None:
    who = "approver" if name == "return" else "officer"
    reply = getattr(office, who).ask("POST", f"/v1/lists/{list_id}/{name}", body)
    assert problem_of(reply) == (422, "request_invalid")


def test_the_hash_is_that_of_the_payments(office: Office, list_id: str) -> None:
    """Somebody who may do anything to the database changes an amount: it is not the list that was seen."""
    path = f"/v1/lists/{list_id}"
    hashes = []
    for more in (0, 1, -1):
        query = text("UPDATE payments SET amount_vnd = amount_vnd + :more WHERE list_id = :list")
        with office.owner.begin() as connection:
            connection.execute(query, {"more": more, "list": list_id})
        hashes.append(office.officer.post(f"{path}/submission")["content_sha256"])
        office.approver.post(f"{path}/return", REASON)
    assert hashes[0] == hashes[2] != hashes[1]
    with office.owner.connect() as connection:
        paid = connection.execute(
            text("SELECT id, person_id, amount_vnd FROM payments WHERE list_id = :list"), {"list": list_id}
        ).all()
    written = "".join(f"{one.id}|{one.person_id}|{one.amount_vnd}\n" for one in sorted(paid))
    assert hashes[0] == hashlib.sha256(written.encode()).hexdigest()


@pytest.mark.parametrize("name", ["submission", "approval"])
def test_of_two_who_act_at_once_one_wins(office: Office, list_id: str, name: str) -> None:
    who, body, _ = ACTS[name]
    if name == "approval":
        body = {"content_sha256": office.officer.post(f"/v1/lists/{list_id}/submission")["content_sha256"]}
    start = threading.Barrier(4)
    replies: list[int] = []

    def press() -> None:
        start.wait()
        replies.append(getattr(office, who).ask("POST", f"/v1/lists/{list_id}/{name}", body).status_code)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(replies) == [200, 409, 409, 409]
    told = {"submission": "lists.submitted", "approval": "lists.approved"}[name]
    assert len(office.events(told)) == 1


def test_a_list_that_nobody_knows_takes_no_act(office: Office) -> None:
    for name in sorted(ACTS):
        who, body, _ = ACTS[name]
        reply = getattr(office, who).ask("POST", f"/v1/lists/{new_id()}/{name}", body)
        assert problem_of(reply) == (404, "list_unknown"), name


def test_another_district_moves_no_list(office: Office, list_id: str) -> None:
    permissions = ("lists.submit", "lists.approve", "lists.withdraw", "lists.export", "lists.read")
    foreign = Person(office, "ha", permissions, (THANG_BINH,))
    for name in sorted(ACTS):
        reply = foreign.ask("POST", f"/v1/lists/{list_id}/{name}", ACTS[name][1])
        assert problem_of(reply) == (403, "unit_foreign"), name
    assert problem_of(foreign.ask("POST", f"/v1/lists/{list_id}/file")) == (403, "unit_foreign")
    refusals = office.rows("SELECT topic FROM journal WHERE type LIKE '%attempt_refused%'")
    assert [row.topic for row in refusals] == ["trail"] * 6


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("period=2024-08", 2),
        ("period=2024-08&state=computed", 1),
        ("period=2024-08&state=submitted", 1),
        ("period=2024-09", 0),
        (f"period=2024-08&unit_id={THANG_BINH}", 0),
        ("period=2024-08&limit=1", 1),
    ],
    ids=["month", "computed", "submitted", "other month", "other unit", "one"],
)
def test_lists_are_found(office: Office, query: str, count: int) -> None:
    office.import_persons(person("QN-1"), by_bank("QN-2"))
    office.pay("2024-08")
    submitted(office, office.lists()[POST]["id"])
    assert len(office.officer.get(f"/v1/lists?{query}")["items"]) == count


@pytest.mark.parametrize(
    "query",
    ["period=2024-8", "period=2024-08&state=lost", "period=2024-08&unit_id=x", "period=2024-08&x=1"],
    ids=["malformed", "no state", "no unit", "unknown"],
)
def test_a_question_for_lists_that_cannot_be_read_is_refused(office: Office, query: str) -> None:
    assert problem_of(office.officer.ask("GET", f"/v1/lists?{query}")) == (422, "request_invalid")
