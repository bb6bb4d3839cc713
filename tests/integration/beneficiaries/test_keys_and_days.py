"""A key is for one act of one person, and an act is of today unless somebody may date it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.beneficiaries.office import DEATH, Person, person, post_answer, problem_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.integration.beneficiaries.office import Office


def test_a_key_belongs_to_one_act_and_one_person(office: Office) -> None:
    office.import_persons(person("QN-1"))
    headers = {"Idempotency-Key": "first"}
    first = office.officer.ask("POST", "/v1/changes", DEATH, headers=headers)
    again = office.officer.ask("POST", "/v1/changes", DEATH, headers=headers)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert again.headers["Idempotency-Hit"] == "true"
    other = office.officer.ask("POST", "/v1/changes", DEATH | {"evidence": "y"}, headers=headers)
    assert problem_of(other) == (422, "idempotency_key_reused")
    elsewhere = office.officer.ask("POST", "/v1/payroll/2024-08", headers=headers)
    assert problem_of(elsewhere) == (422, "idempotency_key_reused")
    colleague = Person(office, "hoa", ("changes.request",))
    assert colleague.ask("POST", "/v1/changes", DEATH, headers=headers).status_code == 201
    assert office.one("SELECT count(*) FROM changes") == 2


def test_a_refusal_burns_no_key(office: Office) -> None:
    headers = {"Idempotency-Key": "first"}
    refused = office.officer.ask("POST", "/v1/changes", DEATH, headers=headers)
    assert problem_of(refused) == (404, "person_unknown")
    office.import_persons(person("QN-1"))
    assert office.officer.ask("POST", "/v1/changes", DEATH, headers=headers).status_code == 201


def send_file(office: Office, key: str, content: bytes, boundary: str) -> TestResponse:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode()
    headers = {"Idempotency-Key": key, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    body = head + content + f"\r\n--{boundary}--\r\n".encode()
    return office.officer.ask("POST", "/v1/statements?provider=POST-QNA", data=body, headers=headers)


def test_the_same_file_under_the_same_key_is_taken_once_however_it_is_framed(office: Office) -> None:
    answer = post_answer()  # a workbook: made a second later it would be another file
    first, second = (send_file(office, "f", answer, boundary) for boundary in ("line", "another-line"))
    assert first.status_code == 202
    assert first.get_json() == second.get_json()
    assert office.one("SELECT count(*) FROM statements") == 1


def test_another_file_under_the_same_key_is_refused_and_nothing_is_taken(office: Office) -> None:
    answer = post_answer()
    send_file(office, "f", answer, "line")
    reply = send_file(office, "f", answer + b"\n", "line")
    assert (reply.status_code, reply.get_json()["code"]) == (422, "idempotency_key_reused")
    assert office.one("SELECT count(*) FROM statements") == 1


@pytest.mark.parametrize(
    ("day", "status", "code"),
    [
        ("2024-07-19", 403, "permission_missing"),
        ("2024-07-21", 403, "permission_missing"),
        ("yesterday", 422, "business_date_invalid"),
        ("2024-02-30", 422, "business_date_invalid"),
    ],
)
def test_an_act_on_another_day_needs_a_right_of_its_own(
    office: Office, day: str, status: int, code: str
) -> None:
    office.import_persons(person("QN-1"))
    reply = office.officer.ask("POST", "/v1/changes", DEATH, headers={"Business-Date": day})
    assert problem_of(reply) == (status, code)


def test_no_act_is_dated_ahead(office: Office) -> None:
    who = Person(office, "lan", ("changes.request", "acts.backdate"))
    reply = who.ask("POST", "/v1/changes", DEATH, headers={"Business-Date": "2024-07-21"})
    assert problem_of(reply) == (422, "business_date_ahead")
