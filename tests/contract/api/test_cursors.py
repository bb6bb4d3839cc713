"""Whatever stands in a cursor, no list of any service falls over it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from shared.kernel import canonical
from tests.contract.api.callers import complaint

if TYPE_CHECKING:
    from tests.contract.api.callers import Caller, Operation

PAGED = {"allocation": 5, "beneficiaries": 3, "notifications": 1, "audit": 1, "portal": 0}


def cursor(value: object) -> str:
    return base64.urlsafe_b64encode(canonical.encode_plain(value)).decode().rstrip("=")


NEVER_GIVEN = {
    "a list in a list": cursor([[1]]),
    "an object": cursor([{"a": 1}]),
    "a truth": cursor([True]),
    "nothing": cursor([None]),
    "a fraction": base64.urlsafe_b64encode(b"[1.5]").decode(),
    "no number at all": base64.urlsafe_b64encode(b"[NaN]").decode(),
    "two of a wrong type": cursor([[], {}]),
    "three values": cursor([1, "a", 2]),
    "no value": cursor([]),
    "no list": cursor({"0": 1}),
    "a number beyond every column": cursor([2**63]),
    "a number of a thousand digits": base64.urlsafe_b64encode(b"[" + b"9" * 1000 + b"]").decode(),
    "a level beyond its column": cursor([2**40, "a"]),
    "the character that no column holds": cursor(["a\0b"]),
    "that character beside a level": cursor([1, "a\0b"]),
    "half a letter": base64.urlsafe_b64encode(b'["\\ud800"]').decode(),
    "half a letter beside a level": base64.urlsafe_b64encode(b'[1,"\\ud800"]').decode(),
    "no id": cursor(["not-an-id"]),
    "no instant": cursor(["yesterday", "00000000-0000-0000-0000-000000000001"]),
    "an instant without an offset": cursor(["2024-08-05T00:00:00", "00000000-0000-0000-0000-000000000001"]),
    "an instant before the first": cursor(
        [
            "0001-01-01T00:00:00+14:00",
            "00000000-0000-0000-0000-000000000001",
        ]
    ),
    "an instant and no id": cursor(["2024-08-05T00:00:00+00:00", "x"]),
    "no base64": "!!!!",
    "no JSON": base64.urlsafe_b64encode(b"{").decode(),
    "no UTF-8": base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    "one letter": "A",
    "no letter of ours": "é",
    "nothing at all": "",
    "ten thousand letters": "A" * 10_000,
    "a text of ten thousand letters": cursor(["x" * 10_000]),
    "very deep": base64.urlsafe_b64encode(b"[" * 1400).decode(),
}


def paged(caller: Caller) -> list[Operation]:
    return [one for one in caller.operations if one.is_paged]


def turn(caller: Caller, operation: Operation, value: str) -> Any:  # noqa: ANN401 - a reply
    return caller.ask(operation.method, operation.place(), query_string=operation.query(cursor=value))


def test_every_list_of_every_service_is_looked_at(caller: Caller) -> None:
    assert len(paged(caller)) >= PAGED[caller.service], [str(one) for one in paged(caller)]


@pytest.mark.parametrize("kind", NEVER_GIVEN)
def test_a_cursor_that_no_list_gave_is_refused_with_a_sentence(caller: Caller, kind: str) -> None:
    for operation in paged(caller):
        reply = turn(caller, operation, NEVER_GIVEN[kind])
        if reply.status_code == 404:
            continue  # it is a list of something, and looks for that first
        body = complaint(reply)
        assert (reply.status_code, body["code"]) == (422, "cursor_invalid"), (str(operation), body)
        assert body["detail"].endswith("begin without one.")


@pytest.mark.parametrize("value", [cursor([1]), cursor([1, "a"]), cursor(["b" * 1400]), cursor([2**53 - 1])])
def test_the_cursor_of_one_list_harms_no_other(caller: Caller, value: str) -> None:
    for operation in paged(caller):
        assert turn(caller, operation, value).status_code in {200, 404, 422}, str(operation)


def test_a_first_page_needs_no_cursor_and_an_empty_list_has_no_next(caller: Caller) -> None:
    for operation in paged(caller):
        reply = caller.ask(operation.method, operation.place(), query_string=operation.query())
        if reply.status_code == 404:
            continue
        assert reply.status_code == 200, (str(operation), reply.get_data(as_text=True))
        told = reply.get_json()
        assert told["items"] == [] or caller.service == "audit", str(operation)
        assert told["next_cursor"] is None


@pytest.mark.parametrize("limit", ["0", "-1", "501", "many", "1.5", "", "99999999999999999999"])
def test_a_page_is_never_larger_than_it_may_be(caller: Caller, limit: str) -> None:
    for operation in paged(caller):
        reply = caller.ask(operation.method, operation.place(), query_string=operation.query(limit=limit))
        assert reply.status_code == 422, str(operation)
        assert [fault["pointer"] for fault in complaint(reply)["errors"]] == ["/limit"]
