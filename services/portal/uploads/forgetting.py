"""Files that nobody came back for are removed, whether anybody comes or not: they may name persons."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from services.portal.uploads import store
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.kernel.errors import Unavailable
from shared.process import Loop

EVERY_S = 30

log = structlog.get_logger(__name__)


def forgetting_loop(unit_of_work: UnitOfWork) -> Loop:
    """The loop of a worker that removes what waited for too long."""

    def run(stop: threading.Event, beat: Callable[[], None]) -> None:
        while not stop.is_set():
            beat()
            try:
                forget_expired(unit_of_work)
            except Unavailable as error:
                log.warning("forgetting_waits", cause=error.message)
            stop.wait(EVERY_S)

    return run


def forget_expired(unit_of_work: UnitOfWork) -> int:
    """The number of files removed now."""
    now = unit_of_work.clock.now()
    with unit_of_work.begin(Act.system("portal", now, "expired uploads")) as work:
        return store.forget_expired(work.connection, now)
