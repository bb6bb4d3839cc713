"""Every route of allocation against requests that cannot be right: each is refused, alike everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey

from deploy.local.scratch import ScratchDatabases
from shared.web.app import build_app
from tests.conftest import migrate_service
from tests.integration.allocation.conftest import app_of, checked, offices_of, published_lists
from tests.integration.allocation.house import SERVICE, problem
from tests.integration.allocation.offices import Offices
from tests.integration.allocation.routes import (
    ID,
    PAGED,
    PRESSING,
    READING,
    TELLING,
    WRITING,
    Route,
    decision,
    each_body,
    each_page,
    each_route,
    each_writing,
    rows,
)

REWRITTEN = {one.path for one in WRITING if one.method == "PUT"}
NOT_TAKEN = [
    pytest.param(route, method, id=f"{method}-{route}")
    for route in (*READING, *WRITING)
    for method in ("PUT", "PATCH", "DELETE")
    if method != "PUT" or route.path not in REWRITTEN
]


@pytest.fixture(scope="module")
def offices(scratch: ScratchDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    """One house for all of them: a refusal leaves nothing behind, and every invariant holds in the end."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    folder = tmp_path_factory.mktemp("allocation")
    with (
        scratch.fresh(SERVICE, lambda url: migrate_service(SERVICE, url), published_lists) as addresses,
        checked(addresses) as house,
    ):
        yield offices_of(house, app_of(house, key, folder, build_app), key)


# --- who asks ---------------------------------------------------------------------------------------------


@each_route
def test_nobody_gets_in_without_a_token(offices: Offices, route: Route) -> None:
    reply = offices.officer.app.test_client().open(route.path, method=route.method)
    problem(reply, 401, "unauthorized")
    assert "bearer" in reply.headers["WWW-Authenticate"].lower()


@each_route
@pytest.mark.parametrize("token", ["x", "Bearer", "Bearer x.y.z", "Basic eDp5"])
def test_a_token_that_nobody_issued_opens_nothing(offices: Offices, route: Route, token: str) -> None:
    client = offices.officer.app.test_client()
    problem(
        client.open(route.path, method=route.method, headers={"Authorization": token}), 401, "unauthorized"
    )


@each_route
def test_without_its_permission_a_route_stays_closed_and_the_attempt_is_kept(
    offices: Offices, route: Route
) -> None:
    stranger = offices.holder("stranger", "some.permission")
    reply = stranger.ask(route.method, route.path, {"Idempotency-Key": "k"})
    body = problem(reply, 403, "permission_missing")
    assert route.permission in body["detail"]
    kept = offices.house.journal("access.attempt_refused")[-1]
    assert (kept["actor_id"], kept["path"], kept["denied"]) == ("stranger", route.path, True)


# --- keys -------------------------------------------------------------------------------------------------


@each_writing
@pytest.mark.parametrize("given", [None, "k" * 256], ids=["none", "too_long"])
def test_without_a_key_nothing_is_written(offices: Offices, route: Route, given: str | None) -> None:
    body = route.good(offices) if route.body else None
    before = rows(offices)
    problem(route.ask(offices, body=body, key=given), 400, "idempotency_key_missing")
    assert rows(offices) == before


# --- bodies -----------------------------------------------------------------------------------------------


@each_body
def test_a_field_that_no_schema_knows_is_named(offices: Offices, route: Route) -> None:
    before = rows(offices)
    reply = route.ask(offices, body=route.good(offices) | {"no_such_field": 1})
    body = problem(reply, 422, "request_invalid")
    assert {"/no_such_field"} == {one["pointer"] for one in body["errors"]}
    assert rows(offices) == before


@each_body
def test_every_field_that_lacks_is_named_at_once(offices: Offices, route: Route) -> None:
    body = problem(route.ask(offices, body={}), 422, "request_invalid")
    named = {one["pointer"] for one in body["errors"]}
    assert named
    assert named <= {f"/{name}" for name in route.good(offices)}


@each_body
@pytest.mark.parametrize("body", [[], "x", 5, None, True], ids=["list", "text", "number", "null", "true"])
def test_a_body_that_is_no_object_is_refused(offices: Offices, route: Route, body: object) -> None:
    reply = route.ask(offices, json=body)
    assert reply.status_code in {400, 422}
    assert reply.content_type == "application/problem+json"


@each_body
@pytest.mark.parametrize("data", [b"{", b"{'a': 1}", b'{"a": NaN', b"\xff\xfe{}", b"[" * 5000], ids=range(5))
def test_a_body_that_is_no_json_is_refused(offices: Offices, route: Route, data: bytes) -> None:
    reply = route.ask(offices, data=data, content_type="application/json")
    assert reply.status_code in {400, 422}
    assert reply.content_type == "application/problem+json"


