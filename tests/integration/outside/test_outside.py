"""The processes that stand for others, each started as it is in an instance."""

from __future__ import annotations

import contextlib
import json
import signal
import smtplib
import subprocess
import sys
import threading
from collections.abc import Iterator
from email.message import EmailMessage, Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.local.keeper import free_port
from deploy.local.processes import answers
from shared.testing.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]


@contextlib.contextmanager
def running(name: str, folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-m", f"deploy.outside.{name}", "--folder", str(folder), *options]
    process = subprocess.Popen(argv, cwd=REPOSITORY)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def mail(number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "fundtrail@example.vn"
    message["To"] = "canbo@example.vn"
    message["Subject"] = "Danh sách chi trả đã được duyệt"
    message["Message-ID"] = f"<{number}@fundtrail>"
    message.set_content("Kính gửi ông/bà ...")
    return message


def test_mails_are_kept_and_a_repeat_counts_once(tmp_path: Path) -> None:
    smtp, http = free_port(), free_port()
    options = ("--smtp-port", str(smtp), "--http-port", str(http))
    for _ in range(2):  # the second time it has to remember
        with running("mail_catcher", tmp_path, *options):
            wait_until(lambda: answers(http), 20, "the catcher is ready")
            with smtplib.SMTP("127.0.0.1", smtp, timeout=5) as client:
                for number in (1, 2, 2):
                    client.send_message(mail(number))
            counts = requests.get(f"http://127.0.0.1:{http}/count", timeout=5).json()
            assert counts["count"] == 2
    assert counts["received"] == 6
    kept = [json.loads(line) for line in (tmp_path / "messages.jsonl").read_text().splitlines()]
    assert kept[0]["subject"] == "Danh sách chi trả đã được duyệt"
    assert kept[0]["to"] == ["canbo@example.vn"]
    assert kept[0]["text"].strip() == "Kính gửi ông/bà ..."
    assert b"Subject" in (tmp_path / kept[0]["file"]).read_bytes()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    with running("sms_catcher", tmp_path, "--port", str(port)):
        wait_until(lambda: answers(port), 20, "the gateway is ready")
        yield f"http://127.0.0.1:{port}"


def test_the_sms_gateway_takes_a_message_once(gateway: str, tmp_path: Path) -> None:
    message = {"to": "+84905000111", "text": "Đã chi trả", "id": "d-1"}
    replies = [requests.post(f"{gateway}/messages", json=message, timeout=5) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [202, 200]
    assert replies[0].json() == replies[1].json() == {"id": "d-1", "status": "accepted"}
    changed = requests.post(f"{gateway}/messages", json={**message, "text": "khác"}, timeout=5)
    assert changed.status_code == 409
    assert requests.get(f"{gateway}/count", timeout=5).json() == {"count": 1, "received": 2}
    assert json.loads((tmp_path / "messages.jsonl").read_text().splitlines()[0]) == message


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"[]",
        b'{"to": "1"}',
        b'{"to": "", "text": "x", "id": "1"}',
        b'{"to": 5, "text": "x", "id": "1"}',
    ],
)
def test_the_sms_gateway_refuses_what_it_cannot_send(gateway: str, body: bytes) -> None:
    assert requests.post(f"{gateway}/messages", data=body, timeout=5).status_code == 400
    assert requests.post(f"{gateway}/other", data=body, timeout=5).status_code == 404
    assert requests.post(f"{gateway}/messages", data=b"x" * 100_000, timeout=5).status_code == 413
    assert requests.get(f"{gateway}/count", timeout=5).json()["count"] == 0


def test_a_provider_works_on_its_folder_alone(tmp_path: Path) -> None:
    with running("provider_bank", tmp_path, "--delay-s", "0"):
        wait_until((tmp_path / "inbox").exists, 20, "the folders are made")
        (tmp_path / "inbox" / "broken.xml").write_text("<Document>")
        wait_until((tmp_path / "refused" / "broken.xml.txt").exists, 20, "the order is refused")


class Counter:
    """A portal and an allocation in one, with two requests that wait for the Treasury."""

    def __init__(self) -> None:
        self.confirmed: list[tuple[str, dict[str, Any], str, str]] = []
        self.tokens = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(
        self, method: str, path: str, headers: Message, body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if path == "/v1/tokens":
            self.tokens += 1
            known = body == {"username": "kho-bac", "password": "secret"}
            return (200, {"access_token": f"token-{self.tokens}"}) if known else (401, {})
        if headers["Authorization"] != f"Bearer token-{self.tokens}" or (self.tokens == 1 and self.confirmed):
            return 401, {"code": "token_expired"}
        if method == "GET":
            done = {name for name, *_ in self.confirmed}
            waiting = [
                {"id": name, "requested_on": "2024-07-24"} for name in ("w-1", "w-2") if name not in done
            ]
            return 200, {"items": waiting, "next_cursor": None}
        name = path.split("/")[3]
        self.confirmed.append((name, body, headers["Idempotency-Key"], headers["Business-Date"]))
        return 200, {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        counter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply("GET", {})

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                self._reply("POST", json.loads(self.rfile.read(length)))

            def log_message(self, *args: object) -> None:
                pass

            def _reply(self, method: str, body: dict[str, Any]) -> None:
                status, content = counter.answer(method, self.path, self.headers, body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

        return Handler


def test_the_treasury_confirms_every_request_and_signs_in_again_when_its_token_ends(tmp_path: Path) -> None:
    counter = Counter()
    options = ("--portal", counter.url, "--allocation", counter.url, "--delay-s", "0")
    try:
        with running("treasury", tmp_path, *options):
            (tmp_path / "credentials.json").write_text(
                json.dumps({"username": "kho-bac", "password": "secret"})
            )
            wait_until(lambda: len(counter.confirmed) == 2, 20, "both requests are confirmed")
    finally:
        counter.server.shutdown()
        counter.server.server_close()
    assert counter.tokens == 2
    assert [(name, day) for name, _, _, day in counter.confirmed] == [
        ("w-1", "2024-07-24"),
        ("w-2", "2024-07-24"),
    ]
    assert len({key for _, _, key, _ in counter.confirmed}) == 2
    assert counter.confirmed[0][1] == {"reference": "KBNN-w-1"}
