"""A month computed in chunks of any size, by workers that are killed: always the same month, paid once."""

from __future__ import annotations

import random
import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from services.beneficiaries.entitlements.model import differences, district_in, due
from services.beneficiaries.lists.jobs import InstructListJob
from services.beneficiaries.obligations import store as obligations
from services.beneficiaries.obligations.model import person_month
from services.beneficiaries.payroll import handlers
from services.beneficiaries.payroll.handlers import closed_months
from services.beneficiaries.payroll.jobs import PayrollJob
from services.beneficiaries.rates.handlers import rate_book
from services.beneficiaries.reconciliation import handlers as reconciliation
from services.beneficiaries.reconciliation.jobs import ReconcileStatementJob, TellOutcomesJob
from services.beneficiaries.register import store as register
from shared.db.engine import dedicated
from shared.jobs.runner import Fenced, Runner
from shared.kernel.periods import Period
from tests.integration.beneficiaries.office import by_bank, person, post_answer, problem_of

if TYPE_CHECKING:
    from shared.documents.store import DocumentStore
    from tests.integration.beneficiaries.office import Office

MONTHS = ("2024-05", "2024-06", "2024-07")
OLD = 2_322_000


def fill(office: Office, count: int = 23, seed: int = 4) -> None:
    """Persons of both districts and providers with three months taken over and late news of every kind."""
    chance = random.Random(seed)
    make = [by_bank, person]
    office.import_persons(
        *(
            make[n % 2](f"QN-{n:03d}", commune_code=("20965", "20791")[n % 3 == 0], benefits="TB:45:2015-03")
            for n in range(count)
        )
    )
    for period in MONTHS:
        office.take_over(
            period, *((f"QN-{n:03d}", "TB", chance.choice([OLD, 2 * OLD])) for n in range(count))
        )
    for n in range(0, count, 4):
        office.change(f"QN-{n:03d}", "death", died_on=f"2024-0{chance.randint(4, 7)}-03")
    for n in range(1, count, 4):
        percent, since = chance.choice([21, 61, 100]), chance.choice(MONTHS)
        office.change(
            f"QN-{n:03d}",
            "reassessment",
            code="TB",
            injury_percent=percent,
            from_period=since,
        )


def expected(office: Office) -> dict[str, set[tuple[Any, ...]]]:
    """What August comes to for everybody, by the model alone: obligations, and payments by person."""
    day, august = date(2024, 7, 20), Period.parse("2024-08")
    owed: set[tuple[Any, ...]] = set()
    paid: set[tuple[Any, ...]] = set()
    with office.unit_of_work.reading() as connection:
        ids = list(register.providers_after(connection, None, 10_000))
        people = register.facts_of(connection, ids)
        closed, book = closed_months(connection), rate_book(connection)
        before = obligations.paid(connection, ids, closed)
    for facts, paid_before in zip(people, before, strict=True):
        late = differences(facts, closed, paid_before, book, day)
        month = person_month(facts.person_id, august, due(facts, august, book, day), late)
        owed |= {(one.id, one.kind.value, one.amount_vnd) for one in month.obligations}
        if month.amount_vnd:
            paid.add((facts.person_id, month.amount_vnd, district_in(facts, august, day)))
    return {"obligations": owed, "payments": paid}


def result(office: Office) -> dict[str, set[tuple[Any, ...]]]:
    """What a run left behind."""
    owed = office.rows("SELECT id, kind, amount_vnd FROM obligations WHERE kind <> 'opening'")
    paid = office.rows(
        "SELECT y.person_id, y.amount_vnd, l.unit_id FROM payments y JOIN lists l ON l.id = y.list_id"
    )
    return {"obligations": {tuple(row) for row in owed}, "payments": {tuple(row) for row in paid}}


def runner(office: Office, chunk: int) -> Runner:
    return Runner(office.unit_of_work, {handlers.KIND: PayrollJob(office.unit_of_work, chunk)})


def work_off(office: Office, worker: Runner) -> None:
    with dedicated(office.unit_of_work.engine) as lock:
        while worker._run_one(lock, threading.Event(), lambda: None):
            pass


