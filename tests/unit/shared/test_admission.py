from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask, Response

from shared.testing.waiting import wait_until
from shared.web import admission
from shared.web.admission import AWAY, RETRY_AFTER_S, TAKEN, WAITING_PER_PLACE, Places

LONG_S = 30.0


def limited(app: Flask, places: Places) -> Flask:
    admission.install(app)
    app.extensions[admission.EXTENSION].limit(places)
    return app


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as made:
        yield made


def queued(pool: ThreadPoolExecutor, places: Places, count: int) -> list[Future[bool]]:
    """Who stands in the queue, in this order."""
    found = []
    for number in range(count):
        found.append(pool.submit(places.take))
        wait_until(lambda number=number: places.waiting == number + 1, what="a place in the queue")
    return found


def test_as_many_as_there_are_places_and_no_more_work_at_once() -> None:
    places = Places(3, wait_s=0.01)
    assert [places.take() for _ in range(4)] == [True, True, True, False]
    places.leave()
    assert [places.take() for _ in range(2)] == [True, False]


def test_who_came_first_gets_the_place_that_is_left(pool: ThreadPoolExecutor) -> None:
    places = Places(1, wait_s=LONG_S)
    assert places.take()
    first, second = queued(pool, places, 2)
    places.leave()
    assert first.result(LONG_S)
    assert places.waiting == 1
    assert not second.done()
    places.leave()
    assert second.result(LONG_S)


def test_nobody_overtakes_the_queue(pool: ThreadPoolExecutor) -> None:
    places = Places(1, wait_s=LONG_S)
    assert places.take()
    (first,) = queued(pool, places, 1)
    places.leave()
    late = pool.submit(places.take)  # whether or not the first has woken up, the place is the first one's
    wait_until(lambda: places.waiting == 1, what="the late one in the queue")
    assert first.result(LONG_S)
    places.leave()
    assert late.result(LONG_S)


def test_where_too_many_wait_the_next_one_is_told_at_once(pool: ThreadPoolExecutor) -> None:
    places = Places(1, wait_s=LONG_S)
    assert places.take()
    waiting = queued(pool, places, WAITING_PER_PLACE)
    assert not places.take()
    for _ in waiting:
        places.leave()
    assert all(one.result(LONG_S) for one in waiting)


def test_who_waited_in_vain_leaves_no_gap_behind() -> None:
    places = Places(1, wait_s=0.01)
    assert places.take()
    assert [places.take() for _ in range(3)] == [False] * 3
    assert places.waiting == 0
    places.leave()
    assert places.take()


def test_a_place_that_comes_at_the_last_moment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the end of the wait and the way out of the queue another one may leave."""
    places = Places(1, wait_s=0.01)
    assert places.take()
    right = threading.Event.wait

    def too_late(self: threading.Event, timeout: float | None = None) -> bool:
        monkeypatch.setattr(threading.Event, "wait", right)
        places.leave()
        return False

    monkeypatch.setattr(threading.Event, "wait", too_late)
    assert places.take()
    assert not places.take()


def test_many_threads_never_exceed_the_places_and_lose_none(pool: ThreadPoolExecutor) -> None:
    places, inside, most = Places(3, wait_s=LONG_S), threading.Semaphore(3), []

    def work() -> None:
        for _ in range(300):
            if places.take():
                most.append(inside.acquire(blocking=False))
                inside.release()
                places.leave()

    for one in [pool.submit(work) for _ in range(12)]:
        one.result(LONG_S)
    assert all(most)
    assert [places.take() for _ in range(3)] == [True] * 3


def test_who_is_turned_away_reads_what_to_do() -> None:
    app = limited(Flask("busy"), Places(0, wait_s=0.01))
    reply = app.test_client().post("/v1/things", data=b"{}")
    assert reply.status_code == 429
    assert reply.content_type == "application/problem+json"
    assert reply.headers["Retry-After"] == str(RETRY_AFTER_S)
    body: dict[str, Any] = reply.get_json()
    assert (body["status"], body["code"]) == (429, "too_busy")
    assert body["type"] == "urn:fundtrail:problem:too_busy"
    assert "Idempotency-Key" in body["detail"]
    assert AWAY.labels("busy")._value.get() == 1


@pytest.mark.parametrize("path", sorted(admission.ALWAYS_ANSWERED))
def test_some_pages_are_answered_however_busy_it_is(path: str) -> None:
    app = limited(Flask("x"), Places(0, wait_s=0.01))
    app.add_url_rule(path, view_func=lambda: "here")
    assert app.test_client().get(path).data == b"here"


def test_an_application_that_nobody_limits_lets_everybody_in() -> None:
    app = Flask("x")
    admission.install(app)
    assert app.test_client().get("/").status_code == 404


def test_a_place_is_kept_until_the_last_byte_was_sent() -> None:
    places = Places(1, wait_s=0.01)
    app = limited(Flask("one"), places)
    seen: list[bool] = []
    shown: list[float] = []

    def body() -> Iterator[str]:
        seen.append(places.take())
        shown.append(TAKEN.labels("one")._value.get())
        yield "x"

    app.add_url_rule("/", view_func=lambda: Response(body()))
    assert app.test_client().get("/", buffered=True).data == b"x"
    assert seen == [False]
    assert [*shown, TAKEN.labels("one")._value.get()] == [1, 0]
    assert places.take()


def test_an_application_that_breaks_leaves_its_place() -> None:
    places = Places(1, wait_s=0.01)
    app = Flask("x")

    def broken(*_: object) -> Any:  # noqa: ANN401 - it never answers
        raise ZeroDivisionError

    app.wsgi_app = broken  # type: ignore[method-assign]
    limited(app, places)
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/")
    assert places.take()


def test_there_are_threads_for_all_who_work_wait_and_are_turned_away() -> None:
    assert admission.threads_for(8) == 8 + 8 * WAITING_PER_PLACE + admission.TURNING_AWAY
