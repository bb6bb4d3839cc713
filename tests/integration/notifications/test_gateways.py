"""Mail servers and text-message gateways that refuse, hang, die and talk nonsense: nothing is lost."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.notifications.deliveries import gateways
from services.notifications.deliveries.gateways import Contacts, MailServer, SmsGateway
from services.notifications.deliveries.model import ATTEMPTS_MAX, back_off
from services.notifications.templates.model import SMS_CHARS_MAX, Text
from shared.kernel.errors import Unavailable
from tests.integration.notifications.conftest import Desk, free_port, officer
from tests.integration.notifications.test_telling import APPROVED

TEXT = Text("Tiêu đề", "Nội dung có dấu", "Tin ngan")
SHORT_S = 0.3
GOOD = {
    "EHLO": b"250 ready\r\n",
    "MAIL": b"250 ok\r\n",
    "RCPT": b"250 ok\r\n",
    "DATA": b"354 go on\r\n",
    ".": b"250 kept\r\n",
    "QUIT": b"221 bye\r\n",
    "RSET": b"250 ok\r\n",
}


class Script:
    """A mail server that follows a script: what it says to each word, or a silence, or an end."""

    def __init__(self, greeting: bytes | None = b"220 ready\r\n", **said: bytes | None) -> None:
        self._greeting = greeting
        self._said: dict[str, bytes | None] = {
            **GOOD,
            **{name.replace("DOT", "."): s for name, s in said.items()},
        }
        self.heard: list[str] = []
        self.mails: list[bytes] = []
        self._end = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._socket.close()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self._socket.settimeout(0.1)
                talk, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with talk:
                talk.settimeout(10)
                try:
                    self._talk(talk)
                except OSError:
                    continue

    def _talk(self, talk: socket.socket) -> None:
        if not self._say(talk, self._greeting):
            return
        lines = talk.makefile("rb")
        while line := lines.readline():
            word = line.split()[0].decode().upper() if line.split() else ""
            self.heard.append(word)
            if not self._say(talk, self._said.get(word, b"500 what\r\n")):
                return
            if word == "DATA" and (self._said["DATA"] or b"").startswith(b"354"):
                mail = b""
                while (line := lines.readline()) not in {b".\r\n", b""}:
                    mail += line
                if not self._say(talk, self._said["."]):
                    return
                if (self._said["."] or b"").startswith(b"250"):
                    self.mails.append(mail)

    def _say(self, talk: socket.socket, said: bytes | None) -> bool:
        """Whether the talk goes on: an empty word ends it, None is a silence."""
        if said is None:
            self._end.wait(10)
            return False
        if said:
            talk.sendall(said)
        return bool(said)


@pytest.fixture
def server() -> Iterator[Callable[..., Script]]:
    opened: list[Script] = []

    def make(**said: bytes | None) -> Script:
        opened.append(Script(**said))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds for a test."""
    monkeypatch.setattr(gateways, "TIMEOUT_S", SHORT_S)


def mail(port: int) -> None:
    MailServer("127.0.0.1", port).send("id-1", "lan@demo.example", TEXT)


