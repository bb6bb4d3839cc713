"""Files in, files out: what a provider that knows nothing but its folder works with."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

POLL_S = 0.25
PARTIAL = ".partial"


def stop_event() -> threading.Event:
    """An event that is set after a signal to end, whenever it comes and however often.

    A handler that set it would lock it, and hang where it interrupts the one who waits for it.
    """
    stop = threading.Event()
    told: SimpleQueue[None] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.put(None))

    def obey() -> None:
        told.get()
        stop.set()

    threading.Thread(target=obey, name="stopping", daemon=True).start()
    return stop


def watch(folder: Path, take: Callable[[Path], None], stop: threading.Event) -> None:
    """Calls `take` with each whole file of a folder, oldest name first, until `stop` is set."""
    while not stop.is_set():
        for path in whole_files(folder):
            take(path)
            if stop.is_set():
                return
        stop.wait(POLL_S)


def whole_files(folder: Path) -> list[Path]:
    """The files that their writer has finished, by name."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix != PARTIAL)


@contextlib.contextmanager
def whole_or_nothing(path: Path) -> Iterator[Path]:
    """A place to write to; the file appears under its name only when it is whole and on disk."""
    partial = path.with_name(path.name + PARTIAL)
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def ensure_folders(folder: Path, *names: str) -> list[Path]:
    """The sub-folders, made if need be."""
    folders = [folder / name for name in names]
    for one in folders:
        one.mkdir(parents=True, exist_ok=True)
    return folders
