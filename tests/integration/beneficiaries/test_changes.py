"""What can become different about a person: what is refused at once, what only at approval, what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.kernel.ids import id_of, new_id
from shared.kernel.sealing import Sealer, WrappedKey
from tests.integration.beneficiaries.office import (
    NUI_THANH,
    THANG_BINH,
    Person,
    by_bank,
    person,
    problem_of,
)

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

DETAILS: dict[str, dict[str, Any]] = {
    "death": {"died_on": "2024-06-02"},
    "move": {"commune_code": "20791", "from_period": "2024-07"},
    "reassessment": {"code": "TB", "injury_percent": 61, "from_period": "2024-06"},
    "receiving": {"provider": "BANK-QNA", "bank_code": "970436", "account_number": "9704361234"},
}


def body(kind: str, number: str = "QN-1", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - details
    return {
        "person_number": number,
        "kind": kind,
        "details": DETAILS[kind] | changes,
        "evidence": "extract 12/TP",
    }


@pytest.fixture
def known(office: Office) -> Office:
    """One person of Núi Thành, born in 1948, 45 % since March 2015, paid in cash."""
    office.import_persons(person("QN-1"))
    return office


# Kind, what is said, and why it cannot be.
IMPOSSIBLE: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "death tomorrow": ("death", {"died_on": "2024-07-21"}, 422, "died_ahead"),
    "death in a hundred years": ("death", {"died_on": "2124-07-20"}, 422, "died_ahead"),
    "death before birth": ("death", {"died_on": "1947-12-31"}, 422, "died_before_birth"),
    "death on no day": ("death", {"died_on": "2024-02-30"}, 422, "request_invalid"),
    "death in the year nought": ("death", {"died_on": "0000-01-01"}, 422, "request_invalid"),
    "death as a number": ("death", {"died_on": 20240602}, 422, "request_invalid"),
    "move to where one lives": ("move", {"commune_code": "20965"}, 422, "move_nowhere"),
    "move to nowhere": ("move", {"commune_code": "99999"}, 422, "commune_unknown"),
    "move to a blank": ("move", {"commune_code": ""}, 422, "commune_unknown"),
    "move in two months": ("move", {"from_period": "2024-09"}, 422, "month_ahead"),
    "move before birth": ("move", {"from_period": "1947-12"}, 422, "month_before_birth"),
    "move in the year nought": ("move", {"from_period": "0000-01"}, 422, "month_before_birth"),
    "move in month 13": ("move", {"from_period": "2024-13"}, 422, "request_invalid"),
    "move with a control character": ("move", {"commune_code": "2\x0079"}, 422, "request_invalid"),
    "percent 0": ("reassessment", {"injury_percent": 0}, 422, "rate_missing"),
    "percent 20": ("reassessment", {"injury_percent": 20}, 422, "rate_missing"),
    "percent 101": ("reassessment", {"injury_percent": 101}, 422, "rate_missing"),
    "percent below nought": ("reassessment", {"injury_percent": -45}, 422, "rate_missing"),
    "percent beyond the database": ("reassessment", {"injury_percent": 2**63}, 422, "request_invalid"),
    "percent as text": ("reassessment", {"injury_percent": "61"}, 422, "request_invalid"),
    "percent as truth": ("reassessment", {"injury_percent": True}, 422, "request_invalid"),
    "percent as fraction": ("reassessment", {"injury_percent": 61.5}, 422, "request_invalid"),
    "next month's council": ("reassessment", {"from_period": "2024-08"}, 422, "month_ahead"),
    "before it was granted": ("reassessment", {"from_period": "2015-02"}, 422, "month_before_entitlement"),
    "another's category": ("reassessment", {"code": "TBB"}, 422, "entitlement_unknown"),
    "no provider of ours": ("receiving", {"provider": "MOMO"}, 422, "provider_unknown"),
    "bank without account": ("receiving", {"account_number": ""}, 422, "account_invalid"),
    "bank without code": ("receiving", {"bank_code": ""}, 422, "account_invalid"),
    "account too short": ("receiving", {"account_number": "12345"}, 422, "account_invalid"),
    "account with letters": ("receiving", {"account_number": "12345O"}, 422, "account_invalid"),
    "account in other digits": ("receiving", {"account_number": "١٢٣٤٥٦٧"}, 422, "account_invalid"),
    "cash with an account": ("receiving", {"provider": "POST-QNA"}, 422, "account_not_needed"),
    "account as number": ("receiving", {"account_number": 9704361234}, 422, "request_invalid"),
    "endless account": ("receiving", {"account_number": "1" * 41}, 422, "request_invalid"),
}


@pytest.mark.parametrize("name", sorted(IMPOSSIBLE))
def test_what_cannot_be_is_refused_at_once(known: Office, name: str) -> None:
    kind, changes, status, code = IMPOSSIBLE[name]
    reply = known.officer.ask("POST", "/v1/changes", body(kind, **changes))
    assert problem_of(reply) == (status, code), reply.get_json()
    assert known.one("SELECT count(*) FROM changes") == 0
    assert known.events("changes.requested") == []


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("death", {"died_on": "2024-07-20"}),
        ("death", {"died_on": "1948-01-01"}),
        ("move", {"from_period": "2024-08"}),
        ("move", {"from_period": "1948-01"}),
        ("reassessment", {"from_period": "2024-07"}),
        ("reassessment", {"from_period": "2015-03"}),
        ("reassessment", {"injury_percent": 21}),
        ("reassessment", {"injury_percent": 100}),
        ("receiving", {"account_number": "123456"}),
        ("receiving", {"account_number": "1" * 19}),
        ("receiving", {"provider": "POST-QNA", "bank_code": "", "account_number": ""}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_what_is_just_possible_is_taken(known: Office, kind: str, changes: dict[str, Any]) -> None:
    assert known.officer.post("/v1/changes", body(kind, **changes))["state"] == "requested"


@pytest.mark.parametrize("evidence", ["", "   ", "x" * 201, "a\0b", None, 5, ["paper"]], ids=repr)
def test_a_change_without_evidence_is_refused(known: Office, evidence: object) -> None:
    request = body("death") | {"evidence": evidence}
    assert problem_of(known.officer.ask("POST", "/v1/changes", request)) == (422, "request_invalid")
    del request["evidence"]
    assert problem_of(known.officer.ask("POST", "/v1/changes", request)) == (422, "request_invalid")


@pytest.mark.parametrize("kind", sorted(DETAILS))
def test_details_are_those_of_the_kind_and_no_others(known: Office, kind: str) -> None:
    more = body(kind) | {"details": DETAILS[kind] | {"note": "x"}}
    less = body(kind) | {"details": dict(list(DETAILS[kind].items())[1:])}
    other = body(kind) | {"details": DETAILS["death" if kind != "death" else "move"]}
    for request in (more, less, other, body(kind) | {"details": []}, body(kind) | {"details": None}):
        assert problem_of(known.officer.ask("POST", "/v1/changes", request)) == (422, "request_invalid")


@pytest.mark.parametrize("number", ["QN-9", "qn-1", "QN-1 OR 1=1", "%"])
def test_a_person_that_nobody_knows_cannot_change(known: Office, number: str) -> None:
    reply = known.officer.ask("POST", "/v1/changes", body("death", number))
    assert problem_of(reply) == (404, "person_unknown")


@pytest.mark.parametrize("kind", sorted(DETAILS))
def test_who_requested_does_not_approve(known: Office, kind: str) -> None:
    change = known.officer.post("/v1/changes", body(kind))
    own = Person(known, "lan", ("changes.approve",))
    for decision in ("approval", "rejection"):
        reply = own.ask("POST", f"/v1/changes/{change['id']}/{decision}")
        assert problem_of(reply) == (403, "maker_is_checker")
    assert known.one("SELECT state FROM changes") == "requested"


@pytest.mark.parametrize("kind", sorted(DETAILS))
@pytest.mark.parametrize("again", ["approval", "rejection"])
def test_what_was_approved_is_decided_for_good(known: Office, kind: str, again: str) -> None:
    change = known.officer.post("/v1/changes", body(kind))
    known.approver.post(f"/v1/changes/{change['id']}/approval")
    reply = known.approver.ask("POST", f"/v1/changes/{change['id']}/{again}")
    assert problem_of(reply) == (409, "change_decided")
    assert len(known.events("changes.approved")) == 1


@pytest.mark.parametrize("kind", sorted(DETAILS))
def test_a_rejection_changes_nothing_and_stands_in_the_trail(known: Office, kind: str) -> None:
    tables = ("persons", "person_deaths", "person_residences", "person_entitlements")
    before = [known.rows(f"SELECT * FROM {table}") for table in tables]
    change = known.officer.post("/v1/changes", body(kind))
    assert known.approver.post(f"/v1/changes/{change['id']}/rejection")["state"] == "rejected"
    assert [known.rows(f"SELECT * FROM {table}") for table in tables] == before
    (event,) = known.events("changes.rejected")
    assert (event["change_id"], event["kind"]) == (change["id"], kind)


def test_a_decision_about_nothing_is_refused(known: Office) -> None:
    for decision in ("approval", "rejection"):
        reply = known.approver.ask("POST", f"/v1/changes/{new_id()}/{decision}")
        assert problem_of(reply) == (404, "change_unknown")


# What can still be said of somebody who died on 2/6/2024, and what not.
OF_THE_DEAD: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "death again": ("death", {"died_on": "2024-06-03"}, 409, "death_known"),
    "move after death": ("move", {"from_period": "2024-07"}, 409, "person_dead"),
    "move in the month of death": ("move", {"from_period": "2024-06"}, 201, ""),
    "council after death": ("reassessment", {"from_period": "2024-07"}, 409, "person_dead"),
    "council in the month of death": ("reassessment", {"from_period": "2024-06"}, 201, ""),
    "account of the dead": ("receiving", {}, 409, "person_dead"),
}


@pytest.mark.parametrize("name", sorted(OF_THE_DEAD))
def test_nothing_holds_after_a_death(known: Office, name: str) -> None:
    known.change("QN-1", "death", died_on="2024-06-02")
    kind, changes, status, code = OF_THE_DEAD[name]
    assert problem_of(known.officer.ask("POST", "/v1/changes", body(kind, **changes))) == (status, code)


@pytest.mark.parametrize("kind", ["move", "reassessment", "receiving"])
def test_what_became_impossible_since_it_was_requested_is_refused_at_approval(
    known: Office, kind: str
) -> None:
    waiting = body(kind, **({"from_period": "2024-07"} if kind != "receiving" else {}))
    change = known.officer.post("/v1/changes", waiting)
    known.change("QN-1", "death", died_on="2024-06-02")
    reply = known.approver.ask("POST", f"/v1/changes/{change['id']}/approval")
    assert problem_of(reply) == (409, "person_dead")
    assert known.one("SELECT state FROM changes WHERE id = :id", id=change["id"]) == "requested"
    assert known.approver.post(f"/v1/changes/{change['id']}/rejection")["state"] == "rejected"


def test_a_commune_that_ended_since_the_request_is_refused_at_approval(known: Office) -> None:
    change = known.officer.post("/v1/changes", body("move"))
    ended = {
        "unit_id": str(id_of("unit", "20791")),
        "code": "20791",
        "name": "Bình Nguyên",
        "level": 3,
        "valid_from": "1900-01-01",
        "valid_to": "2024-07-19",
        "parents": [],
    }
    known.hear("units.loaded", snapshot="later", items=[ended])
    reply = known.approver.ask("POST", f"/v1/changes/{change['id']}/approval")
    assert problem_of(reply) == (422, "commune_unknown")


def test_the_same_move_twice_takes_effect_once(known: Office) -> None:
    first, second = (known.officer.post("/v1/changes", body("move")) for _ in range(2))
    known.approver.post(f"/v1/changes/{first['id']}/approval")
    reply = known.approver.ask("POST", f"/v1/changes/{second['id']}/approval")
    assert problem_of(reply) == (422, "move_nowhere")
    assert known.one("SELECT count(*) FROM person_residences") == 2


def test_another_district_neither_requests_nor_decides(known: Office) -> None:
    elsewhere = Person(known, "ha", ("changes.request", "changes.approve"), (THANG_BINH,))
    assert problem_of(elsewhere.ask("POST", "/v1/changes", body("death"))) == (403, "unit_foreign")
    change = known.officer.post("/v1/changes", body("death"))
    for decision in ("approval", "rejection"):
        reply = elsewhere.ask("POST", f"/v1/changes/{change['id']}/{decision}")
        assert problem_of(reply) == (403, "unit_foreign")
    assert known.one("SELECT state FROM changes") == "requested"
    assert known.one("SELECT count(*) FROM person_deaths") == 0


def test_the_old_districts_officer_still_decides_on_who_moved_away(known: Office) -> None:
    known.change("QN-1", "move", **DETAILS["move"])
    here = Person(known, "hoa", ("changes.approve",), (NUI_THANH,))
    change = known.officer.post("/v1/changes", body("death"))
    assert here.post(f"/v1/changes/{change['id']}/approval")["state"] == "approved"


def opened(office: Office, field: str) -> str:
    (event,) = office.events("changes.approved")
    key = WrappedKey(bytes(office.one("SELECT sealed_key FROM persons")))
    return Sealer(bytes(32)).open(key, event[f"sealed_{field}"], f"changes/{event['change_id']}/{field}")


def test_new_receiving_details_are_used_from_then_on(known: Office) -> None:
    known.change("QN-1", "receiving", **DETAILS["receiving"])
    row = known.rows("SELECT provider, bank_code, account_number FROM persons")[0]
    assert tuple(row) == ("BANK-QNA", "970436", "9704361234")
    known.pay("2024-08")
    assert list(known.lists()) == [("Núi Thành", "BANK-QNA")]


def test_an_account_stands_nowhere_in_the_clear_but_in_the_register(known: Office) -> None:
    known.change("QN-1", "receiving", **DETAILS["receiving"])
    changes = str(known.rows("SELECT details FROM changes"))
    journal = b"".join(bytes(row.data) for row in known.rows("SELECT data FROM journal"))
    replies = b"".join(bytes(row.body) for row in known.rows("SELECT body FROM idempotency_replies"))
    for place in (changes.encode(), journal, replies):
        assert b"9704361234" not in place
    assert '"account_number":"9704361234"' in opened(known, "after")
    assert opened(known, "before") == '{"account_number":"","bank_code":"","provider":"POST-QNA"}'


def test_from_bank_back_to_cash_leaves_no_account(office: Office) -> None:
    office.import_persons(by_bank("QN-1"))
    office.change("QN-1", "receiving", provider="POST-QNA", bank_code="", account_number="")
    row = office.rows("SELECT provider, bank_code, account_number FROM persons")[0]
    assert tuple(row) == ("POST-QNA", None, None)
    assert '"account_number":"4201205123456"' in opened(office, "before")


def test_before_and_after_of_a_reassessment_stand_sealed_in_the_trail(known: Office) -> None:
    known.change("QN-1", "reassessment", **DETAILS["reassessment"])
    assert opened(known, "before") == '{"code":"TB","injury_percent":45}'
    assert opened(known, "after") == '{"code":"TB","from_period":"2024-06","injury_percent":61}'


def test_facts_are_added_and_never_changed(known: Office) -> None:
    before = known.rows("SELECT * FROM person_entitlements")
    known.change("QN-1", "reassessment", **DETAILS["reassessment"])
    known.on(2024, 7, 21)
    known.change("QN-1", "reassessment", code="TB", injury_percent=70, from_period="2024-07")
    after = known.rows("SELECT * FROM person_entitlements ORDER BY number")
    assert after[: len(before)] == before
    assert [(row.injury_percent, str(row.known_on)) for row in after] == [
        (45, "2024-07-20"),
        (61, "2024-07-20"),
        (70, "2024-07-21"),
    ]
