from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.kernel.sealing import Sealer, WrappedKey
from tests.integration.beneficiaries.office import NUI_THANH, THANG_BINH, Person, by_bank, person

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office


def problem_of(reply: Any) -> tuple[int, str]:  # noqa: ANN401 - a reply
    return reply.status_code, reply.get_json()["code"]


def death(number: str = "QN-1", died_on: str = "2024-06-02") -> dict[str, Any]:
    return {
        "person_number": number,
        "kind": "death",
        "details": {"died_on": died_on},
        "evidence": "extract 12",
    }


def test_sound_rows_enter_and_the_others_become_a_work_list(office: Office) -> None:
    job = office.import_persons(
        person("QN-1"), person("QN-2", birth_year="x"), by_bank("QN-3"), person("QN-4", commune_code="1")
    )
    assert (job["state"], job["done"], job["total"]) == ("done", 4, 4)
    assert [(fault["row"], fault["code"]) for fault in job["faults"]] == [
        (3, "birth_year_invalid"),
        (5, "commune_unknown"),
    ]
    assert [row.number for row in office.rows("SELECT number FROM persons ORDER BY number")] == [
        "QN-1",
        "QN-3",
    ]


def test_a_dry_run_tells_every_fault_and_stores_nothing(office: Office) -> None:
    job = office.import_persons(person("QN-1"), person("QN-2", birth_year="x"), dry_run=True)
    assert job["fault_count"] == 1
    assert office.one("SELECT count(*) FROM persons") == 0
    assert office.events("persons.registered") == []


def test_nobody_is_registered_twice(office: Office) -> None:
    office.import_persons(person("QN-1"))
    job = office.import_persons(person("QN-1"), person("QN-2"), person("QN-2"))
    assert [(fault["row"], fault["code"]) for fault in job["faults"]] == [
        (2, "person_registered"),
        (4, "person_registered"),
    ]
    assert office.one("SELECT count(*) FROM persons") == 2


def test_a_file_of_another_layout_fails_the_job_with_a_sentence(office: Office) -> None:
    started = office.officer.good(office.officer.send("/v1/persons/imports", b"name,age\nA,1"))
    office.work_off()
    job = office.officer.get(f"/v1/jobs/{started['job_id']}")
    assert job["state"] == "failed"
    assert job["failure"].startswith("columns_wrong: The first row must name the columns number")


def test_the_trail_holds_names_only_sealed(office: Office) -> None:
    office.import_persons(person("QN-1", full_name="Trần Văn Bí Mật", identity_number="049148000123"))
    journal = b"".join(bytes(row.data) for row in office.rows("SELECT data FROM journal"))
    for secret in ("Bí Mật", "049148000123", "QN-1"):
        assert secret.encode() not in journal
    (event,) = office.events("persons.registered")
    (item,) = event["items"]
    key = WrappedKey(bytes(office.one("SELECT sealed_key FROM persons")))
    place = f"persons/{item['person_id']}/full_name"
    assert Sealer(bytes(32)).open(key, item["sealed_name"], place) == "Trần Văn Bí Mật"


def test_every_person_is_in_the_trail_in_the_order_of_the_file(office: Office) -> None:
    office.import_persons(*(person(f"QN-{n:04d}") for n in range(450)))
    assert [len(event["items"]) for event in office.events("persons.registered")] == [200, 200, 50]
    assert office.one("SELECT count(items_root) FROM journal WHERE type LIKE '%persons.registered%'") == 3


def test_a_change_takes_two_persons(office: Office) -> None:
    office.import_persons(person("QN-1"))
    change = office.officer.post("/v1/changes", death())
    assert (change["state"], change["requested_on"]) == ("requested", "2024-07-20")
    both = Person(office, "lan", ("changes.request", "changes.approve"))
    refused = both.ask("POST", f"/v1/changes/{change['id']}/approval")
    assert problem_of(refused) == (403, "maker_is_checker")
    assert office.one("SELECT count(*) FROM person_deaths") == 0
    approved = office.approver.post(f"/v1/changes/{change['id']}/approval")
    assert approved["state"] == "approved"
    assert str(office.one("SELECT known_on FROM person_deaths")) == "2024-07-20"


def test_what_was_decided_is_not_decided_again(office: Office) -> None:
    office.import_persons(person("QN-1"))
    change = office.officer.post("/v1/changes", death())
    office.approver.post(f"/v1/changes/{change['id']}/rejection")
    again = office.approver.ask("POST", f"/v1/changes/{change['id']}/approval")
    assert problem_of(again) == (409, "change_decided")
    assert office.one("SELECT count(*) FROM person_deaths") == 0


def test_a_death_is_recorded_once(office: Office) -> None:
    office.import_persons(person("QN-1"))
    first, second = (office.officer.post("/v1/changes", death()) for _ in range(2))
    office.approver.post(f"/v1/changes/{first['id']}/approval")
    again = office.approver.ask("POST", f"/v1/changes/{second['id']}/approval")
    assert problem_of(again) == (409, "death_known")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"person_number": "QN-9"}, 404, "person_unknown"),
        ({"kind": "wedding"}, 422, "request_invalid"),
        ({"details": {}}, 422, "request_invalid"),
        ({"details": {"died_on": "yesterday"}}, 422, "request_invalid"),
        ({"details": {"died_on": 20240602}}, 422, "request_invalid"),
        ({"details": {"died_on": "2024-06-02", "more": 1}}, 422, "request_invalid"),
        ({"evidence": ""}, 422, "request_invalid"),
    ],
)
def test_a_request_that_says_too_little_is_refused(
    office: Office, changes: dict[str, Any], status: int, code: str
) -> None:
    office.import_persons(person("QN-1"))
    assert problem_of(office.officer.ask("POST", "/v1/changes", death() | changes)) == (status, code)


def test_a_move_to_a_commune_that_is_none_is_refused(office: Office) -> None:
    office.import_persons(person("QN-1"))
    details = {"commune_code": "99999", "from_period": "2024-07"}
    body = {"person_number": "QN-1", "kind": "move", "details": details, "evidence": "x"}
    assert problem_of(office.officer.ask("POST", "/v1/changes", body)) == (422, "commune_unknown")


def test_a_reassessment_of_what_nobody_has_is_refused(office: Office) -> None:
    office.import_persons(person("QN-1"))
    details = {"code": "TBB", "injury_percent": 61, "from_period": "2024-07"}
    body = {"person_number": "QN-1", "kind": "reassessment", "details": details, "evidence": "x"}
    assert problem_of(office.officer.ask("POST", "/v1/changes", body)) == (422, "entitlement_unknown")


def test_an_officer_reaches_the_own_district_and_no_other(office: Office) -> None:
    office.import_persons(person("QN-1"))
    here = Person(office, "hoa", ("persons.read", "changes.request"), (NUI_THANH,))
    elsewhere = Person(office, "ha", ("persons.read", "changes.request"), (THANG_BINH,))
    assert here.get("/v1/persons?number=QN-1")["full_name"] == "Nguyễn Thị Hoà"
    assert problem_of(elsewhere.ask("GET", "/v1/persons?number=QN-1")) == (403, "unit_foreign")
    assert problem_of(elsewhere.ask("POST", "/v1/changes", death())) == (403, "unit_foreign")
    assert office.one("SELECT count(*) FROM changes") == 0, "the refused request is taken back"