REFUSALS: dict[str, dict[str, bytes | None]] = {
    "refuses at the greeting": {"greeting": b"554 go away\r\n"},
    "is busy at the greeting": {"greeting": b"421 later\r\n"},
    "greets with nonsense": {"greeting": b"\xff\xfe\x00 hello\r\n"},
    "greets with an endless line": {"greeting": b"220 " + b"x" * 10_000 + b"\r\n"},
    "ends before it greets": {"greeting": b""},
    "knows no hello": {"EHLO": b"502 no\r\n", "HELO": b"502 no\r\n"},
    "ends at the hello": {"EHLO": b""},
    "refuses the sender": {"MAIL": b"550 not you\r\n"},
    "greylists the sender": {"MAIL": b"451 later\r\n"},
    "ends at the sender": {"MAIL": b""},
    "refuses the recipient": {"RCPT": b"550 unknown\r\n"},
    "greylists the recipient": {"RCPT": b"450 later\r\n"},
    "ends at the recipient": {"RCPT": b""},
    "refuses the data": {"DATA": b"554 no\r\n"},
    "ends at the data": {"DATA": b""},
    "refuses the mail": {"DOT": b"554 looks bad\r\n"},
    "has no room": {"DOT": b"452 disk full\r\n"},
    "dies before it says that it kept the mail": {"DOT": b""},
    "answers with no number": {"DOT": b"kept\r\n"},
}
SILENCES: dict[str, dict[str, bytes | None]] = {
    "never greets": {"greeting": None},
    "is silent after the hello": {"EHLO": None},
    "is silent after the recipient": {"RCPT": None},
    "is silent after the mail": {"DOT": None},
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_mail_server_that_does_not_take_a_mail_is_unavailable(
    server: Callable[..., Script], kind: str
) -> None:
    script = server(**REFUSALS[kind])
    with pytest.raises(Unavailable, match="did not take the mail"):
        mail(script.port)
    assert script.mails == []


@pytest.mark.parametrize("kind", SILENCES)
def test_a_mail_server_that_says_nothing_is_given_up(
    server: Callable[..., Script], hasty: None, kind: str
) -> None:
    script = server(**SILENCES[kind])
    with pytest.raises(Unavailable, match="did not take the mail"):
        mail(script.port)


def test_a_mail_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        mail(free_port())


def test_a_failure_says_nothing_of_the_person(server: Callable[..., Script]) -> None:
    script = server(RCPT=b"550 lan@demo.example is unknown\r\n")
    with pytest.raises(Unavailable) as failed:
        mail(script.port)
    assert "lan" not in failed.value.message


def test_a_good_server_gets_one_whole_mail(server: Callable[..., Script]) -> None:
    script = server()
    mail(script.port)
    (kept,) = script.mails
    assert b"Message-ID: <id-1@fundtrail>" in kept
    assert b"To: lan@demo.example" in kept


def test_a_server_that_dies_when_the_mail_is_kept_already_has_taken_it(
    server: Callable[..., Script],
) -> None:
    """Saying goodbye is a courtesy: a mail that was kept is not sent again for want of it."""
    script = server(QUIT=b"")
    mail(script.port)
    assert len(script.mails) == 1


@pytest.mark.parametrize("address", ["lan@ví-dụ.example", "lán@demo.example"])
def test_an_address_that_the_server_cannot_write_is_no_crash(
    server: Callable[..., Script], address: str
) -> None:
    script = server()
    try:
        MailServer("127.0.0.1", script.port).send("id-1", address, TEXT)
    except Unavailable:
        assert script.mails == []


@pytest.mark.parametrize(
    ("kind", "failing"),
    [("dies before it says that it kept the mail", REFUSALS), ("refuses the recipient", REFUSALS)],
)
def test_a_delivery_that_met_a_bad_server_waits_and_goes_to_the_next_one(
    desk: Desk, server: Callable[..., Script], kind: str, failing: dict[str, dict[str, bytes | None]]
) -> None:
    bad, good = server(**failing[kind]), server()
    desk.portal.people = [officer("lan", phone=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    desk.sender._mail = MailServer("127.0.0.1", bad.port)
    assert desk.sender.send() == 1
    (row,) = desk.rows("SELECT * FROM deliveries WHERE channel = 'email'")
    assert (row.state, row.attempts) == ("queued", 1)
    assert row.next_attempt_at == desk.clock.now() + back_off(1)
    desk.sender._mail = MailServer("127.0.0.1", good.port)
    assert desk.sender.send() == 0
    desk.clock.advance(back_off(1))
    assert desk.sender.send() == 1
    assert len(good.mails) == 1


# --- the gateway for text messages ---------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 413, 418, 429, 500, 502, 503, 504])
def test_a_gateway_that_does_not_take_a_message_is_asked_again(desk: Desk, status: int) -> None:
    desk.gateway.answer = lambda *_: (status, {"error": "no"})
    desk.portal.people = [officer("lan", email=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    assert desk.sender.send() == 1
    (row,) = desk.rows("SELECT * FROM deliveries WHERE channel = 'sms'")
    assert (row.state, row.attempts) == ("queued", 1)
    assert "gateway did not take the message" in row.failure
    desk.gateway.answer = lambda *_: (202, {})
    desk.clock.advance(back_off(1))
    assert desk.sender.send() == 1
    assert desk.states()[-1] == ("sms", "sent")
    first, second = (body["id"] for _, _, body in desk.gateway.received)
    assert first == second, "a repeat is known by its id"


@pytest.mark.parametrize("told", [None, [], "taken", {"state": "nonsense"}, 7, {"id": None}])
def test_what_a_gateway_says_beside_its_status_is_nothing_to_us(desk: Desk, told: object) -> None:
    desk.gateway.answer = lambda *_: (200, told)
    SmsGateway(f"{desk.gateway.url}/messages").send("id-1", "0900000001", TEXT)
    assert desk.gateway.received[-1][2] == {"id": "id-1", "to": "0900000001", "text": "Tin ngan"}


NONSENSE = {
    "no HTTP": b"what do you want\r\n\r\n",
    "an end": b"",
    "half an answer": b"HTTP/1.1 2",
    "another version": b"HTTP/9.9 200 OK\r\n\r\n",
    "a status of no kind": b"HTTP/1.1 xyz OK\r\n\r\n",
    "fewer bytes than announced": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
    "binary": b"\xff\xfe\x00\x01" * 100,
    "a circle": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
}


def raw_server(answer: bytes | None) -> Iterator[int]:
    """The port of a server that says the same to everybody, or nothing."""
    end = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.1)

    def run() -> None:
        while not end.is_set():
            try:
                talk, _ = listening.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with talk:
                talk.settimeout(2)
                try:
                    talk.recv(65_536)
                    if answer is None:
                        end.wait(5)
                    else:
                        talk.sendall(answer)
                except OSError:
                    continue

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield int(listening.getsockname()[1])
    end.set()
    listening.close()
    thread.join(5)


@pytest.fixture(params=NONSENSE)
def nonsense(request: pytest.FixtureRequest) -> Iterator[int]:
    yield from raw_server(NONSENSE[request.param])


@pytest.fixture
def silent() -> Iterator[int]:
    yield from raw_server(None)


def test_a_gateway_that_talks_nonsense_is_unavailable(nonsense: int) -> None:
    with pytest.raises(Unavailable, match="gateway did not take"):
        SmsGateway(f"http://127.0.0.1:{nonsense}/").send("id-1", "0900000001", TEXT)


def test_a_gateway_that_says_nothing_is_given_up(silent: int, hasty: None) -> None:
    with pytest.raises(Unavailable, match="gateway did not take"):
        SmsGateway(f"http://127.0.0.1:{silent}/").send("id-1", "0900000001", TEXT)


# --- the portal, asked for contacts --------------------------------------------------------------


def contacts_at(port: int, tmp_path: Path) -> Contacts:
    account = tmp_path / "account.json"
    account.write_text(json.dumps({"username": "service-notifications", "password": "x" * 20}))
    return Contacts(f"http://127.0.0.1:{port}", account)


def test_a_portal_that_talks_nonsense_is_unavailable(nonsense: int, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="did not say whom to reach"):
        contacts_at(nonsense, tmp_path).holders("decisions.issue", None)


def test_a_portal_that_says_nothing_is_given_up(silent: int, hasty: None, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="did not say whom to reach"):
        contacts_at(silent, tmp_path).holders("decisions.issue", None)


@pytest.mark.parametrize("told", [None, [], "x", 7, {}, {"people": []}, {"Items": []}])
def test_a_portal_that_answers_something_else_is_unavailable(desk: Desk, tmp_path: Path, told: Any) -> None:  # noqa: ANN401 - JSON
    right = desk.portal.stranger.answer
    desk.portal.stranger.answer = lambda method, path, body: (
        (200, told) if method == "GET" else right(method, path, body)
    )
    desk.hand("decisions.approved", APPROVED)
    assert desk.sender.address() == 1
    (row,) = desk.rows("SELECT state, attempts FROM messages")
    assert (row.state, row.attempts) == ("pending", 1)


@pytest.mark.parametrize("content", [None, "", "{", "[]", "7", '{"username": "x"}'])
def test_an_account_file_that_cannot_be_read_is_unavailable(
    desk: Desk, tmp_path: Path, content: str | None
) -> None:
    account = tmp_path / "other.json"
    if content is not None:
        account.write_text(content)
    desk.portal.stranger.answer = lambda *_: (401, {})
    with pytest.raises(Unavailable, match="did not say whom to reach"):
        Contacts(desk.portal.stranger.url, account).holders("decisions.issue", None)


@pytest.mark.parametrize("told", [{}, [], None, {"access_token": None}])
def test_a_sign_in_without_a_token_is_unavailable(desk: Desk, tmp_path: Path, told: object) -> None:
    account = tmp_path / "account.json"
    desk.portal.stranger.answer = lambda method, *_: (200, told) if method == "POST" else (401, {})
    with pytest.raises(Unavailable, match="did not say whom to reach"):
        Contacts(desk.portal.stranger.url, account).holders("decisions.issue", None)


def test_the_waits_between_attempts_are_those_of_the_table(desk: Desk) -> None:
    """The row says after each failure when it will be tried again, until it has failed for good."""
    desk.gateway.answer = lambda *_: (500, {})
    desk.portal.people = [officer("lan", email=None)]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    waits: list[float] = []
    for _ in range(ATTEMPTS_MAX):
        assert desk.sender.send() == 1
        (row,) = desk.rows("SELECT * FROM deliveries WHERE channel = 'sms'")
        waits.append((row.next_attempt_at - desk.clock.now()).total_seconds())
        desk.clock.advance(row.next_attempt_at - desk.clock.now())
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256]
    assert desk.states()[-1] == ("sms", "failed")
    assert desk.sender.send() == 0
    assert len(desk.gateway.received) == ATTEMPTS_MAX


def test_one_bad_channel_does_not_hold_the_other(desk: Desk) -> None:
    desk.mailbox.refuses = True
    desk.portal.people = [officer("lan")]
    desk.hand("decisions.approved", APPROVED)
    desk.sender.address()
    assert desk.sender.send() == 2
    assert desk.states() == [("email", "queued"), ("in_app", "delivered"), ("sms", "sent")]


def test_a_text_message_is_never_longer_than_one_holds(desk: Desk) -> None:
    desk.portal.people = [officer("lan", email=None)]
    desk.hand("decisions.approved", {**APPROVED, "total_vnd": 2**53 - 1})
    desk.sender.address()
    desk.sender.send()
    assert len(desk.gateway.received[-1][2]["text"]) <= SMS_CHARS_MAX
