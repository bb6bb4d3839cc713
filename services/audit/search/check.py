"""Comparing the search index with the log it was made from, entry by entry."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, func, select

from services.audit.findings import Finding
from services.audit.log import queries as log
from services.audit.search import model, queries
from services.audit.search.handlers import ENTRY_COLUMNS, decoded
from services.audit.search.tables import search_entries, search_subjects
from shared.kernel.errors import Rejected

PAGE = 256  # the entries of one bundle, so that an unreadable one hides no others
ROWS_AT_ONCE = 5000
INSTANTS = ("occurred_at", "recorded_at")


def check(connection: Connection) -> list[Finding]:
    """Every entry that a search would show or find otherwise than the log says.

    Entries that cannot be read are passed over: the check of the log names them.
    """
    findings: list[Finding] = []
    end = queries.indexed(connection)
    mentioned = select(search_subjects.c.index, search_subjects.c.subject, search_subjects.c.item)
    streamed = {"yield_per": ROWS_AT_ONCE}
    ordered = mentioned.order_by(search_subjects.c.index)
    with connection.execute(ordered, execution_options=streamed) as rows:
        named = Named((index, (subject, item)) for index, subject, item in rows)
        for start in range(0, end, PAGE):
            findings += _check_page(connection, start, min(end, start + PAGE), named)
        surplus = named.rest()
    query = select(func.count()).select_from(search_entries).where(search_entries.c.index >= end)
    if surplus or connection.scalar(query):
        findings.append(Finding("rows_surplus", "search", f"Rows lie beyond the {end} entries indexed."))
    return findings


class Named:
    """The subjects in the index, entry by entry, read once from the first to the last."""

    def __init__(self, mentioned: Iterable[tuple[int, model.Mention]]) -> None:
        self._groups = groupby(mentioned, key=itemgetter(0))
        self._next = self._read()

    def at(self, index: int) -> set[model.Mention]:
        """The subjects of an entry; to be asked for in rising order."""
        found: set[model.Mention] = set()
        if self._next is not None and self._next[0] == index:
            found = self._next[1]
            self._next = self._read()
        return found

    def rest(self) -> bool:
        """Whether rows are left of entries that were not asked for."""
        return self._next is not None

    def _read(self) -> tuple[int, set[model.Mention]] | None:
        found = next(self._groups, None)
        return (found[0], {mention for _, mention in found[1]}) if found else None


def _check_page(connection: Connection, start: int, end: int, named: Named) -> list[Finding]:
    envelopes, data = _envelopes(connection, start, end), log.data(connection, range(start, end))
    rows = _rows(connection, start, end)
    findings = []
    for index in range(start, end):
        mentioned, envelope = named.at(index), envelopes.get(index)
        if envelope is None:
            continue
        if rows.get(index) != _expected(envelope):
            findings.append(
                Finding("search_altered", f"entry {index}", "The search index says something else.")
            )
        if mentioned != set(model.mentions(envelope, decoded(data.get(index, b"")))):
            findings.append(
                Finding("search_altered", f"entry {index}", "The search index names other subjects.")
            )
    return findings


def _envelopes(connection: Connection, start: int, end: int) -> dict[int, dict[str, Any]]:
    try:
        leaves = log.entries(connection, range(start, end))
    except Rejected:
        return {}
    found = {index: decoded(leaf) for index, leaf in leaves.items()}
    return {index: one for index, one in found.items() if isinstance(one, dict)}


def _expected(envelope: dict[str, Any]) -> dict[str, Any]:
    return {name: envelope.get(name) for name in ENTRY_COLUMNS[1:]}


def _rows(connection: Connection, start: int, end: int) -> dict[int, dict[str, Any]]:
    query = select(search_entries).where(search_entries.c.index >= start, search_entries.c.index < end)
    found = {}
    for row in connection.execute(query).mappings():
        shown = {name: row[name] for name in ENTRY_COLUMNS[1:]}
        found[row["index"]] = shown | {name: shown[name].isoformat() for name in INSTANTS}
    return found
