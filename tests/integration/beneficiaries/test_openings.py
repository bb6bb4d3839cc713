"""Months paid before this system: taken over once, whole, by two persons, and never over a computed month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.beneficiaries.openings import jobs
from shared.kernel.ids import new_id
from tests.integration.beneficiaries.office import Person, csv_of, person, problem_of

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

COLUMNS = ("person_number", "code", "amount_vnd")
Line = tuple[str, str, str]


def content_of(*lines: Line) -> bytes:
    return csv_of(COLUMNS, [dict(zip(COLUMNS, line, strict=True)) for line in lines])


def begin(office: Office, *lines: Line, period: str = "2024-07") -> dict[str, Any]:
    """The job that read the file, with the id of the opening."""
    return begin_with(office, content_of(*lines), period)


def begin_with(office: Office, content: bytes, period: str = "2024-07") -> dict[str, Any]:
    started = office.officer.good(office.officer.send(f"/v1/openings/{period}/imports", content))
    office.work_off()
    job: dict[str, Any] = office.officer.get(f"/v1/jobs/{started['job_id']}")
    return job | {"opening_id": started["opening_id"]}


def close(office: Office, opening_id: str) -> Any:  # noqa: ANN401 - a reply
    return office.approver.ask("POST", f"/v1/openings/{opening_id}/approval")


@pytest.fixture
def known(office: Office) -> Office:
    office.import_persons(person("QN-1"), person("QN-2"))
    return office


# One line of a file, and what is wrong with it.
WRONG: dict[str, tuple[Line, str]] = {
    "nobody": (("QN-9", "TB", "5"), "person_unknown"),
    "blank person": (("", "TB", "5"), "person_unknown"),
    "nothing": (("QN-1", "TB", "0"), "amount_invalid"),
    "below nothing": (("QN-1", "TB", "-5"), "amount_invalid"),
    "fraction": (("QN-1", "TB", "1.5"), "amount_invalid"),
    "grouped": (("QN-1", "TB", "2.055.000"), "amount_invalid"),
    "in words": (("QN-1", "TB", "năm"), "amount_invalid"),
    "blank amount": (("QN-1", "TB", ""), "amount_invalid"),
    "exponent": (("QN-1", "TB", "1e6"), "amount_invalid"),
    "other digits": (("QN-1", "TB", "١٢"), "amount_invalid"),
    "beyond 2^53": (("QN-1", "TB", str(2**53)), "amount_invalid"),
    "beyond all bounds": (("QN-1", "TB", "9" * 5000), "amount_invalid"),
    "blank category": (("QN-1", "", "5"), "code_invalid"),
    "category of signs": (("QN-1", "T;B", "5"), "code_invalid"),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_one_wrong_line_refuses_the_file(known: Office, name: str) -> None:
    line, code = WRONG[name]
    job = begin(known, ("QN-2", "TB", "5"), line)
    assert (job["state"], job["fault_count"]) == ("failed", 1)
    assert [(fault["row"], fault["code"]) for fault in job["faults"]] == [(3, code)]
    assert known.one("SELECT count(*) FROM obligations") == 0
    assert known.events("openings.taken_over") == []


def test_a_comma_in_a_cell_is_a_fault_of_its_row(known: Office) -> None:
    job = begin_with(known, content_of(("QN-2", "TB", "5")) + b"\nQN-1,TB,2,055,000")
    assert [(fault["row"], fault["code"]) for fault in job["faults"]] == [(3, "cells_too_many")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "columns_wrong"),
        (b"person_number,code\nQN-1,TB", "columns_wrong"),
        (b"code,person_number,amount_vnd\n", "columns_wrong"),
        (b"\xff\xfe\x00", "file_not_text"),
        (b'person_number,code,amount_vnd\n"' + b"x" * 200_000, "file_broken"),
    ],
    ids=["empty", "a column short", "order", "no text", "endless cell"],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(known: Office, content: bytes, code: str) -> None:
    job = begin_with(known, content)
    assert job["state"] == "failed"
    assert job["failure"].startswith(f"{code}: ")


def test_after_a_faulty_file_a_mended_one_is_taken(known: Office) -> None:
    failed = begin(known, ("QN-1", "TB", "x"))
    assert problem_of(close(known, failed["opening_id"])) == (409, "opening_not_ready")
    mended = begin(known, ("QN-1", "TB", "5"))
    assert (mended["state"], mended["opening_id"]) == ("done", failed["opening_id"])
    assert close(known, mended["opening_id"]).get_json()["total_vnd"] == 5


def test_who_sent_the_mended_file_does_not_close_the_month(known: Office) -> None:
    begin(known, ("QN-1", "TB", "x"))
    other = Person(known, "minh", ("openings.import", "openings.approve"))
    started = other.good(other.send("/v1/openings/2024-07/imports", content_of(("QN-1", "TB", "5"))))
    known.work_off()
    assert problem_of(close(known, started["opening_id"])) == (403, "maker_is_checker")


def test_while_a_file_is_read_no_other_is_taken(known: Office) -> None:
    known.officer.good(known.officer.send("/v1/openings/2024-07/imports", content_of(("QN-1", "TB", "x"))))
    second = known.officer.send("/v1/openings/2024-07/imports", content_of(("QN-1", "TB", "5")))
    assert problem_of(second) == (409, "opening_exists")


def test_what_was_read_is_not_replaced(known: Office) -> None:
    begin(known, ("QN-1", "TB", "5"))
    second = known.officer.send("/v1/openings/2024-07/imports", content_of(("QN-1", "TB", "6")))
    assert problem_of(second) == (409, "opening_exists")
    assert known.one("SELECT sum(amount_vnd) FROM obligations") == 5


@pytest.mark.parametrize(
    ("period", "code"),
    [
        ("2024-08", "opening_ahead"),
        ("2098-01", "opening_ahead"),
        ("1994-12", "period_invalid"),
        ("0000-01", "period_invalid"),
        ("9999-12", "period_invalid"),
        ("2024-13", "period_invalid"),
        ("2024-7", "period_invalid"),
        ("July", "period_invalid"),
    ],
)
def test_only_a_month_that_was_paid_is_taken_over(known: Office, period: str, code: str) -> None:
    reply = known.officer.send(f"/v1/openings/{period}/imports", content_of(("QN-1", "TB", "5")))
    assert problem_of(reply) == (422, code)
    assert known.one("SELECT count(*) FROM openings") == 0


def test_a_month_that_was_computed_here_is_not_taken_over(known: Office) -> None:
    known.pay("2024-08")
    known.on(2024, 8, 3)
    reply = known.officer.send("/v1/openings/2024-08/imports", content_of(("QN-1", "TB", "5")))
    assert problem_of(reply) == (409, "month_computed")


def test_nothing_is_computed_before_what_was_begun_is_closed(known: Office) -> None:
    job = begin(known, ("QN-1", "TB", "5"))
    assert problem_of(known.officer.ask("POST", "/v1/payroll/2024-08")) == (409, "opening_open")
    close(known, job["opening_id"])
    assert known.pay("2024-08")["state"] == "computed"


def test_a_month_taken_over_is_not_computed_as_well(known: Office) -> None:
    known.take_over("2024-07", ("QN-1", "TB", 5))
    assert problem_of(known.officer.ask("POST", "/v1/payroll/2024-07")) == (409, "payroll_exists")


def test_a_month_is_closed_once_by_another_person(known: Office) -> None:
    job = begin(known, ("QN-1", "TB", "5"), ("QN-2", "TB", "7"))
    own = Person(known, "lan", ("openings.approve",))
    reply = own.ask("POST", f"/v1/openings/{job['opening_id']}/approval")
    assert problem_of(reply) == (403, "maker_is_checker")
    closed = close(known, job["opening_id"]).get_json()
    assert (closed["state"], closed["row_count"], closed["total_vnd"]) == ("closed", 2, 12)
    assert problem_of(close(known, job["opening_id"])) == (409, "opening_not_ready")
    assert len(known.events("openings.closed")) == 1


def test_an_opening_that_does_not_exist_is_not_closed(known: Office) -> None:
    assert problem_of(close(known, str(new_id()))) == (404, "opening_unknown")


def test_blank_lines_at_the_end_are_no_lines(known: Office) -> None:
    job = begin_with(known, content_of(("QN-1", "TB", "5")) + b"\n\n , , \n")
    assert (job["state"], job["total"]) == ("done", 1)


def test_a_blank_line_between_others_is_a_fault(known: Office) -> None:
    job = begin(known, ("QN-1", "TB", "5"), ("", "", ""), ("QN-2", "TB", "5"))
    assert [fault["row"] for fault in job["faults"]] == [3]


def test_an_empty_file_takes_over_a_month_in_which_nobody_was_paid(known: Office) -> None:
    job = begin(known)
    assert job["state"] == "done"
    assert close(known, job["opening_id"]).get_json()["row_count"] == 0


def test_a_file_with_byte_order_mark_and_spaces_is_read(known: Office) -> None:
    content = b"\xef\xbb\xbf Person_Number , CODE,amount_vnd\r\n QN-1 , TB , 5 \r\n"
    assert begin_with(known, content)["state"] == "done"
    assert known.one("SELECT amount_vnd FROM obligations") == 5


def test_of_thousands_of_faults_the_first_are_shown_and_all_are_counted_in_words(known: Office) -> None:
    lines = [(f"X-{n}", "TB", "5") for n in range(jobs.FAULTS_MAX + 20)]
    job = begin(known, *lines)
    assert job["fault_count"] == jobs.FAULTS_MAX
    assert f"{jobs.FAULTS_MAX + 20} rows are wrong" in job["failure"]


def test_a_long_file_is_taken_over_in_chunks_and_told_in_parts(known: Office) -> None:
    known.import_persons(*(person(f"QN-{n:05d}") for n in range(1200)))
    job = begin(known, *((f"QN-{n:05d}", "TB", str(n + 1)) for n in range(1200)))
    assert (job["state"], job["done"]) == ("done", 1200)
    events = known.events("openings.taken_over")
    assert [(event["chunk"], len(event["items"])) for event in events] == [(0, 500), (1, 500), (2, 200)]
    assert sum(item["amount_vnd"] for event in events for item in event["items"]) == 1200 * 1201 // 2
