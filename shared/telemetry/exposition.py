"""The page that Prometheus reads: of this process, or of all processes that share an API's work.

With several workers behind one port a question reaches any of them, and its own figures alone would jump.
Where PROMETHEUS_MULTIPROC_DIR names a folder, each keeps its figures in a file there, and who is asked adds
them up. The library reads that variable at its import, so it cannot be a setting of ours.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def page() -> bytes:
    """The figures as text."""
    if FOLDER not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def begin() -> None:
    """What an earlier run left in the shared folder is gone."""
    if FOLDER in os.environ:
        for left in Path(os.environ[FOLDER]).glob("*.db"):
            left.unlink()


def worker_ended(_: object, worker: object) -> None:
    """The gauges of a worker that ended count no more; what it counted stays."""
    if FOLDER in os.environ:
        mark_process_dead(worker.pid)  # type: ignore[attr-defined, no-untyped-call]
