"""Who gets a place: as many requests at work as there are database connections, a few that wait, no more.

A server that takes in more than it can do answers everybody late, and at last nobody in time. Who finds no
place within a short wait is told so at once, before anything of the application or the database was touched.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask
from prometheus_client import Counter, Gauge
from werkzeug.wsgi import ClosingIterator

from shared.telemetry import tracing
from shared.web import problems

WAITING_PER_PLACE = 4
WAIT_S = 1.0
RETRY_AFTER_S = 1
TURNING_AWAY = 8  # threads of a process that are left for those who find neither a place nor room to wait
EXTENSION = "fundtrail-entrance"
# Who looks after the process must see it when it is busy, and without the keys nobody's token is believed.
ALWAYS_ANSWERED = frozenset({"/livez", "/readyz", "/metrics", "/.well-known/jwks.json"})
STATUS = f"{HTTPStatus.TOO_MANY_REQUESTS.value} {HTTPStatus.TOO_MANY_REQUESTS.phrase}"
TOLD = (
    "The service has as many requests at work and waiting as it takes in at once; nothing of this one was "
    "done. Send it again, with the same Idempotency-Key, after the seconds that Retry-After names."
)

AWAY = Counter("fundtrail_http_turned_away_total", "Requests that found no place.", ["service"])
TAKEN = Gauge("fundtrail_http_taken_places", "Places at work.", ["service"], multiprocess_mode="livesum")

WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Places:
    """Places at work and room to wait for one; who came first goes first.

    Bounds: `count` at work, four times as many waiting, each for a second at most.
    """

    def __init__(self, count: int, wait_s: float = WAIT_S) -> None:
        self.count = count
        self._free = count
        self._wait_s = wait_s
        self._room = WAITING_PER_PLACE * count
        self._queue: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """How many there is room for altogether, at work or waiting."""
        return self.count + self._room

    @property
    def waiting(self) -> int:
        """How many wait for a place now."""
        return len(self._queue)

    def take(self) -> bool:
        """Whether the caller has a place now, which must be left again."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if len(self._queue) >= self._room:
                return False
            turn = threading.Event()
            self._queue.append(turn)
        return turn.wait(self._wait_s) or self._was_late(turn)

    def leave(self) -> None:
        """The place goes to who has waited longest, or is free."""
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._free += 1

    def _was_late(self, turn: threading.Event) -> bool:
        """Whether the place came after all while the caller was about to go."""
        with self._lock:
            if not turn.is_set():
                self._queue.remove(turn)
            return turn.is_set()


class Entrance:
    """Lets requests into an application while there are places; everybody, as long as nobody limits it."""

    def __init__(self, service: str, application: WsgiApplication) -> None:
        self._application = application
        self._away, self._taken = AWAY.labels(service), TAKEN.labels(service)
        self.places: Places | None = None
        reply = problems.problem(HTTPStatus.TOO_MANY_REQUESTS, "too_busy", TOLD)
        self._body = reply.get_data()
        self._headers = [
            ("Content-Type", problems.MEDIA_TYPE),
            ("Content-Length", str(len(self._body))),
            ("Retry-After", str(RETRY_AFTER_S)),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]

    def limit(self, places: Places) -> None:
        """From now on nobody works without one of these places."""
        self.places = places

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        """The application's answer, or that it is too busy."""
        places = self.places
        if places is None or is_always_answered(environ.get("PATH_INFO", "")):
            return self._application(environ, start_response)
        if not places.take():
            self._count_away(environ["REQUEST_METHOD"])
            start_response(STATUS, list(self._headers))
            return [self._body]
        self._taken.inc()
        try:
            return ClosingIterator(self._application(environ, start_response), self._leave)
        except BaseException:
            self._leave()
            raise

    def is_full(self, inside: int) -> bool:
        """Whether one more than those inside finds neither a place nor room to wait."""
        return self.places is not None and inside >= self.places.held

    def turn_away(self, method: str) -> bytes:
        """The whole answer to who does not come in at all, after which the connection ends."""
        self._count_away(method)
        headers = "".join(f"{name}: {value}\r\n" for name, value in [*self._headers, ("Connection", "close")])
        return f"HTTP/1.1 {STATUS}\r\n{headers}\r\n".encode() + self._body

    def _count_away(self, method: str) -> None:
        self._away.inc()
        tracing.current().answered(method, "none", HTTPStatus.TOO_MANY_REQUESTS)

    def _leave(self) -> None:
        self._taken.dec()
        if self.places is not None:
            self.places.leave()


def install(app: Flask) -> None:
    """Stand before an application; whoever serves it may then limit it."""
    entrance = Entrance(app.name, app.wsgi_app)
    app.wsgi_app = entrance  # type: ignore[method-assign]
    app.extensions[EXTENSION] = entrance


def limit(app: Flask, places: int) -> None:
    """Let no more requests work at once in this process than there are places."""
    entrance_of(app).limit(Places(places))


def entrance_of(app: Flask) -> Entrance:
    """Who stands before an application."""
    entrance: Entrance = app.extensions[EXTENSION]
    return entrance


def is_always_answered(path: str) -> bool:
    """Whether a request for this path never waits for a place."""
    return path in ALWAYS_ANSWERED


def threads_for(places: int) -> int:
    """How many threads a process needs so that those who wait keep nobody from being turned away."""
    return places + WAITING_PER_PLACE * places + TURNING_AWAY
