from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.beneficiaries.payroll.handlers import KIND
from services.beneficiaries.payroll.jobs import PayrollJob
from tests.integration.beneficiaries.office import Person, by_bank, csv_of, person

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office


@pytest.fixture
def rate(office: Office) -> dict[str, int]:
    """The monthly amounts of a war invalid of 45 % and 61 %, before and after Decree 77/2024."""
    rows = office.rows("SELECT injury_percent, decree, amount_vnd FROM rates WHERE code = 'TB'")
    by = {(row.injury_percent, row.decree[:2]): row.amount_vnd for row in rows}
    return {"old": by[45, "55"], "new": by[45, "77"], "old61": by[61, "55"], "new61": by[61, "77"]}


def take_over_three_months(office: Office, rate: dict[str, int], *numbers: str) -> None:
    for period in ("2024-05", "2024-06", "2024-07"):
        office.take_over(period, *((number, "TB", rate["old"]) for number in numbers))


def change(office: Office, number: str, kind: str, **details: Any) -> None:  # noqa: ANN401 - details
    body = {"person_number": number, "kind": kind, "details": details, "evidence": "paper"}
    requested = office.officer.post("/v1/changes", body)
    office.approver.post(f"/v1/changes/{requested['id']}/approval")


def obligations(office: Office, number: str) -> list[tuple[str, str, int]]:
    rows = office.rows(
        "SELECT o.kind, o.due_period, o.amount_vnd FROM obligations o JOIN persons p ON p.id = o.person_id "
        "WHERE p.number = :number AND o.kind <> 'opening' ORDER BY o.in_period, o.kind, o.due_period",
        number=number,
    )
    return [tuple(row) for row in rows]


def paid(office: Office, number: str, period: str = "2024-08") -> int | None:
    amount: int | None = office.one(
        "SELECT y.amount_vnd FROM payments y JOIN persons p ON p.id = y.person_id "
        "JOIN lists l ON l.id = y.list_id WHERE p.number = :number AND l.period = :period",
        number=number,
        period=period,
    )
    return amount


def test_a_new_decree_pays_the_month_and_the_difference(office: Office, rate: dict[str, int]) -> None:
    office.import_persons(person("QN-1"), by_bank("QN-2"))
    take_over_three_months(office, rate, "QN-1", "QN-2")
    run = office.pay("2024-08")
    difference = rate["new"] - rate["old"]
    assert obligations(office, "QN-1") == [
        ("arrears", "2024-07", difference),
        ("monthly", "2024-08", rate["new"]),
    ]
    assert paid(office, "QN-1") == rate["new"] + difference
    assert (run["list_count"], run["payment_count"], run["arrears_vnd"]) == (2, 2, 2 * difference)
    assert run["total_vnd"] == 2 * (rate["new"] + difference)
    assert (run["recoveries_vnd"], run["carried_vnd"], run["known_on"]) == (0, 0, "2024-07-20")


def test_lists_and_payments_add_up_to_the_run(office: Office, rate: dict[str, int]) -> None:
    office.import_persons(
        *(person(f"QN-{n:03d}") for n in range(20)), *(by_bank(f"QN-1{n:03d}") for n in range(10))
    )
    run = office.pay("2024-08")
    assert run["payment_count"] == 30
    assert run["total_vnd"] == 30 * rate["new"] == office.one("SELECT sum(amount_vnd) FROM payments")
    assert office.one("SELECT sum(total_vnd) FROM lists") == run["total_vnd"]
    query = (
        "SELECT count(*) FROM payments y WHERE y.amount_vnd <> "
        "(SELECT sum(o.amount_vnd) FROM obligations o WHERE o.payment_id = y.id)"
    )
    assert office.one(query) == 0
    (event,) = office.events("payroll.computed")
    assert event["total_vnd"] == run["total_vnd"]


def test_a_late_death_is_not_paid_and_what_cannot_be_recovered_is_carried(
    office: Office, rate: dict[str, int]
) -> None:
    office.import_persons(person("QN-1"), person("QN-2"))
    take_over_three_months(office, rate, "QN-1", "QN-2")
    change(office, "QN-1", "death", died_on="2024-05-09")
    run = office.pay("2024-08")
    assert paid(office, "QN-1") is None
    assert obligations(office, "QN-1") == []
    assert run["carried_vnd"] == 2 * rate["old"], "June and July were paid to the dead"
    assert run["payment_count"] == 1


def test_a_reassessment_downwards_is_recovered_from_the_month(office: Office, rate: dict[str, int]) -> None:
    office.import_persons(person("QN-1", benefits="TB:61:2015-03"))
    for period in ("2024-05", "2024-06", "2024-07"):
        office.take_over(period, ("QN-1", "TB", rate["old61"]))
    change(office, "QN-1", "reassessment", code="TB", injury_percent=45, from_period="2024-06")
    run = office.pay("2024-08")
    june, july = rate["old"] - rate["old61"], rate["new"] - rate["old61"]
    expected = [("monthly", "2024-08", rate["new"]), ("recovery", "2024-06", june)]
    expected = (
        [("arrears", "2024-07", july), *expected] if july > 0 else [*expected, ("recovery", "2024-07", july)]
    )
    assert obligations(office, "QN-1") == expected
    assert paid(office, "QN-1") == rate["new"] + june + july
    assert run["recoveries_vnd"] == -june - min(july, 0)