@each_body
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_body_of_another_type_is_refused(offices: Offices, route: Route, kind: str) -> None:
    problem(route.ask(offices, data=b"reason=x", content_type=kind), 415, "unsupported_media_type")


@each_writing
def test_a_body_beyond_a_megabyte_is_not_read(offices: Offices, route: Route) -> None:
    data = b'{"reason": "' + b"x" * (1024 * 1024) + b'"}'
    before = rows(offices)
    reply = route.ask(offices, data=data, content_type="application/json")
    if route.body is None:  # it reads no body at all
        assert reply.status_code in {200, 404, 413}
    else:
        assert reply.status_code == 413
        assert reply.content_type == "application/problem+json"
        assert rows(offices) == before


# Route, field, values that are none, pointer. The amounts are those a careless client sends.
NOT_AMOUNTS = (0, -1, "5", "5.000", 5.5, 5.0, None, True, [5], {"vnd": 5})
FIELDS: tuple[tuple[int, str, tuple[object, ...]], ...] = (
    (2, "lines/0/amount_vnd", NOT_AMOUNTS),
    (2, "lines/0/quantity", (1_000_001, 0, -1, "5", 5.5, True)),
    (2, "lines/0/article_id", ("x", 5, None, "")),
    (2, "lines/0/unit_id", ("x", 5, "")),
    (2, "lines/0/text", ("", None, 5, "x" * 501)),
    (2, "lines/0/note", ("x" * 501, 5)),
    (2, "lines/0/label", ("x" * 21, 5)),
    (2, "lines", ([], None, "x", 5)),
    (2, "fiscal_year", (1999, 2101, None, "next")),
    (2, "kind", ("gift", "", None, 5)),
    (2, "capital_kind", ("both", "", None)),
    (2, "component", ("", None, 5, "x" * 61)),
    (2, "source", ("", None, 5, "x" * 61)),
    (2, "title", ("", None, 5, "x" * 501)),
    (2, "issuing_unit_id", ("49", None, 5)),
    (2, "demonstration", ("perhaps", 7, None)),
    (3, "total_vnd", NOT_AMOUNTS[:6]),
    (3, "rounding_vnd", (0, -1, "5", 1.5, None, True)),
    (3, "shares/0/count", (-1, 10_000_001, "5", 1.5, None, True)),
    (3, "shares/0/unit_id", ("x", None, 5)),
    (3, "shares", ([], None, "x")),
    (3, "class_amounts", ("x", 5, [])),
    (3, "instrument", ("", None, 5, "x" * 61)),
    (1, "reason", ("", None, 5, "x" * 2001)),
    (4, "reason", ("", None, 5, "x" * 2001)),
    (5, "number", ("", None, 5, "x" * 61)),
    (5, "issued_on", ("", "today", "2024-02-30", "05/08/2024", None, 20240805)),
    (6, "reference", ("", None, 5, "x" * 61)),
    (7, "reason", ("", None, 5, "x" * 2001)),
)
CASES = [
    pytest.param(TELLING[number], field, value, id=f"{field.replace('/', '.')}-{number}-{position}")
    for number, field, values in FIELDS
    for position, value in enumerate(values)
]


@pytest.mark.parametrize(("route", "field", "value"), CASES)
def test_a_field_that_cannot_be_read_is_named_at_its_place(
    offices: Offices, route: Route, field: str, value: object
) -> None:
    before = rows(offices)
    reply = route.ask(offices, body=changed(route.good(offices), field, value))
    body = problem(reply, 422, "request_invalid")
    assert all(one["pointer"].startswith(f"/{field}") for one in body["errors"]), body["errors"]
    assert rows(offices) == before


@pytest.mark.parametrize("value", [2**53, 2**63, -(2**63), 10**40], ids=["53", "63", "minus_63", "40"])
@pytest.mark.parametrize(
    ("number", "field"),
    [
        (0, "transfers/0/amount_vnd"),
        (2, "lines/0/amount_vnd"),
        (2, "lines/0/quantity"),
        (2, "fiscal_year"),
        (3, "total_vnd"),
        (3, "rounding_vnd"),
        (3, "shares/0/count"),
    ],
)
def test_a_number_that_no_column_can_hold_is_refused(
    offices: Offices, number: int, field: str, value: int
) -> None:
    route = TELLING[number]
    reply = route.ask(offices, body=changed(route.good(offices), field, value))
    body = problem(reply, 422, "request_invalid")
    assert all(one["pointer"].startswith(f"/{field.split('/', maxsplit=1)[0]}") for one in body["errors"])


def changed(body: Any, field: str, value: object) -> Any:  # noqa: ANN401 - JSON
    """The body with another value at a place."""
    head, _, rest = field.partition("/")
    key: Any = int(head) if isinstance(body, list) else head
    body[key] = changed(body[key], rest, value) if rest else value
    return body


