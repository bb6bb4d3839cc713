"""Searching: the index says where, the log says what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, or_, select, text

from services.audit.log import queries as log
from services.audit.search import chain
from services.audit.search.chain import Chain, Fact
from services.audit.search.model import ENTRY
from services.audit.search.tables import search_cursor, search_entries, search_subjects
from shared.kernel import canonical
from shared.kernel.clock import VIETNAM
from shared.kernel.errors import NotFound

INSTRUCTED = ("vn.fundtrail.payments.instructed.v1",)

# Where in the log the entries of a period begin and end. The log grows in time, so what lies between is
# nearly all of the period; without it, a page of a late period would be looked for from the first entry on.
# Each day of the period gives its first and its last entry, by the index over days.
DAYS = """
    generate_series(
        CAST(
            (SELECT min(occurred_on) FROM search_entries)
            + greatest(CAST(:from_on AS date) - (SELECT min(occurred_on) FROM search_entries), 0)
        AS timestamp),
        CAST(
            (SELECT max(occurred_on) FROM search_entries)
            - greatest((SELECT max(occurred_on) FROM search_entries) - CAST(:to_on AS date), 0)
        AS timestamp),
        INTERVAL '1 day'
    ) AS days (day)
"""
EDGE = f"""
    SELECT {{best}}(edge.index) FROM {DAYS} CROSS JOIN LATERAL (
        SELECT e.index FROM search_entries e
        WHERE e.occurred_on = CAST(days.day AS date) ORDER BY e.index {{order}} LIMIT 1
    ) AS edge
"""
WITHIN = (
    f"search_entries.index BETWEEN ({EDGE.format(best='min', order='ASC')}) "
    f"AND ({EDGE.format(best='max', order='DESC')})"
)
# Midnight is reckoned by the database, which knows of a day after the last one of the calendar.
MIDNIGHT = f"CAST({{day}} AS timestamp) AT TIME ZONE '{VIETNAM.key}'"
SINCE = f"search_entries.occurred_at >= {MIDNIGHT.format(day='CAST(:from_on AS date)')}"
UNTIL = f"search_entries.occurred_at < {MIDNIGHT.format(day='CAST(:to_on AS date) + 1')}"


@dataclass(frozen=True, slots=True)
class Filters:
    """What an inspector asks for; every condition given must hold."""

    subject: str | None = None
    person: str | None = None
    unit: str | None = None
    actor: str | None = None
    type: str | None = None
    from_on: date | None = None
    to_on: date | None = None

    def given(self) -> dict[str, str]:
        """The conditions that were given, as text."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: str(value) for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log; its data is read only where it is shown whole."""

    index: int
    envelope: dict[str, Any]
    items: Sequence[int] = ()
    data: dict[str, Any] | None = None


def indexed(connection: Connection) -> int:
    """How many entries the search index covers."""
    return int(connection.scalar(select(search_cursor.c.indexed)) or 0)


def search(connection: Connection, filters: Filters, after: int, limit: int) -> list[Entry]:
    """Entries after a place of the log that meet the filters, in the order of the log; one more than `limit`.

    Of a bulk row only the items that name the subject or person are numbered in `items`.
    """
    query = filtered(select(search_entries.c.index), filters).where(search_entries.c.index > after)
    rows = connection.execute(query.order_by(search_entries.c.index).limit(limit + 1))
    indexes = [index for (index,) in rows]
    wanted = [one for one in (filters.subject, _person(filters)) if one]
    items = _items_naming(connection, indexes, wanted)
    leaves = log.entries(connection, indexes)
    return [Entry(index, canonical.decode(leaves[index]), items.get(index, [])) for index in indexes]


def entry(connection: Connection, index: int) -> Entry:
    """One entry of the log, straight from it.

    Raises: NotFound.
    """
    leaf, data = log.entry(connection, index)
    return Entry(index, canonical.decode(leaf), data=canonical.decode(data))


