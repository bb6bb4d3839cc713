"""A worker process: some loops in threads, one stop signal, and a crash of one loop ends them all.

Ending is the safe answer to a bug: the launcher starts the process again, and everything it holds is in
the database.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping

import structlog

from shared.telemetry.health import HealthServer

STALLED_AFTER_S = 60.0
JOIN_S = 20.0

Loop = Callable[[threading.Event, Callable[[], None]], None]

log = structlog.get_logger(__name__)


class Heartbeats:
    """When each loop last went round."""

    def __init__(self, names: list[str]) -> None:
        self._beats = dict.fromkeys(names, 0.0)

    def beater(self, name: str) -> Callable[[], None]:
        """A function that a loop calls each time it goes round."""

        def beat() -> None:
            self._beats[name] = time.monotonic()

        return beat

    def ready(self) -> bool:
        """Whether every loop has gone round at least once."""
        return all(self._beats.values())

    def alive(self) -> bool:
        """Whether no loop has stood still for a minute."""
        now = time.monotonic()
        return all(beat == 0 or now - beat < STALLED_AFTER_S for beat in self._beats.values())


def run_loops(loops: Mapping[str, Loop], host: str, health_port: int) -> int:
    """The exit status once all loops have ended: 0 after a stop signal, 1 after a crash."""
    stop = threading.Event()
    crashed = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    beats = Heartbeats(list(loops))
    health = HealthServer(host, health_port, beats.alive, beats.ready)
    threads = [
        threading.Thread(target=_guarded, args=(name, loop, stop, crashed, beats), name=name, daemon=True)
        for name, loop in loops.items()
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(JOIN_S)
    health.close()
    return 1 if crashed.is_set() else 0


def _guarded(
    name: str, loop: Loop, stop: threading.Event, crashed: threading.Event, beats: Heartbeats
) -> None:
    try:
        loop(stop, beats.beater(name))
    except Exception:  # the process loop: logged, then the whole process ends
        log.exception("loop_crashed", loop=name)
        crashed.set()
    finally:
        stop.set()