def test_all_that_is_wrong_is_told_at_once(offices: Offices) -> None:
    body = decision(offices)
    body["lines"] *= 3
    body["lines"] = [dict(one) for one in body["lines"]]
    body["lines"][0]["amount_vnd"] = 0
    body["lines"][2]["text"] = ""
    body["title"] = ""
    told = problem(offices.officer.send("/v1/decisions", body), 422, "request_invalid")
    assert {one["pointer"] for one in told["errors"]} == {
        "/lines/0/amount_vnd",
        "/lines/2/text",
        "/title",
    }


# --- addresses and questions ------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [one for one in (*READING, *WRITING) if ID in one.path], ids=str)
@pytest.mark.parametrize("name", ["1", "x", ID[:-1], f"{ID}0"], ids=["one", "letter", "short", "long"])
def test_what_is_no_id_is_no_address(offices: Offices, route: Route, name: str) -> None:
    path = route.path.replace(ID, name)
    body = route.good(offices) if route.body else None
    elsewhere = Route(route.method, path, route.permission)
    reply = elsewhere.ask(offices) if route.method == "GET" else elsewhere.ask(offices, body=body)
    assert reply.status_code == 404


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (1, "transfer_unknown"),
        (4, "decision_unknown"),
        (5, "decision_unknown"),
        (6, "withdrawal_unknown"),
        (7, "withdrawal_unknown"),
    ],
)
def test_what_does_not_exist_is_not_found(offices: Offices, number: int, code: str) -> None:
    route = TELLING[number]
    problem(route.ask(offices, body=route.good(offices)), 404, code)


@pytest.mark.parametrize("route", PRESSING[:2], ids=str)
def test_a_decision_that_does_not_exist_takes_no_step(offices: Offices, route: Route) -> None:
    body = problem(route.ask(offices), 404, "decision_unknown")
    assert ID in body["detail"]


@pytest.mark.parametrize(("route", "method"), NOT_TAKEN)
def test_no_address_takes_another_method(offices: Offices, route: Route, method: str) -> None:
    person = offices.holder("somebody", route.permission)
    reply = person.ask(method, route.path)
    assert reply.status_code == 405
    assert reply.content_type == "application/problem+json"


@pytest.mark.parametrize("route", [one for one in READING if one.path != f"/v1/decisions/{ID}"], ids=str)
def test_a_question_that_no_schema_knows_is_refused(offices: Offices, route: Route) -> None:
    body = problem(route.ask(offices, query_string={"sort": "amount"}), 422, "request_invalid")
    assert {one["pointer"] for one in body["errors"]} == {"/sort"}


@each_page
@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "100000", ""])
def test_a_page_has_one_to_its_limit_of_rows(offices: Offices, route: Route, limit: str) -> None:
    body = problem(route.ask(offices, query_string={"limit": limit}), 422, "request_invalid")
    assert {one["pointer"] for one in body["errors"]} == {"/limit"}


NUMBERED = f"/v1/accounts/{ID}/transfers"
CURSORS = [
    pytest.param(route, cursor, id=f"{route}-{number}")
    for route in PAGED
    for number, cursor in enumerate(["x", "W10", "WzFd", "WyJ4IiwgInkiXQ", "e30", "bnVsbA"])
    if (route.path, cursor) != (NUMBERED, "WzFd")  # [1] is a cursor of rows that are numbered
]


@pytest.mark.parametrize(("route", "cursor"), CURSORS)
def test_a_cursor_that_no_page_gave_is_refused(offices: Offices, route: Route, cursor: str) -> None:
    problem(route.ask(offices, query_string={"cursor": cursor}), 422, "cursor_invalid")


@pytest.mark.parametrize(
    ("path", "permission", "query"),
    [
        ("/v1/accounts", "ledger.read", {"unit_id": "502"}),
        ("/v1/accounts", "ledger.read", {"fiscal_year": "this"}),
        ("/v1/units", "units.read", {"on": "yesterday"}),
        ("/v1/units", "units.read", {"level": "4"}),
        ("/v1/articles", "legal_bases.read", {"on": "31/12/2024"}),
    ],
)
def test_a_filter_that_cannot_be_read_is_named(
    offices: Offices, path: str, permission: str, query: Mapping[str, str]
) -> None:
    reply = offices.holder("somebody", permission).ask("GET", path, query_string=query)
    body = problem(reply, 422, "request_invalid")
    assert {one["pointer"] for one in body["errors"]} == {f"/{name}" for name in query}


@pytest.mark.parametrize("day", ["yesterday", "2024-02-30", "05/08/2024", ""])
def test_a_business_date_that_is_no_date_is_refused(offices: Offices, day: str) -> None:
    reply = offices.officer.ask(
        "POST",
        "/v1/decisions",
        {"Idempotency-Key": "k", "Business-Date": day},
        json=decision(offices),
    )
    problem(reply, 422, "business_date_invalid")
