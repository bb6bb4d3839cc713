"""Every route of allocation against requests that cannot be right: each is refused, alike everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from services.allocation.ledger.model import Role
from shared.kernel.ids import new_id
from tests.integration.allocation.house import MERIT, MERIT_ARTICLE, account, problem, unit_id
from tests.integration.allocation.offices import Offices, line

ID = str(unit_id("no such thing"))


@dataclass(frozen=True)
class Route:
    """One way in: who may use it, and a body that is taken, where it takes one."""

    method: str
    path: str
    permission: str
    body: Callable[[Offices], dict[str, Any]] | None = None
    also: tuple[str, ...] = ()  # what its caller holds besides

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def ask(self, offices: Offices, **options: Any) -> TestResponse:  # noqa: ANN401 - as werkzeug takes them
        """A request of somebody who may."""
        person = offices.holder("somebody", self.permission, *self.also)
        if self.method == "GET":
            return person.ask("GET", self.path, **options)
        return person.send(self.path, **options)

    def good(self, offices: Offices) -> dict[str, Any]:
        """A body that can be read."""
        assert self.body is not None
        return self.body(offices)


def transfers(offices: Offices) -> dict[str, Any]:
    side = {"fiscal_year": 2024, **MERIT, "unit_id": offices.districts(1)[0]}
    one = {
        "id": str(new_id()),
        "debit": side | {"role": "source", "unit_id": None},
        "credit": side | {"role": "allotment"},
        "amount_vnd": 5,
        "kind": "direct",
    }
    return {"transfers": [one]}


def decision(offices: Offices) -> dict[str, Any]:
    return offices.header() | {"lines": [line(5, offices.districts(1)[0])]}


def formula(offices: Offices) -> dict[str, Any]:
    shares = [{"unit_id": unit, "count": 3} for unit in offices.districts(2)]
    more = {"article_id": str(MERIT_ARTICLE), "instrument": "TT-44-2022", "shares": shares, "total_vnd": 10}
    return offices.header() | more


def fixed(**body: Any) -> Callable[[Offices], dict[str, Any]]:  # noqa: ANN401 - JSON
    return lambda _: dict(body)


READING = (
    Route("GET", "/v1/units", "units.read"),
    Route("GET", "/v1/articles", "legal_bases.read"),
    Route("GET", "/v1/accounts", "ledger.read"),
    Route("GET", f"/v1/accounts/{ID}/transfers", "ledger.read"),
    Route("GET", "/v1/decisions", "decisions.read"),
    Route("GET", f"/v1/decisions/{ID}", "decisions.read"),
    Route("GET", "/v1/withdrawals", "withdrawals.read"),
)
TELLING = (
    Route("POST", "/v1/transfers", "ledger.transfer", transfers),
    Route("POST", f"/v1/transfers/{ID}/reversal", "ledger.transfer", fixed(reason="x")),
    Route("POST", "/v1/decisions", "decisions.draft", decision),
    Route("POST", "/v1/decisions/formulas", "formulas.compute", formula, ("decisions.draft",)),
    Route("POST", f"/v1/decisions/{ID}/return", "decisions.approve", fixed(reason="x")),
    Route("POST", f"/v1/decisions/{ID}/issue", "decisions.issue", fixed(number="1", issued_on="2024-08-05")),
    Route("POST", f"/v1/withdrawals/{ID}/confirmation", "withdrawals.answer", fixed(reference="KB-1")),
    Route("POST", f"/v1/withdrawals/{ID}/refusal", "withdrawals.answer", fixed(reason="x")),
)
PRESSING = (
    Route("POST", f"/v1/decisions/{ID}/submission", "decisions.submit"),
    Route("POST", f"/v1/decisions/{ID}/approval", "decisions.approve"),
    Route("POST", "/v1/ledger/years/2023/closing", "ledger.transfer"),
)
WRITING = (*TELLING, *PRESSING)
PAGED = tuple(one for one in READING if one.path not in {"/v1/articles", f"/v1/decisions/{ID}"})
each_route = pytest.mark.parametrize("route", [*READING, *WRITING], ids=str)
each_writing = pytest.mark.parametrize("route", WRITING, ids=str)
each_body = pytest.mark.parametrize("route", TELLING, ids=str)
each_page = pytest.mark.parametrize("route", PAGED, ids=str)


def rows(offices: Offices) -> dict[str, int]:
    """How much there is of what these routes change."""
    tables = ("transfers", "transfer_refusals", "decisions", "decision_lines", "ledger_years", "withdrawals")
    return {table: int(offices.house.one(f"SELECT count(*) FROM {table}")) for table in tables}


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


@pytest.mark.parametrize("route", TELLING[:1] + TELLING[2:4], ids=str)
def test_a_key_stands_for_one_body(offices: Offices, route: Route) -> None:
    first, second = route.good(offices), route.good(offices)
    if first == second:
        second |= {"title": "Một quyết định khác"}
    assert route.ask(offices, body=first, key="one").status_code in {200, 201}
    before = rows(offices)
    problem(route.ask(offices, body=second, key="one"), 422, "idempotency_key_reused")
    assert rows(offices) == before


def test_a_key_stands_for_one_address(offices: Offices) -> None:
    person = offices.holder("somebody", "decisions.draft", "formulas.compute")
    assert person.send("/v1/decisions", decision(offices), key="one").status_code == 201
    problem(person.send("/v1/decisions/formulas", formula(offices), key="one"), 422, "idempotency_key_reused")


@each_writing
def test_a_refused_request_burns_no_key(offices: Offices, route: Route) -> None:
    """What failed may be sent again under its key: the answer is that of a first request."""
    body = {"no_such_field": 1} if route.body else None
    first = route.ask(offices, body=body, key="again")
    second = route.ask(offices, body=body, key="again")
    if first.status_code < 400:
        assert second.headers["Idempotency-Hit"] == "true"
    else:
        assert "Idempotency-Hit" not in second.headers
        assert second.status_code == first.status_code


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


@each_route
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
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


@each_page
@pytest.mark.parametrize("cursor", ["x", "W10", "WzFd", "WyJ4IiwgInkiXQ", "e30", "bnVsbA"], ids=range(6))
def test_a_cursor_that_no_page_gave_is_refused(offices: Offices, route: Route, cursor: str) -> None:
    if (route.path, cursor) == (f"/v1/accounts/{ID}/transfers", "WzFd"):
        return  # [1] is a cursor of rows that are numbered
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


# --- versions and units -----------------------------------------------------------------------------------


def seen(offices: Offices, decision_id: str) -> str:
    """The ETag under which the decision is shown."""
    reply = offices.officer.ask("GET", f"/v1/decisions/{decision_id}")
    return str(reply.get_json()["version"])


@pytest.mark.parametrize(
    ("step", "permission", "body"),
    [
        ("submission", "decisions.submit", None),
        ("approval", "decisions.approve", None),
        ("return", "decisions.approve", {"reason": "x"}),
        ("issue", "decisions.issue", {"number": "1", "issued_on": "2024-08-05"}),
    ],
    ids=["submission", "approval", "return", "issue"],
)
def test_whoever_saw_an_older_version_takes_no_step(
    offices: Offices, step: str, permission: str, body: dict[str, Any] | None
) -> None:
    drafted = offices.draft([line(5, offices.districts(1)[0])])
    old = seen(offices, drafted)
    assert offices.step(offices.officer, drafted, "submission").status_code == 200
    before = offices.house.rows("SELECT state, version FROM decisions")
    headers = {"Idempotency-Key": "k", "If-Match": f'"{old}"'}
    path = f"/v1/decisions/{drafted}/{step}"
    reply = offices.holder("other", permission).ask("POST", path, headers, json=body)
    problem(reply, 412, "version_changed")
    assert offices.house.rows("SELECT state, version FROM decisions") == before


@pytest.mark.parametrize("which", ["same", "any", "none"])
def test_whoever_saw_this_version_or_says_nothing_takes_the_step(offices: Offices, which: str) -> None:
    drafted = offices.draft([line(5, offices.districts(1)[0])])
    tags = {"same": f'"{seen(offices, drafted)}"', "any": "*", "none": None}
    headers = {"Idempotency-Key": "k"} | ({"If-Match": tags[which]} if tags[which] else {})
    reply = offices.officer.ask("POST", f"/v1/decisions/{drafted}/submission", headers)
    assert reply.status_code == 200
    assert reply.headers["ETag"] == f'"{seen(offices, drafted)}"'


@pytest.mark.parametrize(
    ("step", "permission", "body"),
    [
        ("submission", "decisions.submit", None),
        ("approval", "decisions.approve", None),
        ("return", "decisions.approve", {"reason": "x"}),
        ("issue", "decisions.issue", {"number": "1", "issued_on": "2024-08-05"}),
    ],
    ids=["submission", "approval", "return", "issue"],
)
def test_a_right_for_a_district_does_not_reach_a_decision_of_the_province(
    offices: Offices, step: str, permission: str, body: dict[str, Any] | None
) -> None:
    own = offices.districts(1)[0]
    drafted = offices.draft([line(5, own)])
    person = offices.holder("district-officer", permission, unit=own)
    problem(person.send(f"/v1/decisions/{drafted}/{step}", body), 403, "unit_foreign")
    assert offices.house.one("SELECT state FROM decisions") == "draft"


@pytest.mark.parametrize("route", [TELLING[2], TELLING[3]], ids=str)
def test_a_decision_of_a_foreign_unit_is_not_drafted(offices: Offices, route: Route) -> None:
    own, foreign = offices.districts(2)
    person = offices.holder("district-officer", route.permission, "decisions.draft", unit=own)
    problem(person.send(route.path, route.good(offices) | {"issuing_unit_id": foreign}), 403, "unit_foreign")
    assert offices.house.one("SELECT count(*) FROM decisions") == 0


@pytest.mark.parametrize("side", ["debit", "credit"])
def test_neither_side_of_a_transfer_may_be_foreign(offices: Offices, side: str) -> None:
    own, foreign = offices.districts(2)
    body = transfers(offices)
    body["transfers"][0][side]["unit_id"] = foreign
    person = offices.holder("district-accountant", "ledger.transfer", unit=own)
    problem(person.send("/v1/transfers", body), 403, "unit_foreign")
    assert offices.house.available(account(Role.ALLOTMENT, offices.uuid(own))) == 0
