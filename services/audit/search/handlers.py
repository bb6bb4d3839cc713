"""Filling the search index from the log, by a cursor of its own: the log never waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import structlog
from prometheus_client import Gauge
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.audit.log import queries as log
from services.audit.search import model
from services.audit.search.tables import search_cursor, search_entries, search_subjects
from shared.db.copy import copy_rows
from shared.db.unit_of_work import UnitOfWork, Work
from shared.kernel import canonical
from shared.kernel.acts import Act
from shared.kernel.errors import Conflict, Unavailable
from shared.kernel.rest import Rest

PAGE = 4_096  # sixteen bundles of entries
PAGE_BYTES = 16 * 1024 * 1024  # of data; a page ends with the pack that passes it
REST_S, REST_MAX_S = 0.2, 1.0
RETRY_S = 0.2

INDEXED = Gauge("fundtrail_audit_indexed_entries", "Entries in the search index.")
SUBJECT = itemgetter(0)
ENTRY_COLUMNS = tuple(column.name for column in search_entries.columns if column.computed is None)

logger = structlog.get_logger(__name__)


class Indexing:
    """Keeps the search index up with the log."""

    def __init__(self, unit_of_work: UnitOfWork) -> None:
        self._unit_of_work = unit_of_work

    def run(self, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Index until `stop` is set."""
        rest = Rest(REST_S, REST_MAX_S)
        while not stop.is_set():
            beat()
            try:
                rest.after(stop, worked=self.step() > 0)
            except (Unavailable, Conflict) as error:
                logger.warning("indexing_waits", cause=error.message)
                stop.wait(RETRY_S)

    def step(self) -> int:
        """The number of entries that were indexed by one transaction."""
        with self._unit_of_work.begin(Act.system("audit", self._unit_of_work.clock.now())) as work:
            return index_next(work)


def ensure_cursor(work: Work) -> None:
    """The index has a place to go on from. Idempotent."""
    work.connection.execute(upsert(search_cursor).values(singleton=True, indexed=0).on_conflict_do_nothing())


def index_next(work: Work) -> int:
    """The number of entries indexed.

    Raises: Conflict where another indexer has moved the cursor meanwhile.
    """
    connection = work.connection
    start: int = connection.execute(select(search_cursor.c.indexed)).scalar_one()
    end = log.page_end(connection, start, PAGE, PAGE_BYTES)
    if start >= end:
        return 0
    moved = connection.execute(
        update(search_cursor).where(search_cursor.c.indexed == start).values(indexed=end)
    )
    if moved.rowcount != 1:
        raise Conflict("index_moved", "Another indexer has done these entries.")
    leaves, shown = log.entries(connection, range(start, end)), log.data(connection, range(start, end))
    envelopes = {index: canonical.decode(leaves[index]) for index in range(start, end)}
    copy_rows(
        connection, search_entries, ENTRY_COLUMNS, [_row(index, envelopes[index]) for index in envelopes]
    )
    mentioned = [
        (subject, index, item)
        for index, envelope in envelopes.items()
        for subject, item in model.mentions(envelope, decoded(shown[index]))
    ]
    mentioned.sort(key=SUBJECT)  # as in the tree: what goes to one of its leaves goes there together
    copy_rows(connection, search_subjects, ("subject", "index", "item"), mentioned)
    INDEXED.set(end)
    return end - start


def decoded(data: bytes) -> Any:  # noqa: ANN401 - JSON of any kind
    """What an event's data says, or None where it is no JSON."""
    try:
        return canonical.glance(data)
    except (ValueError, RecursionError):
        return None  # the log takes what it is sent; what is no JSON can be read there but not searched


def _row(index: int, envelope: dict[str, Any]) -> Sequence[Any]:
    return [index, *(envelope[name] for name in ENTRY_COLUMNS[1:])]