@pytest.mark.parametrize("chunk", [1000, 1, 2, 3, 7, 22, 23, 24])
def test_a_month_is_the_same_in_chunks_of_any_size(office: Office, chunk: int) -> None:
    fill(office)
    wanted = expected(office)
    office.officer.post("/v1/payroll/2024-08")
    work_off(office, runner(office, chunk))
    assert result(office) == wanted
    run = office.officer.get("/v1/payroll/2024-08")
    assert run["total_vnd"] == sum(amount for _, amount, _ in wanted["payments"])
    assert run["arrears_vnd"] == sum(amount for _, kind, amount in wanted["obligations"] if kind == "arrears")
    assert run["recoveries_vnd"] > 0
    assert run["carried_vnd"] > 0


@pytest.mark.parametrize("killed_after", range(5))
def test_a_month_is_the_same_though_its_worker_was_killed(office: Office, killed_after: int) -> None:
    fill(office)
    wanted = expected(office)
    office.officer.post("/v1/payroll/2024-08")
    job = office.one("SELECT id FROM jobs WHERE kind = 'payroll'")
    worker = runner(office, 5)
    attempt = worker._claim(job)
    for _ in range(killed_after):
        assert worker._chunk(job, attempt) is False
    work_off(office, runner(office, 4))  # another process, which takes other chunks
    assert result(office) == wanted


def test_a_worker_that_lost_its_job_stores_nothing_more(office: Office) -> None:
    fill(office)
    wanted = expected(office)
    office.officer.post("/v1/payroll/2024-08")
    job = office.one("SELECT id FROM jobs WHERE kind = 'payroll'")
    slow, quick = runner(office, 5), runner(office, 5)
    first = slow._claim(job)
    slow._chunk(job, first)
    second = quick._claim(job)
    before = office.one("SELECT count(*) FROM payments")
    with pytest.raises(Fenced):
        slow._chunk(job, first)
    assert office.one("SELECT count(*) FROM payments") == before
    assert quick._chunk(job, second) is False
    work_off(office, quick)
    assert result(office) == wanted


def test_a_person_who_cannot_be_paid_is_named_and_the_others_are_paid(office: Office) -> None:
    office.import_persons(person("QN-1"), person("QN-2", benefits="TB:45:2024-09"), person("QN-3"))
    with office.owner.begin() as connection:
        connection.exec_driver_sql(
            "DELETE FROM person_residences WHERE person_id = (SELECT id FROM persons WHERE number = 'QN-3')"
        )
    run = office.pay("2024-08")
    assert run["payment_count"] == 1
    job = office.officer.get(f"/v1/jobs/{office.one('SELECT id FROM jobs WHERE kind = :k', k='payroll')}")
    assert [fault["code"] for fault in job["faults"]] == ["district_unknown"]
    person_id = str(office.one("SELECT id FROM persons WHERE number = 'QN-3'"))
    assert person_id in job["faults"][0]["message"]


@pytest.mark.parametrize(
    ("period", "status", "code"),
    [
        ("2024-08", 409, "payroll_exists"),
        ("2024-09", 409, "payroll_running"),
        ("2024-07", 422, "payroll_too_late"),
    ],
)
def test_while_a_month_is_computed_no_other_begins(
    office: Office, period: str, status: int, code: str
) -> None:
    office.import_persons(person("QN-1"))
    if code != "payroll_too_late":
        office.officer.post("/v1/payroll/2024-08")
    assert problem_of(office.officer.ask("POST", f"/v1/payroll/{period}")) == (status, code)


def test_a_run_without_anybody_is_a_closed_month(office: Office) -> None:
    run = office.pay("2024-08")
    assert (run["state"], run["payment_count"], run["total_vnd"]) == ("computed", 0, 0)
    assert problem_of(office.officer.ask("POST", "/v1/payroll/2024-10")) == (422, "month_open")


@pytest.fixture
def answered(office: Office) -> list[tuple[str, int]]:
    """Thirty payments in the hands of the post."""
    office.import_persons(*(person(f"QN-{n:03d}") for n in range(30)))
    office.pay("2024-08")
    (one,) = office.lists().values()
    office.instruct(one["id"])
    rows = office.rows("SELECT id, amount_vnd FROM payments ORDER BY id")
    return [(str(row.id), row.amount_vnd) for row in rows]


def documents(office: Office) -> DocumentStore:
    found: DocumentStore = office.app.extensions["fundtrail"].parts["documents"]
    return found


