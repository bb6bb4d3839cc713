"""Obeying the audit log when it misses a row: the relay sends again from there; repeats do no harm."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select, update

from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope
from shared.journal.tables import journal_cursor, journal_marks

REPUBLISH_REQUESTED = "vn.fundtrail.log.republish_requested.v1"


def obey(service: str) -> Callable[[Work, Envelope], None]:
    """The handler of a service: a request for its own journal takes its relay back."""

    def handle(work: Work, item: Envelope) -> None:
        facts = item.payload()
        if facts["source"] == service:
            rewind(work.connection, facts["position"])

    return handle


def rewind(connection: Connection, position: int) -> None:
    """The relay goes on from the last mark before the position, or from the first row."""
    mark = connection.execute(
        select(journal_marks)
        .where(journal_marks.c.position < position)
        .order_by(journal_marks.c.position.desc())
        .limit(1)
    ).one_or_none()
    connection.execute(
        update(journal_cursor)
        .where(journal_cursor.c.position >= position)
        .values(position=mark.position if mark else 0, seq=mark.seq if mark else 0)
    )
