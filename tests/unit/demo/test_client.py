"""A person at the API: the authenticator, the key of a repeat, patience with a part that is away."""

from __future__ import annotations

import base64
import time
from datetime import date
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from hypothesis import given
from hypothesis import strategies as st

from deploy.demo import client
from deploy.demo.client import Account, Addresses, Person, Refused, totp

ADDRESSES = Addresses(*(f"http://{name}.test" for name in Addresses.__dataclass_fields__))


@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**33))
def test_the_six_digits_are_those_of_any_authenticator(raw: bytes, now_s: int) -> None:
    algorithm = SHA1()  # noqa: S303 - RFC 6238
    expected = TOTP(raw, 6, algorithm, 30).generate(now_s).decode()
    assert totp(base64.b32encode(raw).decode(), now_s) == expected


class Wire:
    """Stands for the network: answers in the order it is told, and keeps what was sent."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # noqa: ANN401
        self.sent.append((method, url, options))
        answer = self.answers.pop(0) if self.answers else (200, b"{}")
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, requests.Response):
            return answer
        reply = requests.Response()
        reply.status_code, reply._content = answer
        return reply


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(
        requests.Session, "request", lambda _, *words, **options: wire.request(*words, **options)
    )
    monkeypatch.setattr(
        Person,
        "_sign_in",
        lambda _: wire.request("POST", "sign-in") and made(200, b'{"access_token": "token"}'),
    )
    return wire


def made(status: int, content: bytes) -> requests.Response:
    reply = requests.Response()
    reply.status_code, reply._content = status, content
    return reply


@pytest.fixture
def person(wire: Wire) -> Person:
    person = Person(ADDRESSES, Account("lan", "password"))
    person.get("allocation", "/v1/units")
    wire.sent.clear()
    return person


def test_a_part_that_is_away_is_asked_again_under_the_same_key(person: Person, wire: Wire) -> None:
    wire.answers = [requests.ConnectionError(), (503, b""), (503, b""), (201, b'{"id": 1}')]
    assert person.post("allocation", "/v1/decisions", {"a": 1}, act="draft") == {"id": 1}
    keys = {options["headers"]["Idempotency-Key"] for _, _, options in wire.sent}
    assert len(wire.sent) == 4
    assert len(keys) == 1


def test_a_part_that_is_too_busy_is_asked_again_when_it_said(
    person: Person, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    busy = made(429, b"")
    busy.headers["Retry-After"] = "7"
    wire.answers = [busy, (429, b""), (201, b'{"id": 1}')]
    assert person.post("allocation", "/v1/decisions", {"a": 1}, act="draft") == {"id": 1}
    assert slept == [7.0, client.RETRY_S]
    assert len({options["headers"]["Idempotency-Key"] for _, _, options in wire.sent}) == 1


def test_patience_has_an_end(person: Person, wire: Wire) -> None:
    wire.answers = [(503, b"")] * (client.ATTEMPTS + 5)
    with pytest.raises(TimeoutError, match="was not answered"):
        person.get("allocation", "/v1/units")
    assert len(wire.sent) == client.ATTEMPTS


def test_a_token_that_ran_out_is_renewed(person: Person, wire: Wire) -> None:
    wire.answers = [(401, b""), (200, b"{}"), (200, b'{"items": []}')]
    assert person.get("allocation", "/v1/units") == {"items": []}
    assert [url for _, url, _ in wire.sent] == [
        "http://allocation.test/v1/units",
        "sign-in",
        "http://allocation.test/v1/units",
    ]


def test_a_refusal_is_told_with_its_code_and_not_tried_again(person: Person, wire: Wire) -> None:
    wire.answers = [(422, b'{"code": "ceiling_exceeded", "detail": "too much"}')]
    with pytest.raises(Refused) as refused:
        person.post("allocation", "/v1/decisions", {}, act="draft")
    assert (refused.value.status, refused.value.code, refused.value.detail) == (
        422,
        "ceiling_exceeded",
        "too much",
    )
    assert len(wire.sent) == 1


def test_an_answer_that_is_no_json_is_a_refusal_too(person: Person, wire: Wire) -> None:
    wire.answers = [(500, b"<html>")]
    with pytest.raises(Refused) as refused:
        person.get("allocation", "/v1/units")
    assert refused.value.code == "not_json"


def test_the_key_is_made_of_the_person_and_the_act(wire: Wire) -> None:
    keys = []
    for username, act in (("lan", "draft"), ("lan", "draft"), ("lan", "issue"), ("ha", "draft")):
        Person(ADDRESSES, Account(username, "password")).post("allocation", "/v1/decisions", act=act)
        keys.append(wire.sent[-1][2]["headers"]["Idempotency-Key"])
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_an_act_carries_its_business_date(person: Person, wire: Wire) -> None:
    person.post("allocation", "/v1/decisions", {}, date(2024, 3, 15), "draft")
    assert wire.sent[-1][2]["headers"]["Business-Date"] == "2024-03-15"


def test_an_upload_is_the_same_bytes_each_time(person: Person, wire: Wire) -> None:
    for _ in range(2):
        person.upload("allocation", "/v1/decisions/annexes", "a.csv", b"x,y", {"title": "t"}, act="annex")
    first, second = (options for _, _, options in wire.sent)
    assert first["data"] == second["data"]
    assert first["headers"] == second["headers"]


def test_pages_are_read_to_the_last(person: Person, wire: Wire) -> None:
    wire.answers = [
        (200, b'{"items": [1, 2], "next_cursor": "c"}'),
        (200, b'{"items": [3], "next_cursor": null}'),
    ]
    assert list(person.pages("allocation", "/v1/units", level=3)) == [1, 2, 3]
    assert [options["params"] for _, _, options in wire.sent] == [
        {"level": 3, "limit": 500},
        {"level": 3, "limit": 500, "cursor": "c"},
    ]


def test_a_job_is_waited_for_until_it_is_done(person: Person, wire: Wire) -> None:
    wire.answers = [(200, b'{"state": "running"}'), (200, b'{"state": "done", "done": 7}')]
    assert person.wait_for_job("beneficiaries", "1")["done"] == 7


def test_a_job_that_failed_is_a_refusal_with_its_failure(person: Person, wire: Wire) -> None:
    wire.answers = [(200, b'{"state": "failed", "failure": "disk full"}')]
    with pytest.raises(Refused, match="disk full") as refused:
        person.wait_for_job("beneficiaries", "1")
    assert refused.value.code == "job_failed"
