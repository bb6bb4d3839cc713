"""From a printed annex to a draft: units are found, works confirmed, every fault of a file is told."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest
from werkzeug.test import TestResponse

from deploy.demo import annexes
from tests.integration.allocation.house import CEMETERY_ARTICLE, problem
from tests.integration.allocation.offices import Offices

PATH = "/v1/decisions/annexes"
BOUNDARY = "fixed-boundary"
MILLION = 1_000_000


def upload(
    offices: Offices,
    content: bytes,
    name: str = "phu-luc.xlsx",
    key: str | None = "",
    **changes: str | list[str],
) -> TestResponse:
    header = {field: str(value) for field, value in offices.header().items()}
    form: dict[str, Any] = header | {
        "article_id": str(CEMETERY_ARTICLE),
        "units_on": "2024-01-01",
        "demonstration": "false",
        **changes,
    }
    form["file"] = (io.BytesIO(content), name)
    return offices.officer.send(PATH, key=key, data=form, content_type="multipart/form-data")


def printed(lines: Sequence[tuple[str, int]], total: int | None = None) -> bytes:
    return annexes.annex("PHỤ LỤC", lines, sum(amount for _, amount in lines) if total is None else total)


def test_the_six_cemeteries_become_a_draft_of_ten_billion(offices: Offices) -> None:
    reply = upload(offices, annexes.cemeteries())
    assert reply.status_code == 201, reply.get_data(as_text=True)
    drafted = reply.get_json()
    assert (drafted["state"], drafted["total_vnd"]) == ("draft", 10_000 * MILLION)
    assert [one["amount_vnd"] // MILLION for one in drafted["lines"]] == [3000, 2000, 2000, 1600, 500, 900]
    assert all(one["unit_id"] for one in drafted["lines"]), "each names a commune of that day"
    assert {one["article_id"] for one in drafted["lines"]} == {str(CEMETERY_ARTICLE)}


def test_the_file_itself_is_kept_and_named_by_what_is_in_it(offices: Offices) -> None:
    upload(offices, annexes.cemeteries())
    (told,) = offices.house.journal("decisions.drafted")
    assert len(told["document"]) == 64
    assert told["document"] == offices.house.one("SELECT document FROM decisions")


def test_a_row_that_names_no_unit_waits_for_a_person(offices: Offices) -> None:
    content = printed([("Quế Lâm", 100), ("Nhà bia ghi tên liệt sĩ", 50)])
    body = problem(upload(offices, content), 422, "annex_faulty")
    (fault,) = body["errors"]
    assert (fault["code"], fault["row"], fault["value"]) == ("unit_unconfirmed", 6, "Nhà bia ghi tên liệt sĩ")
    assert offices.house.one("SELECT count(*) FROM decisions") == 0


def test_a_row_that_an_officer_confirmed_as_a_work_is_a_line_without_a_unit(offices: Offices) -> None:
    content = printed([("Quế Lâm", 100), ("Nhà bia ghi tên liệt sĩ", 50)])
    drafted = upload(offices, content, works=["6"]).get_json()
    assert [one["unit_id"] is None for one in drafted["lines"]] == [False, True]


def test_a_misspelt_unit_is_answered_with_the_nearest_names(offices: Offices) -> None:
    body = problem(upload(offices, printed([("Xã Quế Lâmm", 100)])), 422, "annex_faulty")
    faults = [one for one in body["errors"] if one["row"] == 5]
    assert any("Quế Lâm" in one.get("cure", one["detail"]) for one in faults)


def test_a_sum_that_does_not_tie_is_refused_and_the_attempt_is_kept(offices: Offices) -> None:
    body = problem(upload(offices, annexes.untied()), 422, "annex_faulty")
    assert any(one["row"] == 4 for one in body["errors"])
    assert offices.house.journal("access.attempt_refused")[-1]["code"] == "annex_faulty"
    assert offices.house.one("SELECT count(*) FROM decisions") == 0


def test_every_problem_of_a_file_is_told_at_once(offices: Offices) -> None:
    lines = [("Quế Lâm", 100), ("Nơi không có", 50), ("Quế Lâm", 100)]
    body = problem(upload(offices, printed(lines, total=999)), 422, "annex_faulty")
    assert len({one["code"] for one in body["errors"]}) >= 2
    assert all(one["row"] for one in body["errors"])


def test_a_csv_is_read_as_well(offices: Offices) -> None:
    rows = (
        "Phụ lục;;;\nĐVT: nghìn đồng;;;\nSTT;Danh mục;Kế hoạch vốn;Ghi chú\n;TỔNG SỐ;1500;\n1;Quế Lâm;1500;\n"
    )
    reply = upload(offices, rows.encode(), "phu-luc.csv")
    assert reply.status_code == 201, reply.get_data(as_text=True)
    assert reply.get_json()["total_vnd"] == 1_500_000


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.xlsx"),
        (b"%PDF-1.7", "report.xlsx"),
        (b"PK\x03\x04 broken", "broken.xlsx"),
        ("Không có bảng nào\n".encode(), "prose.csv"),
    ],
)
def test_what_is_no_annex_is_refused_in_words(offices: Offices, content: bytes, name: str) -> None:
    reply = upload(offices, content, name)
    assert reply.status_code in {413, 422}, reply.get_data(as_text=True)
    assert reply.content_type == "application/problem+json"
    assert offices.house.one("SELECT count(*) FROM decisions") == 0


def encoded(offices: Offices, content: bytes) -> dict[str, Any]:
    """The upload as bytes that are the same each time."""
    header = {field: str(value) for field, value in offices.header().items()}
    form = header | {"article_id": str(CEMETERY_ARTICLE), "units_on": "2024-01-01"}
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in form.items()
    ]
    disposition = 'Content-Disposition: form-data; name="file"; filename="a.xlsx"'
    parts.append(f"--{BOUNDARY}\r\n{disposition}\r\n\r\n".encode() + content + b"\r\n")
    data = b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
    return {"data": data, "content_type": f"multipart/form-data; boundary={BOUNDARY}"}


def test_a_file_beyond_its_limit_is_refused(offices: Offices) -> None:
    reply = offices.officer.send(PATH, **encoded(offices, b"x" * (21 * 1024 * 1024)))
    assert reply.status_code == 413


def test_the_same_upload_twice_is_one_draft(offices: Offices) -> None:
    upload_once = encoded(offices, annexes.cemeteries())
    replies = [offices.officer.send(PATH, key="annex", **upload_once) for _ in range(2)]
    assert [one.status_code for one in replies] == [201, 201]
    assert replies[1].headers["Idempotency-Hit"] == "true"
    assert offices.house.one("SELECT count(*) FROM decisions") == 1


@pytest.mark.parametrize("missing", ["article_id", "title", "fiscal_year"])
def test_a_header_that_the_form_lacks_is_named(offices: Offices, missing: str) -> None:
    header = {field: str(value) for field, value in offices.header().items()}
    form: dict[str, Any] = header | {"article_id": str(CEMETERY_ARTICLE)}
    del form[missing]
    form["file"] = (io.BytesIO(annexes.cemeteries()), "a.xlsx")
    reply = offices.officer.send(PATH, data=form, content_type="multipart/form-data")
    body = problem(reply, 422, "request_invalid")
    assert [one["pointer"] for one in body["errors"]] == [f"/{missing}"]


def test_a_drafted_annex_can_be_issued_as_any_decision(offices: Offices) -> None:
    money: dict[str, Any] = {
        "component": "cemetery-donor",
        "source": "donor-da-nang",
        "capital_kind": "development",
    }
    envelope = offices.draft(
        [
            {
                "text": "Tiếp nhận vốn hỗ trợ",
                "article_id": str(CEMETERY_ARTICLE),
                "amount_vnd": 10_000 * MILLION,
            }
        ],
        kind="appropriation",
        **money,
    )
    assert offices.issue(envelope, "01/QĐ").status_code == 200
    drafted = upload(offices, annexes.cemeteries(), **money).get_json()
    reply = offices.issue(drafted["id"], "02/QĐ")
    assert reply.status_code == 200, reply.get_data(as_text=True)
    left = offices.accountant.get("/v1/accounts", component="cemetery-donor", role="envelope")["items"]
    assert [one["available_vnd"] for one in left] == [0]
