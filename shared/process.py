"""A worker process: some loops in threads, one stop signal, and a crash of one loop ends them all.

Ending is the safe answer to a bug: the launcher starts the process again, and everything it holds is in
the database.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue

import structlog

from shared.telemetry.health import HealthServer

STALLED_AFTER_S = 60.0
SIGN_EVERY_S = 10.0
JOIN_S = 20.0

Loop = Callable[[threading.Event, Callable[[], None]], None]
Sign = Callable[[float, float, str], None]

log = structlog.get_logger(__name__)


class Heartbeats:
    """When each loop last went round."""

    def __init__(self, names: list[str]) -> None:
        self._beats = dict.fromkeys(names, 0.0)
        self._began = time.monotonic()

    def beater(self, name: str) -> Callable[[], None]:
        """A function that a loop calls each time it goes round."""

        def beat() -> None:
            self._beats[name] = time.monotonic()

        return beat

    def sign(self) -> tuple[float, float, str]:
        """How many seconds ago the process began, and the slowest loop went round; and which one that is.

        A loop that has not gone round yet counts from the start of the process.
        """
        now = time.monotonic()
        since, name = min((beat or self._began, name) for name, beat in self._beats.items())
        return now - self._began, now - since, name

    def ready(self) -> bool:
        """Whether every loop has gone round at least once."""
        return all(self._beats.values())

    def alive(self) -> bool:
        """Whether no loop has stood still for a minute."""
        now = time.monotonic()
        return all(beat == 0 or now - beat < STALLED_AFTER_S for beat in self._beats.values())


def run_loops(loops: Mapping[str, Loop], host: str, health_port: int, sign: Sign | None = None) -> int:
    """The exit status once all loops have ended: 0 after a stop signal, 1 after a crash.

    `sign` is called every ten seconds from a thread of its own: since when the process is up, how long ago
    its slowest loop went round, and which one that is. Garbage in cycles is looked for as often: left to the
    number of new objects (`shared.entry.spare_the_collector`), several megabytes of it wait for their time.
    """
    stop = threading.Event()
    # A handler may interrupt one who holds a lock: an event waits for its own, a simple queue has none.
    statuses: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: statuses.put(0))
    beats = Heartbeats(list(loops))
    health = HealthServer(host, health_port, beats.alive, beats.ready)
    threads = [
        threading.Thread(target=_guarded, args=(name, loop, stop, statuses, beats), name=name, daemon=True)
        for name, loop in loops.items()
    ]
    if sign is not None:
        threads.append(threading.Thread(target=_show, args=(sign, beats, stop), name="signs", daemon=True))
    for thread in threads:
        thread.start()
    status = statuses.get()
    stop.set()
    _join(threads)
    health.close()
    while not statuses.empty():
        status = max(status, statuses.get())
    return status


def _show(sign: Sign, beats: Heartbeats, stop: threading.Event) -> None:
    while True:
        sign(*beats.sign())
        gc.collect()
        if stop.wait(SIGN_EVERY_S):
            return


def _join(threads: Sequence[threading.Thread]) -> None:
    """Waits for all of them together, no longer than the time to end; tells where a late one stands."""
    until = time.monotonic() + JOIN_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive():
            frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the only way to ask
            log.error("loop_does_not_end", loop=thread.name, at=traceback.format_stack(frame)[-5:])


def _guarded(
    name: str, loop: Loop, stop: threading.Event, statuses: SimpleQueue[int], beats: Heartbeats
) -> None:
    try:
        loop(stop, beats.beater(name))
    except Exception:  # the process loop: logged, then the whole process ends
        log.exception("loop_crashed", loop=name)
        statuses.put(1)
    else:
        statuses.put(0)
