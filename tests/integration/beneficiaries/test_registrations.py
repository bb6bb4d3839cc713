"""A register file is sent by one person and approved by another, and everybody in it enters once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.beneficiaries.register.commands import ApproveRegistration
from services.beneficiaries.register.handlers import Registrar, approve_registration
from services.beneficiaries.register.jobs import EnterRegistrationJob, ImportPersonsJob
from services.beneficiaries.register.model import ENTER, READ
from shared.db.engine import dedicated
from shared.documents.store import DocumentStore
from shared.jobs.runner import Fenced, Progress, Runner
from shared.kernel.acts import Act
from shared.kernel.ids import id_of, new_id
from shared.kernel.sealing import Sealer, WrappedKey
from shared.testing.waiting import wait_until
from tests.integration.beneficiaries.office import (
    NUI_THANH,
    THANG_BINH,
    Office,
    Person,
    by_bank,
    person,
    problem_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shared.db.unit_of_work import Work

PATIENCE_S = 30.0
TABLES = ("persons", "person_residences", "person_entitlements")
WAITING = """
    SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE NOT l.granted AND a.datname = current_database()
"""
SOMEBODY = """
    INSERT INTO persons (id, number, full_name, name_key, birth_year, provider, commune_id)
    SELECT DISTINCT person_id, number, full_name, name_key, birth_year, provider, commune_id
    FROM registration_rows WHERE number = :number
"""
REASON = {"reason": "the file of last month"}


def people(*numbers: int) -> list[dict[str, str]]:
    return [person(f"QN-{n:03d}") for n in numbers]


def counts(office: Office) -> list[int]:
    """How many rows the register's tables have, and how many are staged."""
    return [office.one(f"SELECT count(*) FROM {table}") for table in (*TABLES, "registration_rows")]


def entered_numbers(office: Office) -> list[str]:
    """The number of everybody whom the trail tells of as registered, opened with the person's own key."""
    sealer, numbers = Sealer(bytes(32)), []
    for event in office.events("persons.registered"):
        for item in event["items"]:
            key = office.one("SELECT sealed_key FROM persons WHERE id = :id", id=item["person_id"])
            place = f"persons/{item['person_id']}/number"
            numbers.append(sealer.open(WrappedKey(bytes(key)), item["sealed_number"], place))
    return numbers


def entering(office: Office, registration_id: str) -> str:
    """The job that will enter an approved file."""
    job_id: str = office.approver.post(f"/v1/registrations/{registration_id}/approval")["job_id"]
    return job_id


