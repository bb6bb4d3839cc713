"""Every route, asked with what no honest client sends: it complains, and never falls over."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from shared.kernel import canonical
from shared.web.idempotency import KEY_CHARS_MAX
from tests.contract.api.callers import METHODS, SAMPLES, WITHOUT_TOKEN, complaint

if TYPE_CHECKING:
    from tests.contract.api.callers import Caller, Operation
    from tests.contract.api.conftest import Callers

HUGE = 2**63
BODIES = {
    "no JSON": b"{",
    "no object": b"[]",
    "a text": b'"x"',
    "nothing": b"null",
    "a number": b"1",
    "no UTF-8": b"\xff\xfe\x00",
    "no number": b'{"a": NaN}',
    "very deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "empty": b"",
    "an empty object": b"{}",
    "a field that nobody knows": b'{"nobody_knows_it": 1}',
    "the same field twice": b'{"username": "a", "username": "b"}',
}
WORDS = ["", "x", "a\0b", "%00", "x" * 5000, "1.5", "-1", str(HUGE), "9" * 400, "null", "đ", "'--"]
DAYS = ["2024-02-30", "0001-01-01", "9999-12-31"]
VALUES: dict[str, Any] = {
    "a truth": True,
    "nothing": None,
    "a number": 7,
    "a fraction": 1.5,
    "a number beyond every column": HUGE,
    "a number below every column": -HUGE,
    "a text": "x",
    "an empty text": "",
    "a text with the character that no column holds": "a\0b",
    "a long text": "x" * 100_000,
    "half a letter": "\ud800",
    "a list": [],
    "a list of anything": [None, 1, "x", {}],
    "an object": {"a": 1},
    "a day that is none": "2024-02-30",
    "the first day of all": "0001-01-01",
    "the last day of all": "9999-12-31",
    "an id": SAMPLES["uuid"],
}


def writing(caller: Caller) -> Iterator[Operation]:
    return (one for one in caller.operations if "application/json" in one.contents)


def send(caller: Caller, operation: Operation, body: bytes) -> Any:  # noqa: ANN401 - a reply
    return caller.ask(
        operation.method,
        operation.place(),
        query_string=operation.query(),
        data=body,
        content_type="application/json",
    )


def assert_answered(reply: Any, what: str) -> None:  # noqa: ANN401 - a reply
    if reply.status_code == 503:  # the log of a new instance has no checkpoint for a second
        assert reply.headers["Retry-After"]
    else:
        assert reply.status_code < 500, f"{what}: {reply.get_data(as_text=True)}"
    if reply.status_code >= 400:
        complaint(reply)


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_makes_no_sense_is_a_complaint(caller: Caller, kind: str) -> None:
    for operation in writing(caller):
        reply = send(caller, operation, BODIES[kind])
        assert_answered(reply, f"{operation}, {kind}")
        assert reply.status_code >= 400, f"{operation} took {kind}"


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_of_any_type_in_any_field_is_answered(caller: Caller, kind: str) -> None:
    for operation in writing(caller):
        for name in operation.schema.get("properties", {}):
            body = canonical.encode_plain({name: "a"}).replace(b'"a"', _json(VALUES[kind]))
            assert_answered(send(caller, operation, body), f"{operation}, {kind} in {name}")


@pytest.mark.parametrize("kind", VALUES)
def test_a_body_with_the_same_value_everywhere_is_answered(caller: Caller, kind: str) -> None:
    for operation in writing(caller):
        body = b",".join(
            canonical.encode_plain(name) + b":" + _json(VALUES[kind])
            for name in operation.schema.get("properties", {})
        )
        assert_answered(send(caller, operation, b"{" + body + b"}"), f"{operation}, {kind} everywhere")


@pytest.mark.parametrize(
    "value",
    [*WORDS, *DAYS],
    ids=lambda value: f"{len(value)} letters {value[:8]!r}",
)
def test_a_query_of_any_kind_is_answered(caller: Caller, value: str) -> None:
    for operation in caller.operations:
        if operation.method != "get":
            continue
        for name in operation.queries:
            query = operation.query(**{name: value})
            reply = caller.ask("get", operation.place(), query_string=query)
            assert_answered(reply, f"{operation} with {name}={value[:20]!r}")


def test_a_query_that_nobody_knows_is_named(caller: Caller) -> None:
    for operation in caller.operations:
        if operation.method == "get" and operation.queries:
            reply = caller.ask("get", operation.place(), query_string=operation.query(nobody_knows_it="1"))
            pointers = [fault["pointer"] for fault in complaint(reply)["errors"]]
            assert (reply.status_code, pointers) == (422, ["/nobody_knows_it"]), str(operation)


@pytest.mark.parametrize(
    "value",
    ["x", "0", "-1", str(HUGE), "9" * 400, "..", "%2e%2e", "%00", "a b", "'--", "{}", "x" * 5000],
    ids=lambda value: f"{len(value)} letters {value[:8]!r}",
)
def test_a_path_of_any_kind_is_answered(caller: Caller, value: str) -> None:
    for operation in caller.operations:
        gaps = {one["name"]: value for one in operation.parameters if one["in"] == "path"}
        if gaps and "multipart/form-data" not in operation.contents:
            reply = caller.ask(operation.method, operation.place(**gaps), query_string=operation.query())
            assert_answered(reply, f"{operation} at {gaps}")


@pytest.mark.parametrize(
    "header",
    [
        {"Business-Date": "soon"},
        {"Business-Date": "2024-02-30"},
        {"Business-Date": "9999-12-31"},
        {"Business-Date": "0001-01-01"},
        {"Business-Date": ""},
        {"If-Match": "1"},
        {"If-Match": "W/"},
        {"If-Match": '"' + "9" * 5000 + '"'},
        {"Idempotency-Key": "x" * (KEY_CHARS_MAX + 1)},
        {"Idempotency-Key": "\x01"},
        {"X-Correlation-Id": "x" * 5000},
        {"traceparent": "not-a-trace"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=nonsense"},
        {"Authorization": "Bearer " + "x" * 20_000},
        {"Authorization": "Bearer \xff"},
        {"Accept": "application/nothing"},
        {"Range": "bytes=0-9999999999"},
    ],
    ids=lambda header: " ".join(f"{name} {value[:12]!r}" for name, value in header.items()),
)
def test_a_header_of_any_kind_is_answered(caller: Caller, header: dict[str, str]) -> None:
    for operation in caller.operations:
        reply = caller.ask(
            operation.method,
            operation.place(),
            headers={"Content-Type": "application/json", **header},
            query_string=operation.query(),
            data=b"{}" if operation.method != "get" else None,
        )
        assert_answered(reply, f"{operation} with {header}")


def test_the_first_day_of_all_is_answered_with_the_largest_numbers(caller: Caller) -> None:
    for operation in caller.operations:
        if operation.method == "get":
            largest = {name: one["schema"].get("maximum") for name, one in operation.queries.items()}
            reply = caller.ask(
                "get",
                operation.place(),
                headers={"Business-Date": "0001-01-01"},
                query_string=operation.query(**{name: most for name, most in largest.items() if most}),
            )
            assert_answered(reply, f"{operation} with {largest}")


def test_a_form_with_a_part_that_has_no_name_is_a_complaint(caller: Caller) -> None:
    parts = [f'--line\r\nContent-Disposition: form-data; name="{name}"\r\n\r\nx\r\n' for name in ("", "x")]
    for operation in caller.operations:
        if "multipart/form-data" in operation.contents:
            reply = caller.ask(
                operation.method,
                operation.place(),
                query_string=operation.query(),
                data="".join([*parts, "--line--\r\n"]).encode(),
                content_type="multipart/form-data; boundary=line",
            )
            assert_answered(reply, str(operation))
            pointers = {fault["pointer"] for fault in complaint(reply)["errors"]}
            assert (reply.status_code, {"/", "/x"} - pointers) == (422, set()), (operation, pointers)


@pytest.mark.parametrize(("count", "expected"), [(100, "annex_faulty"), (101, "request_invalid")], ids=str)
def test_a_form_may_name_as_many_rows_as_the_document_says(
    callers: Callers, count: int, expected: str
) -> None:
    caller = callers("allocation")
    (annexes,) = (one for one in caller.operations if one.path == "/v1/decisions/annexes")
    form: dict[str, Any] = {"kind": "allocation", "title": "x", "fiscal_year": "2024", "component": "x"}
    form |= {"source": "x", "capital_kind": "recurrent", "works": [str(row) for row in range(1, count + 1)]}
    form |= {
        "issuing_unit_id": SAMPLES["uuid"],
        "article_id": SAMPLES["uuid"],
        "file": (io.BytesIO(b"x"), "f"),
    }
    reply = caller.ask("post", annexes.place(), data=form, content_type="multipart/form-data")
    assert complaint(reply)["code"] == expected


def test_a_business_date_that_is_none_is_refused_wherever_one_must_sign_in(caller: Caller) -> None:
    for operation in caller.operations:
        told = caller.document["paths"][operation.path][operation.method]
        if "security" in told:
            reply = caller.ask(
                operation.method,
                operation.place(),
                headers={"Business-Date": "2024-02-30"},
                query_string=operation.query(),
            )
            assert (reply.status_code, complaint(reply)["code"]) == (422, "business_date_invalid"), operation


def test_without_a_token_nothing_but_what_is_public_is_answered(caller: Caller) -> None:
    public = {
        *WITHOUT_TOKEN,
        "/v1/journal/head",
        "/.well-known/jwks.json",
        "/v1/tokens",
        "/v1/tokens/refresh",
        "/v1/tokens/revocation",
    }
    for operation in caller.operations:
        if operation.path in public or operation.path.startswith("/v1/log/"):
            continue
        reply = caller.app.test_client().open(
            operation.place(), method=operation.method.upper(), query_string=operation.query()
        )
        assert (reply.status_code, complaint(reply)["code"]) == (401, "unauthorized"), str(operation)
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_method_that_a_path_does_not_know_is_a_complaint(caller: Caller) -> None:
    known = {operation.path: set[str]() for operation in caller.operations}
    for operation in caller.operations:
        known[operation.path].add(operation.method)
    for operation in caller.operations:
        for method in set(METHODS) - known[operation.path]:
            reply = caller.ask(method, operation.place(), query_string=operation.query())
            assert (reply.status_code, complaint(reply)["code"]) in {
                (405, "method_not_allowed"),
                (404, "not_found"),
            }, f"{method} {operation.path}"


def test_a_body_larger_than_any_is_refused_before_it_is_read(caller: Caller) -> None:
    for operation in writing(caller):
        reply = send(caller, operation, b'{"a":"' + b"x" * (1024 * 1024) + b'"}')
        assert reply.status_code == 413, str(operation)
        complaint(reply)


def _json(value: object) -> bytes:
    """JSON that may also hold what a canonical form refuses: fractions and half letters."""
    if isinstance(value, str) and value == "\ud800":
        return b'"\\ud800"'
    return canonical.encode_plain(value)