@pytest.mark.parametrize("step", [1, 7, 29, 30, 31])
def test_outcomes_are_told_once_in_steps_of_any_size(
    office: Office, answered: list[tuple[str, int]], step: int
) -> None:
    rows = [(*one, "Chưa trả" if n % 5 == 0 else "Đã trả", "CNPC") for n, one in enumerate(answered)]
    office.officer.good(office.officer.send("/v1/statements?provider=POST-QNA", post_answer(*rows)))
    work_off(office, reconciler(office, step))
    told = {
        kind: [item["payment_id"] for event in office.events(f"payments.{kind}") for item in event["items"]]
        for kind in ("settled", "returned")
    }
    assert sorted(told["returned"]) == sorted(one for one, _ in answered[::5])
    assert sorted(told["settled"] + told["returned"]) == [one for one, _ in answered]
    events = [event for kind in told for event in office.events(f"payments.{kind}")]
    chunks = [(event["list_id"], event["chunk"]) for event in events]
    assert len(chunks) == len(set(chunks)), "allocation tells the posts of a list apart by their chunk"


def reconciler(office: Office, told_per_step: int) -> Runner:
    kinds = {
        reconciliation.KIND: ReconcileStatementJob(documents(office)),
        reconciliation.TELL: TellOutcomesJob(told_per_step),
    }
    return Runner(office.unit_of_work, kinds)


@pytest.mark.parametrize("killed_after", range(4))
def test_outcomes_are_told_once_though_the_worker_was_killed(
    office: Office, answered: list[tuple[str, int]], killed_after: int
) -> None:
    rows = [(*one, "Đã trả", "") for one in answered]
    office.officer.good(office.officer.send("/v1/statements?provider=POST-QNA", post_answer(*rows)))
    worker = reconciler(office, 8)
    matching = office.one("SELECT id FROM jobs WHERE kind = :kind", kind=reconciliation.KIND)
    assert worker._chunk(matching, worker._claim(matching))
    job = office.one("SELECT id FROM jobs WHERE kind = :kind", kind=reconciliation.TELL)
    attempt = worker._claim(job)
    for _ in range(killed_after):
        worker._chunk(job, attempt)
    work_off(office, worker)
    items = [item["payment_id"] for event in office.events("payments.settled") for item in event["items"]]
    assert sorted(items) == [one for one, _ in answered]
    assert office.one("SELECT state FROM statements") == "told"


def test_a_list_that_is_gone_ends_its_job(office: Office) -> None:
    office.import_persons(person("QN-1"))
    office.pay("2024-08")
    (one,) = office.lists().values()
    office.approve(one["id"])
    for kind in ("held", "drawn"):
        office.hear(f"funds.{kind}", list_id=one["id"], submission=1, lines=[])
    job = Runner(office.unit_of_work, {"instruct_list": InstructListJob()})
    work_off(office, job)
    work_off(office, job)
    assert office.one("SELECT state FROM jobs WHERE kind = 'instruct_list'") == "done"
    assert len(office.events("payments.instructed")) == 1


@pytest.mark.parametrize("killed_after", range(4))
def test_payments_are_instructed_once_though_the_worker_was_killed(
    office: Office, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    monkeypatch.setattr("services.beneficiaries.lists.jobs.CHUNK_PAYMENTS", 2)
    office.import_persons(*(person(f"QN-{n}") for n in range(9)))
    office.pay("2024-08")
    (one,) = office.lists().values()
    office.approve(one["id"])
    for kind in ("held", "drawn"):
        office.hear(f"funds.{kind}", list_id=one["id"], submission=1, lines=[])
    worker = Runner(office.unit_of_work, {"instruct_list": InstructListJob(step_payments=4)})
    job = office.one("SELECT id FROM jobs WHERE kind = 'instruct_list'")
    attempt = worker._claim(job)
    for _ in range(killed_after):
        worker._chunk(job, attempt)
    work_off(office, worker)
    events = office.events("payments.instructed")
    assert [event["chunk"] for event in events] == [0, 1, 2, 3, 4]
    assert [len(event["items"]) for event in events] == [2, 2, 2, 2, 1]
    told = [item["payment_id"] for event in events for item in event["items"]]
    assert told == sorted(payment["id"] for payment in office.payments(one["id"]))
    assert office.one("SELECT state FROM lists") == "instructed"
