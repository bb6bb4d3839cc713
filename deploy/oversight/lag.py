"""Waiting until nothing lags: every journal row sent, logged, signed and searchable, every delivery tried."""

from __future__ import annotations

import time
from collections.abc import Mapping

from sqlalchemy import text

from deploy.oversight.databases import SERVICES, Databases, opened
from shared.journal import positions

POLL_S = 0.3
QUEUED = text(
    "SELECT (SELECT count(*) FROM messages WHERE state = 'pending') "
    "+ (SELECT count(*) FROM deliveries WHERE state = 'queued')"
)
SIGNED = text("SELECT (SELECT size FROM log_state) - (SELECT coalesce(max(size), 0) FROM log_checkpoints)")
# The newest epoch tells how far a journal was taken: an older one may have rows that a restore lost.
TAKEN = text("SELECT DISTINCT ON (source) source, taken FROM log_sources ORDER BY source, epoch DESC")


def lagging(databases: Databases) -> list[str]:
    """What is still under way, in words; empty when nothing lags."""
    found = []
    taken = {row.source: row.taken for row in databases["audit"].execute(TAKEN)}
    for service in SERVICES:
        behind = positions.head(databases[service]) - taken.get(service, 0)
        if behind:
            found.append(f"{behind} journal rows of {service} are not in the log")
    if unsigned := databases["audit"].scalar(SIGNED):
        found.append(f"{unsigned} leaves are not signed")
    if queued := databases["notifications"].scalar(QUEUED):
        found.append(f"{queued} notifications wait")
    return found


def wait_until_nothing_lags(addresses: Mapping[str, str], timeout_s: float) -> list[str]:
    """What still lags when the time is over; empty as soon as nothing does."""
    until = time.monotonic() + timeout_s
    while True:
        with opened(addresses) as databases:
            found = lagging(databases)
        if not found or time.monotonic() > until:
            return found
        time.sleep(POLL_S)
