"""A short way through every service, past everything that it records."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from services.audit.log.events import KeysRotated, RepublishRequested
from shared.inbox.events import QuarantineSettled
from shared.journal.events import EpochBegun
from shared.journal.recording import Topic
from shared.kernel.acts import Act
from shared.kernel.ids import new_id
from tests.contract.api.worlds import death_of
from tests.integration.allocation.district import LATER, District
from tests.integration.allocation.offices import line
from tests.integration.beneficiaries.office import by_bank

if TYPE_CHECKING:
    from tests.contract.api.worlds import World

MILLION = 1_000_000
BANK, POST = "BANK-QNA", "POST-QNA"
PASSWORD = "a-long-enough-password-1"


def of_allocation(world: World) -> None:
    """Lists held, refused, withdrawn, drawn, answered, closed; late returns; a year's end."""
    offices = world.desk
    district = District(offices, world.relations["own"])
    draft = offices.draft([line(MILLION)])
    assert offices.step(offices.officer, draft, "submission").status_code == 200
    assert offices.step(offices.checker, draft, "return", {"reason": "why"}).status_code == 200
    assert offices.revise(draft, [line(2 * MILLION)], seen=3).status_code == 200
    assert offices.step(offices.officer, draft, "withdrawal", {"reason": "why"}).status_code == 200
    district.withdraw(district.held(5 * MILLION))
    district.refuse(district.approve(MILLION))
    district.approve(10**12)
    named = district.drawn(60 * MILLION)
    district.withdraw(named)
    district.answer("settled", named, 40 * MILLION)
    district.answer("returned", named, 20 * MILLION)
    district.close(named, 1, 1)
    district.close_year()
    district.answer("returned_late", named, 10 * MILLION, statement=str(new_id()), on=LATER)
    district.close(named, 30 * MILLION, 30 * MILLION, on=LATER)


def of_beneficiaries(world: World) -> None:
    """A month from the register to closed lists, with changes, returns, a reissue and a late return."""
    office = world.desk
    office.take_over("2024-07", ("QN-1", "TB", MILLION))
    office.import_persons(*(by_bank(f"QN-20{n}") for n in range(3)))
    sent = office.prepare_register(by_bank("QN-209"))
    office.approver.post(f"/v1/registrations/{sent}/rejection", {"reason": "why"})
    approve, reject = (office.officer.post("/v1/changes", death_of("QN-2"))["id"] for _ in range(2))
    office.approver.post(f"/v1/changes/{reject}/rejection")
    office.approver.post(f"/v1/changes/{approve}/approval")
    office.on(2024, 8, 20)
    office.pay("2024-09")
    found = office.lists("2024-09")
    bank, post = (found["Núi Thành", one]["id"] for one in (BANK, POST))
    office.officer.post(f"/v1/lists/{post}/submission")
    office.approver.post(f"/v1/lists/{post}/return", {"reason": "why"})
    office.approve(post)
    office.officer.post(f"/v1/lists/{post}/withdrawal", {"reason": "why"})
    office.instruct(bank)
    assert office.officer.ask("POST", f"/v1/lists/{bank}/file").status_code == 200
    paid, back, _ = [(one["id"], one["amount_vnd"]) for one in office.payments(bank)]
    told = office.answer_for(BANK, (*paid, ""), (*back, "AC04"), (str(new_id()), 1, ""))
    row = office.unmatched(told)[0][0]
    office.officer.post(f"/v1/statements/{told['id']}/unmatched/{row}/explanation", {"reason": "found"})
    office.answer_for(BANK, (*paid, "BE01"), day="2024-08-25")
    made = office.reissue(bank, BANK, back[0])
    office.instruct(made["list"]["id"])
    office.officer.post(f"/v1/lists/{bank}/closure")


def of_portal(world: World) -> None:
    """An account is made, signs in and out, changes its word, fails, is blocked."""
    caller, name = world.caller, "lan"
    roles = [{"role": "back_dater", "unit_id": world.relations["own"], "from_on": "2024-01-01"}]
    body = {"username": name, "display_name": "Lan", "password": PASSWORD, "assignments": roles}
    made = caller.ask("post", "/v1/users", json=body).get_json()
    given = {"username": name, "password": PASSWORD}
    tokens = caller.ask("post", "/v1/tokens", json=given).get_json()
    for wrong in ({**given, "password": "x"}, {**given, "username": "nobody-of-this-name"}):
        assert caller.ask("post", "/v1/tokens", json=wrong).status_code == 401
    gone = {"refresh_token": tokens["refresh_token"]}
    assert caller.ask("post", "/v1/tokens/revocation", json=gone).status_code == 204
    own = {"Authorization": f"Bearer {caller.token({}, made['user_id'])}"}
    words = {"current": PASSWORD, "new": f"{PASSWORD}2"}
    assert caller.ask("put", "/v1/users/me/password", own, json=words).status_code == 204
    assert caller.ask("post", f"/v1/users/{made['user_id']}/block").status_code == 204


def of_audit(world: World) -> None:
    """An inspector searches and takes proofs; a hole in a journal is asked for."""
    for path in (
        "/v1/entries?unit=" + world.ids["payment_id"],
        "/v1/entries/0",
        "/v1/entries/0/proof?item=0",
    ):
        assert world.caller.ask("get", path).status_code == 200, path
    for part in ("chain", "proof"):
        reply = world.caller.ask("get", f"/v1/payments/{world.ids['payment_id']}/{part}")
        assert reply.status_code == 200, part
    with of_operator(world) as work:
        work.record(RepublishRequested("portal", 1, 7))
        key = {"begun_size": 0, "ended_size": None, "key_id": "530d903a", "vkey": "log+530d903a+AekyeRrm"}
        work.record(KeysRotated("begun", (key,)), Topic.TRAIL)


def of_notifications(world: World) -> None:
    """What operators do to any journal and any quarantine."""
    with of_operator(world) as work:
        work.record(EpochBegun(2, 100), Topic.TRAIL)
        settled = QuarantineSettled(str(new_id()), "x", 1, "x.events.v1", "k", "event_malformed", "dropped")
        work.record(settled, Topic.TRAIL)


@contextlib.contextmanager
def of_operator(world: World) -> Iterator[Any]:
    unit_of_work = world.caller.context.unit_of_work
    with unit_of_work.begin(Act.system("operator", unit_of_work.clock.now(), "why")) as work:
        yield work


WAYS: dict[str, Callable[[World], None]] = {
    "allocation": of_allocation,
    "beneficiaries": of_beneficiaries,
    "portal": of_portal,
    "audit": of_audit,
    "notifications": of_notifications,
}
