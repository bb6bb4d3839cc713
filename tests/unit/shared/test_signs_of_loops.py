"""How a process tells that its loops go round."""

from __future__ import annotations

import gc
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from deploy.local.keeper import free_port
from shared.process import Heartbeats, run_loops


@pytest.fixture(autouse=True)
def keep_signal_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr("shared.process.time.monotonic", lambda: now[0])
    return now


def test_a_process_is_as_old_as_its_slowest_loop(clock: list[float]) -> None:
    beats = Heartbeats(["relay", "consumer"])
    relay, consumer = beats.beater("relay"), beats.beater("consumer")
    relay()
    consumer()
    clock[0] += 40
    relay()
    clock[0] += 2

    assert beats.sign() == (42, 42, "consumer")


def test_a_loop_that_never_went_round_counts_from_the_start(clock: list[float]) -> None:
    beats = Heartbeats(["relay", "consumer"])
    clock[0] += 5
    beats.beater("relay")()
    clock[0] += 90

    assert beats.sign() == (95, 95, "consumer")


def test_signs_are_left_from_the_start_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.process.SIGN_EVERY_S", 0.01)
    left: list[tuple[float, float, str]] = []
    enough = threading.Event()

    def sign(up_s: float, age_s: float, slowest: str) -> None:
        left.append((up_s, age_s, slowest))
        if len(left) > 3:
            enough.set()

    def loop(stop: threading.Event, beat: Callable[[], None]) -> None:
        while not stop.wait(0.005):
            beat()
            if enough.is_set():
                os.kill(os.getpid(), signal.SIGTERM)

    assert run_loops({"only": loop}, "127.0.0.1", free_port(), sign) == 0
    assert {slowest for *_, slowest in left} == {"only"}
    assert all(0 <= age_s <= up_s for up_s, age_s, _ in left)


def test_garbage_in_cycles_is_gone_with_the_next_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.process.SIGN_EVERY_S", 0.01)
    made: list[weakref.ref[Cycle]] = []
    gone = threading.Event()

    def sign(*_: object) -> None:
        if made and made[0]() is None:
            gone.set()

    def loop(stop: threading.Event, beat: Callable[[], None]) -> None:
        beat()
        made.append(weakref.ref(Cycle()))
        gone.wait(10)
        os.kill(os.getpid(), signal.SIGTERM)
        stop.wait(10)

    gc.disable()
    try:
        assert run_loops({"only": loop}, "127.0.0.1", free_port(), sign) == 0
    finally:
        gc.enable()
    assert gone.is_set()


class Cycle:
    """Nothing but itself holds it."""

    def __init__(self) -> None:
        self.itself = self
