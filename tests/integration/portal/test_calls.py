"""What comes back from a service that answers, refuses, is away or does not know us."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services.portal.calls.services import Away, Caller, Refused, Services, SignedOut
from services.portal.uploads.files import File


class Desk:
    """A service that answers what it was told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, {"Content-Type": "application/json"}, b"{}"
        self.asked: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.cuts = 0  # as many are heard and cut off before they are answered

    def answers(self, status: int, body: object = None, **headers: str) -> None:
        self.status = status
        self.body = json.dumps(body).encode() if body is not None else b""
        self.headers = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }


@pytest.fixture
def service() -> Iterator[tuple[Desk, Caller]]:
    desk = Desk()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            desk.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            if desk.cuts >= len(desk.asked):
                return
            self.send_response(desk.status)
            for name, value in {**desk.headers, "Content-Length": str(len(desk.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(desk.body)

        do_POST = do_PUT = do_GET  # noqa: N815 - http.server's own name

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    services = Services({"audit": f"http://127.0.0.1:{server.server_port}", "away": "http://127.0.0.1:1"})
    try:
        yield desk, services.for_person("a.token", "2024-08-01")
    finally:
        services.connections.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_person_asks_with_their_own_token_on_their_day(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    desk.answers(200, {"items": [1]})
    shown = caller.get("audit", "/v1/entries", {"person": "x", "unit": "", "cursor": None})
    assert shown == {"items": [1]}
    method, path, headers, _ = desk.asked[0]
    assert (method, path) == ("GET", "/v1/entries?person=x")
    assert headers["Authorization"] == "Bearer a.token"
    assert headers["Business-Date"] == "2024-08-01"


def test_an_act_has_a_name_and_the_version_that_was_seen(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    desk.answers(200, {"id": 1})
    assert caller.post("audit", "/v1/x", {"a": 1}, key="k", version="3") == {"id": 1}
    _, _, headers, body = desk.asked[0]
    assert (headers["Idempotency-Key"], headers["If-Match"]) == ("k", '"3"')
    assert json.loads(body) == {"a": 1}


def test_what_takes_the_place_of_a_version_names_it(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    caller.put("audit", "/v1/x", {"a": 1}, key="k", version="3")
    caller.upload("audit", "/v1/x/file", File("a.csv", 1, [b"x"]), {"b": "2"}, key="l", version="4")
    caller.upload("audit", "/v1/x", File("a.csv", 1, [b"x"]), key="m")
    told = [
        (method, path, seen["Idempotency-Key"], seen.get("If-Match")) for method, path, seen, _ in desk.asked
    ]
    assert told == [
        ("PUT", "/v1/x", "k", '"3"'),
        ("PUT", "/v1/x/file", "l", '"4"'),
        ("POST", "/v1/x", "m", None),
    ]


def test_every_item_of_a_list_comes_page_after_page(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    desk.answers(200, {"items": [1, 2], "next_cursor": "b"})
    items = caller.pages("audit", "/v1/x", {"on": "2024-08-01"})
    assert [next(items), next(items)] == [1, 2]
    desk.answers(200, {"items": [3], "next_cursor": None})
    assert list(items) == [3]
    assert [path for _, path, _, _ in desk.asked] == [
        "/v1/x?on=2024-08-01&limit=500",
        "/v1/x?on=2024-08-01&limit=500&cursor=b",
    ]


def test_what_is_refused_brings_its_words_and_places(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    fault = {"detail": "too much", "pointer": "/lines/0/amount_vnd"}
    desk.answers(422, {"code": "ceiling_exceeded", "detail": "Dòng 1", "errors": [fault]})
    with pytest.raises(Refused) as refused:
        caller.get("audit", "/")
    assert (refused.value.status, refused.value.code) == (422, "ceiling_exceeded")
    assert refused.value.faults == [fault]


def test_a_refusal_that_is_no_problem_document_is_one_all_the_same(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    desk.answers(500, ["rubbish"])
    with pytest.raises(Refused) as refused:
        caller.get("audit", "/")
    assert refused.value.code == "unknown"


def test_a_line_that_breaks_is_tried_once_more(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    desk.cuts = 1
    assert caller.post("audit", "/v1/x", {"a": 1}, key="k") == {}
    assert [(body, seen["Idempotency-Key"]) for _, _, seen, body in desk.asked] == [(b'{"a": 1}', "k")] * 2


def test_a_line_that_breaks_twice_is_a_service_that_is_away(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    desk.cuts = 2
    with pytest.raises(Away):
        caller.get("audit", "/v1/x")
    assert len(desk.asked) == 2


def test_a_file_is_sent_but_once_as_it_can_be_read_but_once(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    desk.cuts = 1
    with pytest.raises(Away):
        caller.upload("audit", "/v1/x", File("a.csv", 1, [b"x"]), key="m")
    assert len(desk.asked) == 1


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("Wed, 21 Oct 2026 07:28:00 GMT", 5)])
@pytest.mark.parametrize("status", [429, 503])
def test_who_has_no_room_is_away_for_so_long(
    service: tuple[Desk, Caller], status: int, header: str, seconds: int
) -> None:
    desk, caller = service
    desk.answers(status, {}, Retry_After=header)
    with pytest.raises(Away) as away:
        caller.get("audit", "/")
    assert (away.value.service, away.value.retry_after_s) == ("audit", seconds)


def test_who_does_not_answer_is_away_and_not_ready(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    with pytest.raises(Away, match="away"):
        caller.get("away", "/")
    assert not caller.services.is_ready("away")
    assert caller.services.is_ready("audit")
    desk.answers(503)
    assert not caller.services.is_ready("audit")


def test_a_token_that_is_not_taken_means_signing_in_again(service: tuple[Desk, Caller]) -> None:
    desk, caller = service
    desk.answers(401, {"code": "unauthorized"})
    with pytest.raises(SignedOut):
        caller.get("audit", "/")