def payment_chain(connection: Connection, payment_id: str) -> Chain:
    """The chain of a payment from the log alone.

    Raises: NotFound where the log tells of no such payment.
    """

    def find(subject: str, types: tuple[str, ...], limit: int) -> Sequence[Fact]:
        return facts(connection, subject, types, limit)

    found = chain.walk(payment_id, find)
    if not found.steps[0].facts:
        raise _payment_unknown(payment_id)
    return found


def payment_proof(connection: Connection, payment_id: str) -> tuple[int, int, str]:
    """Entry, item and proof file of the instruction to pay, without the other payments of its chunk.

    Raises: NotFound where the log tells of no such payment; Unavailable until a checkpoint covers it.
    """
    found = facts(connection, f"payment:{payment_id}", INSTRUCTED, 1)
    if not found:
        raise _payment_unknown(payment_id)
    place = found[0]
    return place.index, place.item, log.proof(connection, place.index, place.item).text()


def facts(connection: Connection, subject: str, types: tuple[str, ...], limit: int) -> list[Fact]:
    """The facts of some types that name a subject, in the order of the log."""
    places = connection.execute(
        select(search_subjects.c.index, search_subjects.c.item)
        .join(search_entries, search_entries.c.index == search_subjects.c.index)
        .where(search_subjects.c.subject == subject, search_entries.c.type.in_(types))
        .order_by(search_subjects.c.index, search_subjects.c.item)
        .limit(limit)
    ).all()
    read = _read(connection, {index for index, _ in places})
    return [
        Fact(index, item, read[index][0], chain.content_of(read[index][1], item)) for index, item in places
    ]


def filtered(query: Select[int], filters: Filters) -> Select[int]:
    """The query for entries that meet every condition given."""
    for subject in (filters.subject, _person(filters)):
        if subject:
            query = query.where(search_entries.c.index.in_(_naming(subject)))
    if filters.unit:
        named = search_entries.c.index.in_(_naming(f"unit:{filters.unit}"))
        query = query.where(or_(search_entries.c.unit == filters.unit, named))
    if filters.actor:
        query = query.where(search_entries.c.actor == filters.actor)
    if filters.type:
        query = query.where(search_entries.c.type == filters.type)
    if filters.from_on:
        query = query.where(text(SINCE).bindparams(from_on=filters.from_on))
    if filters.to_on:
        query = query.where(text(UNTIL).bindparams(to_on=filters.to_on))
    if filters.from_on or filters.to_on:
        query = query.where(text(WITHIN).bindparams(from_on=filters.from_on, to_on=filters.to_on))
    return query


def _naming(subject: str) -> Select[int]:
    return select(search_subjects.c.index).where(search_subjects.c.subject == subject)


def _person(filters: Filters) -> str | None:
    return f"person:{filters.person}" if filters.person else None


def _items_naming(
    connection: Connection, indexes: Sequence[int], subjects: list[str]
) -> dict[int, list[int]]:
    rows = connection.execute(
        select(search_subjects.c.index, search_subjects.c.item)
        .where(
            search_subjects.c.subject.in_(subjects),
            search_subjects.c.index.in_(indexes),
            search_subjects.c.item > ENTRY,
        )
        .order_by(search_subjects.c.index, search_subjects.c.item)
    )
    found: dict[int, list[int]] = {}
    for index, item in rows:
        found.setdefault(index, []).append(item)
    return found


def _read(connection: Connection, indexes: Iterable[int]) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    wanted = sorted(indexes)
    leaves, shown = log.entries(connection, wanted), log.data(connection, wanted)
    return {index: (canonical.decode(leaves[index]), canonical.decode(shown[index])) for index in wanted}


def _payment_unknown(payment_id: str) -> NotFound:
    return NotFound(
        "payment_unknown",
        f"The log tells of no payment {payment_id}; instructed just now, it comes within seconds.",
    )
