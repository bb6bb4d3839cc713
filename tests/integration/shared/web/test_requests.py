from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from marshmallow import Schema

from shared.web.app import BODY_BYTES_MAX
from shared.web.uploads import FILE_BYTES_MAX
from tests.integration.shared.web.conftest import problem

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.integration.shared.web.conftest import Caller

GOOD = {"name": "ngựa gỗ", "amount_vnd": 12_000}


def pointers(body: dict[str, Any]) -> list[str]:
    return [error.get("pointer", "") for error in body["errors"]]


def test_a_good_request_is_answered_and_kept(officer: Caller) -> None:
    reply = officer.make(GOOD)
    assert reply.status_code == 201
    assert reply.get_json() | GOOD == reply.get_json()
    assert officer.desk.one("SELECT value FROM effects") == 12_000
    assert officer.desk.one("SELECT actor FROM journal") == "officer-1"


def test_a_schema_is_made_once_and_not_by_every_request(
    officer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer.make(GOOD)
    made: list[str] = []
    right = Schema.__init__

    def counting(self: Schema, *args: object, **options: Any) -> None:  # noqa: ANN401 - as it takes them
        made.append(type(self).__name__)
        right(self, *args, **options)

    monkeypatch.setattr(Schema, "__init__", counting)
    assert officer.make(GOOD).status_code == 201
    assert made == []


def test_an_unknown_field_is_named(officer: Caller) -> None:
    reply = officer.make({**GOOD, "colour": "red"})
    assert reply.status_code == 422
    assert pointers(problem(reply)) == ["/colour"]


@pytest.mark.parametrize(
    "amount",
    ["12000", 12.5, 1e15, True, None, -1, 2**53, 2**63, 10**30, [1], {}],
    ids=str,
)
def test_an_amount_is_an_integer_in_bounds(officer: Caller, amount: object) -> None:
    reply = officer.make({"name": "a", "amount_vnd": amount})
    assert reply.status_code == 422
    assert pointers(problem(reply)) == ["/amount_vnd"]
    assert officer.desk.one("SELECT count(*) FROM effects") == 0


@pytest.mark.parametrize("amount", [0, 1, 2**53 - 1])
def test_the_bounds_themselves_are_amounts(officer: Caller, amount: int) -> None:
    assert officer.make({"name": "a", "amount_vnd": amount}).get_json()["amount_vnd"] == amount


def test_all_faults_are_told_at_once(officer: Caller) -> None:
    reply = officer.make({"name": "", "amount_vnd": "x", "more": 1})
    assert sorted(pointers(problem(reply))) == ["/amount_vnd", "/more", "/name"]


@pytest.mark.parametrize("body", [b"{", b"", b"null", b"[]", b'"text"', b"\xff\xfe", b'{"name": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(officer: Caller, body: bytes) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    reply = officer.ask("POST", "/v1/toys", headers, data=body)
    assert reply.status_code in {400, 422}
    problem(reply)


def test_a_body_of_another_type_is_refused(officer: Caller) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        headers = {"Idempotency-Key": "k", "Content-Type": content_type}
        reply = officer.ask("POST", "/v1/toys", headers, data=json.dumps(GOOD))
        assert reply.status_code == 415
        problem(reply)


def test_a_body_that_is_too_large_is_refused(officer: Caller) -> None:
    reply = officer.make({**GOOD, "name": "x" * BODY_BYTES_MAX})
    assert reply.status_code == 413
    problem(reply)


def test_a_field_beside_a_file_is_named_where_nobody_knows_it(officer: Caller) -> None:
    reply = upload(officer, 10, b'--line\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n')
    assert reply.status_code == 422
    assert [fault["pointer"] for fault in problem(reply)["errors"]] == ["/note"]


def test_only_a_view_that_takes_files_takes_large_bodies(officer: Caller) -> None:
    size = BODY_BYTES_MAX * 3
    assert upload(officer, size).get_json() == {"size": size}
    assert upload(officer, FILE_BYTES_MAX + 1).status_code == 413
    assert upload(officer, FILE_BYTES_MAX * 2).status_code == 413


def upload(officer: Caller, size: int, before: bytes = b"") -> TestResponse:
    head = before + b'--line\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    body = head + b"x" * size + b"\r\n--line--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=line"}
    return officer.ask("POST", "/v1/toys/file", headers, data=body)


def test_what_was_refused_by_law_has_code_place_and_cure(officer: Caller) -> None:
    reply = officer.make({**GOOD, "name": "refused"})
    body = problem(reply)
    assert (reply.status_code, body["code"], body["detail"]) == (422, "toy_refused", "This toy is refused.")
    assert body["errors"] == [
        {
            "code": "too_dear",
            "detail": "It costs too much.",
            "pointer": "/amount_vnd",
            "value": "7",
            "cure": "Ask for less.",
        }
    ]


def test_what_was_refused_by_law_stands_in_the_trail(officer: Caller) -> None:
    officer.make({**GOOD, "name": "refused"})
    (row,) = officer.refusals()
    data = json.loads(bytes(row.data))
    assert (row.topic, row.actor) == ("trail", "officer-1")
    assert (data["code"], data["denied"], data["method"], data["path"]) == (
        "toy_refused",
        False,
        "POST",
        "/v1/toys",
    )


def test_a_bug_tells_nothing_of_itself(officer: Caller) -> None:
    reply = officer.make({**GOOD, "name": "crash"})
    assert reply.status_code == 500
    assert b"secret" not in reply.data
    problem(reply)
    assert officer.desk.one("SELECT count(*) FROM effects") == 0


def test_unknown_places_and_methods_are_problems_too(officer: Caller) -> None:
    missing = officer.ask("GET", "/v1/nowhere")
    assert (missing.status_code, problem(missing)["code"]) == (404, "not_found")
    wrong = officer.ask("PATCH", "/v1/toys")
    assert (wrong.status_code, problem(wrong)["code"]) == (405, "method_not_allowed")
    assert "POST" in wrong.headers["Allow"]
    unknown = officer.ask("PUT", "/v1/toys/unknown", {"If-Match": '"3"'})
    assert (unknown.status_code, problem(unknown)["code"]) == (404, "toy_unknown")
    assert officer.refusals() == [], "not finding something is no refusal"


def test_a_change_needs_the_version_that_was_seen(officer: Caller) -> None:
    without = officer.ask("PUT", "/v1/toys/a")
    assert without.status_code == 428
    problem(without)
    stale = officer.ask("PUT", "/v1/toys/a", {"If-Match": '"2"'})
    assert (stale.status_code, problem(stale)["code"]) == (412, "version_changed")
    good = officer.ask("PUT", "/v1/toys/a", {"If-Match": '"3"'})
    assert (good.status_code, good.headers["ETag"]) == (204, '"4"')
    assert officer.desk.one("SELECT count(*) FROM journal") == 1


def test_an_act_bears_the_business_date_of_its_header(officer: Caller) -> None:
    head = officer.with_("toys.make", "acts.backdate")
    reply = head.make(GOOD, Business_Date="2024-07-24")
    assert reply.get_json()["made_on"] == "2024-07-24"
    (row,) = officer.desk.rows("SELECT * FROM journal")
    assert row.backdated
    assert row.occurred_at.isoformat() == "2024-07-24T05:00:00+00:00"
    assert row.recorded_at > row.occurred_at


def test_backdating_needs_a_permission_of_its_own(officer: Caller) -> None:
    reply = officer.make(GOOD, Business_Date="2024-07-24")
    assert (reply.status_code, problem(reply)["code"]) == (403, "permission_missing")
    assert "acts.backdate" in reply.get_json()["detail"]


def test_today_written_out_is_no_backdating(officer: Caller) -> None:
    assert officer.make(GOOD, Business_Date="2024-08-05").status_code == 201
    assert not officer.desk.one("SELECT backdated FROM journal")


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("2024-08-06", "business_date_ahead"),
        ("2024-02-30", "business_date_invalid"),
        ("24/07/2024", "business_date_invalid"),
        ("", "business_date_invalid"),
    ],
)
def test_a_business_date_is_a_day_that_has_come(officer: Caller, date: str, code: str) -> None:
    reply = officer.with_("toys.make", "acts.backdate").make(GOOD, Business_Date=date)
    assert (reply.status_code, problem(reply)["code"]) == (422, code)


def test_reading_speaks_of_the_business_date_too(officer: Caller) -> None:
    reply = officer.ask("GET", "/v1/toys?limit=7", {"Business-Date": "2024-07-01"})
    assert reply.get_json()["next_cursor"] == "0 2024-07-01 7"


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=many", "colour=red"])
def test_a_query_is_as_strict_as_a_body(officer: Caller, query: str) -> None:
    reply = officer.ask("GET", f"/v1/toys?{query}")
    assert reply.status_code == 422
    problem(reply)


def test_replies_are_not_stored_or_sniffed(officer: Caller) -> None:
    reply = officer.ask("GET", "/v1/toys")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_a_database_that_is_away_is_said_and_nothing_else(officer: Caller) -> None:
    take_database_away(officer)
    for reply in (officer.make(GOOD), officer.ask("GET", "/v1/toys")):
        assert reply.status_code == 503
        assert int(reply.headers["Retry-After"]) > 0
        assert problem(reply)["code"] == "unavailable"
    ready = officer.ask("GET", "/readyz")
    assert ready.status_code == 503
    assert officer.ask("GET", "/livez").status_code == 200


def take_database_away(officer: Caller) -> None:
    """Nobody can reach the database any more."""
    desk = officer.desk
    desk.change("ALTER TABLE effects RENAME TO effects_away")
    desk.service.dispose()
    desk.unit_of_work.engine = desk.engine("postgresql+psycopg://nobody:wrong@127.0.0.1:1/nowhere")


def test_a_halted_journal_refuses_acts_and_answers_questions(officer: Caller) -> None:
    officer.desk.change("UPDATE journal_cursor SET halted = 'the bus is ahead.'")
    reply = officer.make(GOOD)
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "60")
    assert "fundtrail epoch begin" in problem(reply)["detail"]
    assert officer.ask("GET", "/v1/toys").status_code == 200


def test_the_head_of_the_journal_is_public(officer: Caller) -> None:
    officer.make(GOOD)
    reply = officer.app.test_client().get("/v1/journal/head")
    assert reply.get_json() == {"service": "toys", "epoch": 1, "position": 1, "sent": 0}


def test_the_document_of_the_api_is_served(officer: Caller) -> None:
    document = officer.app.test_client().get("/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    assert "/v1/toys" in document["paths"]


def test_figures_are_counted(officer: Caller) -> None:
    officer.make(GOOD)
    text = officer.app.test_client().get("/metrics").get_data(as_text=True)
    assert 'fundtrail_http_requests_total{method="POST",service="toys",status="201"}' in text
