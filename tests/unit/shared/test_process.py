from __future__ import annotations

import os
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterator
from urllib.error import HTTPError

import pytest

from deploy.local.keeper import free_port
from shared import process
from shared.process import Heartbeats, run_loops
from shared.telemetry.health import HealthServer
from shared.testing.waiting import wait_until


@pytest.fixture(autouse=True)
def keep_signal_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def answer(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            return reply.status, reply.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def until_stopped(stop: threading.Event, beat: Callable[[], None]) -> None:
    while not stop.wait(0.005):
        beat()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_all_loops_in_peace(number: signal.Signals) -> None:
    ended: list[str] = []

    def first(stop: threading.Event, beat: Callable[[], None]) -> None:
        until_stopped(stop, beat)
        ended.append("first")

    def second(stop: threading.Event, beat: Callable[[], None]) -> None:
        beat()
        os.kill(os.getpid(), number)
        until_stopped(stop, beat)
        ended.append("second")

    assert run_loops({"first": first, "second": second}, "127.0.0.1", free_port()) == 0
    assert sorted(ended) == ["first", "second"]


def test_a_crash_of_one_loop_ends_them_all_and_is_told() -> None:
    ended: list[str] = []

    def crashing(_: threading.Event, beat: Callable[[], None]) -> None:
        beat()
        raise ZeroDivisionError("a bug")

    def healthy(stop: threading.Event, beat: Callable[[], None]) -> None:
        until_stopped(stop, beat)
        ended.append("healthy")

    assert run_loops({"crashing": crashing, "healthy": healthy}, "127.0.0.1", free_port()) == 1
    assert ended == ["healthy"]


def test_a_loop_that_ends_by_itself_ends_the_process() -> None:
    assert run_loops({"short": lambda _stop, _beat: None}, "127.0.0.1", free_port()) == 0


def test_a_process_is_ready_once_every_loop_has_gone_round() -> None:
    beats = Heartbeats(["a", "b"])
    assert not beats.ready()
    beats.beater("a")()
    assert not beats.ready()
    beats.beater("b")()
    assert beats.ready()


def test_a_loop_that_stands_still_makes_the_process_unwell(monkeypatch: pytest.MonkeyPatch) -> None:
    beats = Heartbeats(["a", "b"])
    assert beats.alive(), "a loop that has not begun is not stalled"
    beats.beater("a")()
    beats.beater("b")()
    assert beats.alive()
    monkeypatch.setattr(process, "STALLED_AFTER_S", 0.0)
    wait_until(lambda: not beats.alive(), timeout_s=5)


def test_health_is_answered_over_http() -> None:
    port, state = free_port(), {"alive": True, "ready": False}
    server = HealthServer("127.0.0.1", port, lambda: state["alive"], lambda: state["ready"])
    try:
        assert answer(port, "/livez") == (200, "ok\n")
        assert answer(port, "/readyz") == (503, "not ready\n")
        state.update(alive=False, ready=True)
        assert answer(port, "/livez") == (503, "not ready\n")
        assert answer(port, "/readyz") == (200, "ok\n")
        assert answer(port, "/elsewhere") == (404, "unknown\n")
        assert "python_info" in answer(port, "/metrics")[1]
    finally:
        server.close()


def test_a_loop_that_does_not_end_is_named_with_the_place_where_it_stands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "JOIN_S", 0.05)
    let_go = threading.Event()

    def deaf(_: threading.Event, beat: Callable[[], None]) -> None:
        beat()
        os.kill(os.getpid(), signal.SIGTERM)
        let_go.wait(20)

    assert run_loops({"deaf": deaf}, "127.0.0.1", free_port()) == 0
    let_go.set()
    said = capsys.readouterr().out
    assert "loop_does_not_end" in said
    assert "deaf" in said
    assert "let_go.wait(20)" in said