def job_of(office: Office, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = office.officer.get(f"/v1/jobs/{job_id}")
    return job


def faults_of(job: Mapping[str, Any]) -> list[tuple[int, str]]:
    return [(fault["row"], fault["code"]) for fault in job["faults"]]


def run_one(worker: Runner, office: Office) -> None:
    with dedicated(office.unit_of_work.engine) as lock:
        worker._run_one(lock, threading.Event(), lambda: None)


def test_nobody_is_registered_before_another_person_has_approved_the_file(office: Office) -> None:
    registration_id = office.prepare_register(
        person("QN-1"),
        by_bank("QN-2", benefits="TB:45:2015-03;TUDAY::2012-01"),
        person("QN-3", birth_year="x"),
    )
    found = office.registration(registration_id)
    wanted = {"state": "prepared", "row_count": 3, "accepted_count": 2, "refused_count": 1}
    wanted |= {"entitlement_count": 3, "prepared_by": "lan", "prepared_on": "2024-07-20", "decided_by": None}
    assert {name: found[name] for name in wanted} == wanted
    assert faults_of(job_of(office, found["reading_job_id"])) == [(4, "birth_year_invalid")]
    assert counts(office) == [0, 0, 0, 2]
    (told,) = office.events("registrations.prepared")
    assert (told["accepted_count"], told["refused_count"], told["entitlement_count"]) == (2, 1, 3)
    assert told["document_sha256"] == found["document_sha256"]
    both = Person(office, "lan", ("persons.import", "persons.approve"))
    refused = both.ask("POST", f"/v1/registrations/{registration_id}/approval")
    assert problem_of(refused) == (403, "maker_is_checker")
    refused = both.ask("POST", f"/v1/registrations/{registration_id}/rejection", REASON)
    assert problem_of(refused) == (403, "maker_is_checker")
    assert counts(office) == [0, 0, 0, 2]
    assert office.events("persons.registered") == []


def test_what_another_person_approves_is_known_from_that_day_on(office: Office) -> None:
    registration_id = office.prepare_register(
        person("QN-2", benefits="TUDAY::2012-01;TB:45:2015-03"), person("QN-1", full_name="Trần Đậu")
    )
    office.on(2024, 7, 25)
    job = office.approve_register(registration_id)
    assert (job["state"], job["done"], job["total"], job["result"]) == ("done", 2, 2, {"entered": 2})
    found = office.registration(registration_id)
    wanted = {"state": "entered", "entered_count": 2, "decided_by": "minh", "decided_on": "2024-07-25"}
    assert {name: found[name] for name in wanted} == wanted
    assert found["entering_job_id"] == job["id"]
    assert counts(office) == [2, 2, 3, 0]
    rows = office.rows(
        "SELECT p.number, e.code, e.injury_percent, e.from_period, e.ended, e.known_on::text"
        " FROM person_entitlements e JOIN persons p ON p.id = e.person_id ORDER BY e.number"
    )
    assert [tuple(row) for row in rows] == [
        ("QN-2", "TUDAY", None, "2012-01", False, "2024-07-25"),
        ("QN-2", "TB", 45, "2015-03", False, "2024-07-25"),
        ("QN-1", "TB", 45, "2015-03", False, "2024-07-25"),
    ]
    homes = office.rows(
        "SELECT p.number, p.name_key, r.district_id, r.from_period, r.known_on::text,"
        " r.commune_id = p.commune_id"
        " FROM person_residences r JOIN persons p ON p.id = r.person_id ORDER BY r.number"
    )
    assert [tuple(row) for row in homes] == [
        ("QN-2", "nguyen thi hoa", NUI_THANH, "2012-01", "2024-07-25", True),
        ("QN-1", "tran dau", NUI_THANH, "2015-03", "2024-07-25", True),
    ]


def test_the_approval_and_the_end_stand_in_the_trail_under_the_approver(office: Office) -> None:
    registration_id = office.prepare_register(*people(1, 2))
    office.approve_register(registration_id)
    rows = office.rows(
        "SELECT type, actor, correlation FROM journal WHERE type ~ 'registrations|persons' ORDER BY seq"
    )
    assert [(row.type.split(".", 2)[2], row.actor) for row in rows] == [
        ("registrations.prepared.v1", "lan"),
        ("registrations.approved.v1", "minh"),
        ("persons.registered.v1", "minh"),
        ("registrations.entered.v1", "minh"),
    ]
    assert len({row.correlation for row in rows[1:]}) == 1
    (approved,), (entered,) = office.events("registrations.approved"), office.events("registrations.entered")
    assert (approved["accepted_count"], approved["entitlement_count"]) == (2, 2)
    assert (entered["entered_count"], entered["refused_count"]) == (2, 0)


def test_an_approval_sent_again_under_its_key_is_one_act(office: Office) -> None:
    registration_id = office.prepare_register(*people(1))
    key = {"Idempotency-Key": str(new_id())}
    path = f"/v1/registrations/{registration_id}/approval"
    first, again = (office.approver.ask("POST", path, headers=key) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.get_json() == again.get_json()
    assert len(office.events("registrations.approved")) == 1


def test_who_was_registered_meanwhile_is_a_fault_of_the_row_and_stays_as_he_was(office: Office) -> None:
    first = office.prepare_register(*people(1, 2, 3))
    second = office.prepare_register(*(by_bank(f"QN-00{n}") for n in (5, 3, 4, 1)))
    office.approve_register(first)
    job = office.approve_register(second)
    assert job["state"] == "done"
    assert faults_of(job) == [(3, "person_registered"), (5, "person_registered")]
    assert (job["done"], job["total"], job["result"]) == (4, 4, {"entered": 2})
    assert office.registration(second)["entered_count"] == 2
    assert office.events("registrations.entered")[1]["refused_count"] == 2
    assert counts(office) == [5, 5, 5, 0]
    assert office.one("SELECT provider FROM persons WHERE number = 'QN-001'") == "POST-QNA"
    assert entered_numbers(office) == ["QN-001", "QN-002", "QN-003", "QN-005", "QN-004"]


def test_a_file_of_nothing_but_known_persons_is_entered_with_nobody(office: Office) -> None:
    both = [office.prepare_register(*people(1, 2)) for _ in range(2)]
    for registration_id in both:
        job = office.approve_register(registration_id)
    assert (job["result"], job["fault_count"]) == ({"entered": 0}, 2)
    assert office.registration(both[1])["state"] == "entered"
    assert len(office.events("persons.registered")) == 1


@dataclass
class Held:
    """The job, standing still with its first chunk done and not committed until it may go on or must die."""

    job: EnterRegistrationJob
    dies: bool
    reached: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        progress = self.job.step(work, params, checkpoint)
        self.reached.set()
        assert self.let_go.wait(PATIENCE_S)
        if self.dies:
            raise ZeroDivisionError
        return progress


@pytest.mark.parametrize("first_dies", [False, True], ids=["first is kept", "first dies"])
def test_of_two_files_entered_at_the_same_time_each_person_enters_by_one(
    office: Office, *, first_dies: bool
) -> None:
    numbers = range(40)
    first = office.prepare_register(*people(*numbers))
    second = office.prepare_register(*people(*reversed(numbers), 99))
    jobs = [entering(office, one) for one in (first, second)]
    held = Held(EnterRegistrationJob(), first_dies)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(run_one, Runner(office.unit_of_work, {ENTER: held}), office)
        assert held.reached.wait(PATIENCE_S)
        other = pool.submit(run_one, Runner(office.unit_of_work, {ENTER: EnterRegistrationJob()}), office)
        wait_until(lambda: office.one(WAITING) == 1, PATIENCE_S, "the second file waits for the first")
        held.let_go.set()
        other.result(PATIENCE_S)
        assert isinstance(one.exception(PATIENCE_S), ZeroDivisionError) is first_dies
    office.work_off()
    entered = [office.registration(one)["entered_count"] for one in (first, second)]
    assert entered == ([0, 41] if first_dies else [40, 1])
    assert [job_of(office, job)["fault_count"] for job in jobs] == ([40, 0] if first_dies else [0, 40])
    assert counts(office) == [41, 41, 41, 0]
    assert sorted(entered_numbers(office)) == sorted(f"QN-{n:03d}" for n in (*numbers, 99))


@pytest.mark.parametrize("killed_after", range(4))
def test_everybody_enters_once_though_the_worker_was_killed(office: Office, killed_after: int) -> None:
    office.import_persons(*people(4, 17))
    registration_id = office.prepare_register(*people(*(n for n in range(20) if n not in {4, 17})))
    job_id = entering(office, registration_id)
    worker = Runner(office.unit_of_work, {ENTER: EnterRegistrationJob(5)})
    attempt = worker._claim(job_id)  # type: ignore[arg-type] # its text will do
    for _ in range(killed_after):
        assert worker._chunk(job_id, attempt) is False  # type: ignore[arg-type]
    job = job_of(office, job_id)
    done = 5 * killed_after
    assert (job["state"], job["done"], job["total"]) == ("running", done, 18 if done else None)
    assert counts(office) == [2 + done, 2 + done, 2 + done, 18 - done]
    run_one(Runner(office.unit_of_work, {ENTER: EnterRegistrationJob(4)}), office)
    with pytest.raises(Fenced):
        worker._chunk(job_id, attempt)  # type: ignore[arg-type]
    assert office.registration(registration_id)["entered_count"] == 18
    assert counts(office) == [20, 20, 20, 0]
    assert sorted(entered_numbers(office)) == [f"QN-{n:03d}" for n in range(20)]


def test_a_reader_that_was_killed_goes_on_and_a_number_is_taken_once_in_all_of_the_file(
    office: Office, tmp_path: Path
) -> None:
    rows = [*people(1, 2, 3, 4, 1, 5, 3), person("QN-2", birth_year="x")]
    started = office.send_register(*rows)
    worker = Runner(office.unit_of_work, {READ: reading(tmp_path, 3)})
    attempt = worker._claim(started["job_id"])
    assert worker._chunk(started["job_id"], attempt) is False
    assert office.registration(started["registration_id"])["row_count"] == 3
    run_one(Runner(office.unit_of_work, {READ: reading(tmp_path, 2)}), office)
    job = job_of(office, started["job_id"])
    assert faults_of(job) == [(6, "person_registered"), (8, "person_registered"), (9, "birth_year_invalid")]
    found = office.registration(started["registration_id"])
    assert (found["state"], found["accepted_count"], found["refused_count"]) == ("prepared", 5, 3)
    assert office.approve_register(started["registration_id"])["result"] == {"entered": 5}


def reading(folder: Path, chunk: int) -> ImportPersonsJob:
    return ImportPersonsJob(DocumentStore(folder, bytes(32)), Registrar(Sealer(bytes(32))), chunk)


def test_a_rejected_file_leaves_nothing_but_its_trail(office: Office) -> None:
    registration_id = office.prepare_register(person("QN-1", full_name="Trần Văn Bí Mật"), person("QN-2"))
    rejected = office.approver.post(f"/v1/registrations/{registration_id}/rejection", REASON)
    assert (rejected["state"], rejected["decided_by"]) == ("rejected", "minh")
    assert rejected["entering_job_id"] is None
    assert counts(office) == [0, 0, 0, 0]
    (row,) = office.rows("SELECT actor, reason, data FROM journal WHERE type LIKE '%registrations.rejected%'")
    assert (row.actor, row.reason) == ("minh", REASON["reason"])
    office.import_persons(person("QN-1"))
    assert counts(office) == [1, 1, 1, 0]


def test_a_file_rejected_while_it_is_read_is_not_read_on(office: Office) -> None:
    started = office.send_register(*people(1, 2))
    office.approver.post(f"/v1/registrations/{started['registration_id']}/rejection", REASON)
    office.work_off()
    job = job_of(office, started["job_id"])
    assert (job["state"], job["failure"].split(":")[0]) == ("failed", "registration_state")
    assert counts(office) == [0, 0, 0, 0]
    assert office.events("registrations.prepared") == []


def test_a_file_rejected_between_two_chunks_is_not_read_on_and_the_next_one_is(
    office: Office, tmp_path: Path
) -> None:
    started = office.send_register(*people(1, 2, 3))
    worker = Runner(office.unit_of_work, {READ: reading(tmp_path, 1)})
    worker._chunk(started["job_id"], worker._claim(started["job_id"]))
    office.approver.post(f"/v1/registrations/{started['registration_id']}/rejection", REASON)
    run_one(worker, office)
    assert job_of(office, started["job_id"])["state"] == "failed"
    assert counts(office) == [0, 0, 0, 0]
    following = office.send_register(*people(7, 8))
    run_one(worker, office)
    office.approve_register(following["registration_id"])
    assert entered_numbers(office) == ["QN-007", "QN-008"]


def test_of_two_approvals_at_the_same_time_one_is_told_of_the_other(office: Office) -> None:
    registration_id = office.prepare_register(*people(1))
    path = f"/v1/registrations/{registration_id}/approval"
    act = Act("hoa", office.clock.now())
    with ThreadPoolExecutor(1) as pool:
        with office.unit_of_work.begin(act) as work:
            approve_registration(work, ApproveRegistration(UUID(registration_id)))
            other = pool.submit(office.approver.ask, "POST", path)
            wait_until(lambda: office.one(WAITING) == 1, PATIENCE_S, "the second approval waits")
        assert problem_of(other.result(PATIENCE_S)) == (409, "registration_state")
    assert office.registration(registration_id)["decided_by"] == "hoa"
    assert len(office.events("registrations.approved")) == 1


def test_two_files_with_the_same_persons_in_another_order_do_not_wait_in_a_circle(office: Office) -> None:
    prepared = [office.prepare_register(*people(*numbers)) for numbers in ((1, 2, 3), (3, 2, 1))]
    for registration_id in prepared:
        entering(office, registration_id)
    workers = [Runner(office.unit_of_work, {ENTER: EnterRegistrationJob()}) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool, office.owner.connect() as between:
        between.execute(text(SOMEBODY), {"number": "QN-002"})
        futures = [pool.submit(run_one, worker, office) for worker in workers]
        wait_until(lambda: office.one(WAITING) == 2, PATIENCE_S, "both files wait")
        between.rollback()
        assert [future.exception(PATIENCE_S) for future in futures] == [None, None]
    assert counts(office) == [3, 3, 3, 0]


def test_a_decision_at_the_wrong_time_is_refused_with_what_to_do(office: Office) -> None:
    started = office.send_register(*people(1))
    path = f"/v1/registrations/{started['registration_id']}"

    def refusals(*steps: str) -> list[tuple[int, str]]:
        replies = [
            office.approver.ask("POST", f"{path}/{step}", REASON if step == "rejection" else None)
            for step in steps
        ]
        details.extend(reply.get_json()["detail"] for reply in replies)
        return [problem_of(reply) for reply in replies]

    details: list[str] = []
    assert refusals("approval") == [(409, "registration_state")]
    office.work_off()
    office.approver.post(f"{path}/approval")
    assert refusals("approval", "rejection") == [(409, "registration_state")] * 2
    office.work_off()
    assert refusals("approval", "rejection") == [(409, "registration_state")] * 2
    assert [detail.split("; ")[1] for detail in details] == [
        "wait for its job, or reject it where that job failed.",
        *["follow its job."] * 2,
        *["what is wrong about a person is mended by a change."] * 2,
    ]
    assert len(office.events("registrations.approved")) == 1


def test_a_file_without_a_sound_row_can_only_be_rejected(office: Office) -> None:
    registration_id = office.prepare_register(person("QN-1", birth_year="x"))
    path = f"/v1/registrations/{registration_id}"
    assert problem_of(office.approver.ask("POST", f"{path}/approval")) == (422, "registration_empty")
    assert office.approver.post(f"{path}/rejection", REASON)["state"] == "rejected"


def test_who_may_approve_in_one_district_decides_no_file_that_names_another(office: Office) -> None:
    own = office.prepare_register(person("QN-1"))
    mixed = office.prepare_register(person("QN-2"), person("QN-3", commune_code="20791"))
    here = Person(office, "hoa", ("persons.approve",), (NUI_THANH,))
    for step, body in (("approval", None), ("rejection", REASON)):
        refused = here.ask("POST", f"/v1/registrations/{mixed}/{step}", body)
        assert problem_of(refused) == (403, "unit_foreign")
    there = Person(office, "ha", ("persons.approve",), (THANG_BINH,))
    assert problem_of(there.ask("POST", f"/v1/registrations/{own}/approval")) == (403, "unit_foreign")
    here.post(f"/v1/registrations/{own}/approval")
    assert office.registration(mixed)["state"] == "prepared"


def test_registrations_are_listed_by_state_and_page_by_page(office: Office) -> None:
    made = [office.prepare_register(person(f"QN-{n}")) for n in range(5)]
    office.approve_register(made[1])
    assert [one["id"] for one in office.officer.get("/v1/registrations")["items"]] == made
    prepared = office.officer.get("/v1/registrations?state=prepared")["items"]
    assert [one["id"] for one in prepared] == [made[0], *made[2:]]
    found, cursor = [], ""
    while cursor is not None:
        page = office.officer.get(f"/v1/registrations?limit=2{cursor and f'&cursor={cursor}'}")
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert found == made


def test_a_registration_that_is_not_there_is_named(office: Office) -> None:
    path = f"/v1/registrations/{new_id()}"
    replies = [
        office.officer.ask("GET", path),
        office.approver.ask("POST", f"{path}/approval"),
        office.approver.ask("POST", f"{path}/rejection", REASON),
    ]
    assert [problem_of(reply) for reply in replies] == [(404, "registration_unknown")] * 3


def test_the_database_itself_refuses_one_person_for_both_halves(office: Office) -> None:
    office.prepare_register(*people(1))
    statement = "UPDATE registrations SET state = 'approved', decided_by = 'lan', decided_on = prepared_on"
    with office.owner.begin() as connection, pytest.raises(IntegrityError) as refused:
        connection.execute(text(statement))
    assert isinstance(refused.value.orig, psycopg.errors.CheckViolation)
    assert refused.value.orig.diag.constraint_name == "ck_registrations_other_person"


def test_personal_values_stand_in_the_trail_of_a_file_only_sealed(office: Office) -> None:
    secret = person("QN-77", full_name="Trần Văn Bí Mật", identity_number="049148000123")
    office.approve_register(office.prepare_register(secret))
    journal = b"".join(bytes(row.data) for row in office.rows("SELECT data FROM journal"))
    for word in ("Bí Mật", "049148000123", "QN-77"):
        assert word.encode() not in journal
    (item,) = office.events("persons.registered")[0]["items"]
    assert item["person_id"] == str(id_of("person", "QN-77"))


def test_items_of_many_benefits_are_told_in_rows_that_the_journal_can_hold(office: Office) -> None:
    codes = office.rows("SELECT DISTINCT code FROM rates WHERE injury_percent IS NULL ORDER BY code")
    benefits = ";".join(f"{row.code}::2012-01" for row in codes)
    registration_id = office.prepare_register(*(person(f"QN-{n:03d}", benefits=benefits) for n in range(200)))
    assert office.approve_register(registration_id)["result"] == {"entered": 200}
    told = [len(event["items"]) for event in office.events("persons.registered")]
    assert sum(told) == 200
    assert len(told) > 1, "so many benefits would not stand in one row"
    assert entered_numbers(office) == [f"QN-{n:03d}" for n in range(200)]
