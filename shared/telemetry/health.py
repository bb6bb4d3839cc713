"""Liveness, readiness and metrics of a process that serves nothing else over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.telemetry import figures


class HealthServer:
    """Answers /livez, /readyz and /metrics on a port of its own until it is closed."""

    def __init__(self, host: str, port: int, alive: Callable[[], bool], ready: Callable[[], bool]) -> None:
        self._server = ThreadingHTTPServer((host, port), _handler(alive, ready))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def _handler(alive: Callable[[], bool], ready: Callable[[], bool]) -> type[BaseHTTPRequestHandler]:
    checks = {"/livez": alive, "/readyz": ready}

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        def do_GET(self) -> None:
            """Answer a probe or a scrape."""
            if self.path == "/metrics":
                figures.refresh()
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            elif self.path in checks:
                passed = checks[self.path]()
                self._answer(200 if passed else 503, "text/plain", b"ok\n" if passed else b"not ready\n")
            else:
                self._answer(404, "text/plain", b"unknown\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server uses
            """Say nothing: probes come every second."""

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
