"""What a catcher keeps: one JSON line per message, each id once, and a count that tests can ask for."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BODY_BYTES_MAX = 64 * 1024

Receive = Callable[[str, bytes], tuple[int, Mapping[str, Any]]]


class Caught:
    """Messages in a file that survives a restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._messages: dict[str, dict[str, Any]] = {}
        self._received = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for line in path.read_text().splitlines():
                message = json.loads(line)
                self._messages.setdefault(message["id"], message)
                self._received += 1

    def keep(self, message: Mapping[str, Any]) -> bool:
        """Whether the message is new; it is on disk either way, so that a repeat can be seen."""
        with self._lock:
            new = message["id"] not in self._messages
            self._messages.setdefault(message["id"], dict(message))
            self._received += 1
            with self._path.open("a") as file:
                file.write(json.dumps(message, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
            return new

    def find(self, message_id: str) -> dict[str, Any] | None:
        """The message as it first came."""
        return self._messages.get(message_id)

    def counts(self) -> dict[str, int]:
        """How many messages there are, and how many times any came."""
        with self._lock:
            return {"count": len(self._messages), "received": self._received}


def serve(port: int, caught: Caught, receive: Receive | None = None) -> ThreadingHTTPServer:
    """A server on 127.0.0.1 that answers /readyz and /count, and hands what is posted to `receive`."""

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer a probe or a count."""
            if self.path == "/count":
                self._answer(200, caught.counts())
            else:
                self._answer(200 if self.path == "/readyz" else 404, {})

        def do_POST(self) -> None:
            """Take a message."""
            length = int(self.headers.get("Content-Length") or 0)
            if receive is None or length > BODY_BYTES_MAX:
                self.close_connection = True
                self._answer(404 if receive is None else 413, {})
            else:
                self._answer(*receive(self.path, self.rfile.read(length)))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server uses
            """Say nothing: the messages themselves are the log."""

        def _answer(self, status: int, content: Mapping[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server