def test_who_moved_is_paid_by_the_new_district(office: Office, rate: dict[str, int]) -> None:
    office.import_persons(person("QN-1"), person("QN-2"))
    change(office, "QN-1", "move", commune_code="20791", from_period="2024-07")
    office.pay("2024-08")
    lists = office.lists()
    assert {key: one["payment_count"] for key, one in lists.items()} == {
        ("Núi Thành", "POST-QNA"): 1,
        ("Thăng Bình", "POST-QNA"): 1,
    }


def test_news_after_the_run_goes_into_the_next_month(office: Office, rate: dict[str, int]) -> None:
    office.import_persons(person("QN-1"))
    office.pay("2024-08")
    before = paid(office, "QN-1")
    office.on(2024, 8, 20)
    change(office, "QN-1", "reassessment", code="TB", injury_percent=61, from_period="2024-08")
    office.pay("2024-09")
    assert paid(office, "QN-1") == before, "a closed month is never rewritten"
    assert paid(office, "QN-1", "2024-09") == 2 * rate["new61"] - rate["new"]


def test_a_month_is_computed_once_in_time_and_in_turn(office: Office) -> None:
    office.import_persons(person("QN-1"))
    office.pay("2024-08")
    again = office.officer.ask("POST", "/v1/payroll/2024-08")
    assert again.status_code in {409, 422}
    assert again.get_json()["code"] in {"payroll_exists", "month_open"}
    skipped = office.officer.ask("POST", "/v1/payroll/2024-10")
    assert skipped.get_json()["code"] == "month_open"
    office.on(2024, 8, 25)
    late = office.officer.ask("POST", "/v1/payroll/2024-09")
    assert (late.status_code, late.get_json()["code"]) == (422, "payroll_too_late")
    assert office.officer.ask("POST", "/v1/payroll/August").get_json()["code"] == "period_invalid"
    assert office.officer.ask("GET", "/v1/payroll/2024-09").status_code == 404


def test_an_opening_with_a_fault_is_refused_whole(office: Office) -> None:
    office.import_persons(person("QN-1"), person("QN-2"))
    columns = ("person_number", "code", "amount_vnd")
    lines = [
        ("QN-1", "TB", "5"),
        ("QN-9", "TB", "5"),
        ("QN-1", "TB", "5"),
        ("QN-2", "TB", "-5"),
        ("QN-2", "X", "1.5"),
    ]
    content = csv_of(columns, [dict(zip(columns, line, strict=True)) for line in lines])
    started = office.officer.good(office.officer.send("/v1/openings/2024-07/imports", content))
    office.work_off()
    job = office.officer.get(f"/v1/jobs/{started['job_id']}")
    assert (job["state"], job["fault_count"]) == ("failed", 4)
    assert [(fault["row"], fault["code"]) for fault in job["faults"]] == [
        (3, "person_unknown"),
        (4, "line_repeated"),
        (5, "amount_invalid"),
        (6, "amount_invalid"),
    ]
    assert office.one("SELECT count(*) FROM obligations") == 0
    early = office.approver.ask("POST", f"/v1/openings/{started['opening_id']}/approval")
    assert early.get_json()["code"] == "opening_not_ready"


def test_an_opening_is_closed_by_another_person_and_taken_over_once(office: Office) -> None:
    office.import_persons(person("QN-1"))
    columns = ("person_number", "code", "amount_vnd")
    content = csv_of(columns, [dict(zip(columns, ("QN-1", "TB", "5"), strict=True))])
    started = office.officer.good(office.officer.send("/v1/openings/2024-07/imports", content))
    office.work_off()
    own = Person(office, "lan", ("openings.approve",))
    refused = own.ask("POST", f"/v1/openings/{started['opening_id']}/approval")
    assert refused.get_json()["code"] == "maker_is_checker"
    office.approver.post(f"/v1/openings/{started['opening_id']}/approval")
    again = office.officer.send("/v1/openings/2024-07/imports", content)
    assert (again.status_code, again.get_json()["code"]) == (409, "opening_exists")
    (event,) = office.events("openings.taken_over")
    assert event["items"][0]["amount_vnd"] == 5


def test_a_payroll_goes_on_where_its_worker_was_killed(office: Office, rate: dict[str, int]) -> None:
    office.runner._kinds[KIND] = PayrollJob(office.unit_of_work, 1000)  # type: ignore[index]
    office.import_persons(*(person(f"QN-{n:04d}") for n in range(1500)))
    office.officer.post("/v1/payroll/2024-08")
    job = office.one("SELECT id FROM jobs WHERE kind = 'payroll'")
    attempt = office.runner._claim(job)
    assert office.runner._chunk(job, attempt) is False  # a thousand are done, and then the process dies
    assert office.one("SELECT count(*) FROM payments") == 1000
    office.work_off()
    assert office.one("SELECT count(*) FROM payments") == 1500
    assert office.officer.get("/v1/payroll/2024-08")["total_vnd"] == 1500 * rate["new"]
