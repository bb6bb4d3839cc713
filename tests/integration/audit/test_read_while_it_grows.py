"""Whoever reads the log while a bundle is being filled finds every entry that was there before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event, select

from services.audit.log import queries
from services.audit.log.tiles import TILE_WIDTH
from services.audit.search.handlers import index_next
from services.audit.search.tables import search_entries
from shared.journal.envelope import Envelope
from tests.integration.audit.conftest import Audit

THERE = TILE_WIDTH - 1  # the open bundle lacks a single entry
MakeRows = Callable[..., list[Envelope]]


def after_statement(connection: Connection, number: int, act: Callable[[], object]) -> None:
    """Do something elsewhere once so many statements were run here."""
    left = [number]

    def count(*_: Any) -> None:  # noqa: ANN401 - as SQLAlchemy calls it
        left[0] -= 1
        if left[0] == 0:
            act()

    event.listen(connection, "after_cursor_execute", count)


@pytest.mark.parametrize("statements", [1, 2])
def test_no_entry_is_missed_while_its_bundle_is_filled(audit: Audit, rows: MakeRows, statements: int) -> None:
    audit.take(*rows("allocation", 1, THERE))
    with audit.unit_of_work.begin(audit.act) as work:  # it sees what others commit
        after_statement(work.connection, statements, lambda: audit.take(*rows("allocation", THERE + 1, 300)))
        found = queries.entries(work.connection, range(THERE))
    assert sorted(found) == list(range(THERE))


@pytest.mark.parametrize("statements", range(1, 8))
def test_every_entry_comes_into_the_search_index(audit: Audit, rows: MakeRows, statements: int) -> None:
    audit.take(*rows("allocation", 1, THERE))
    with audit.unit_of_work.begin(audit.act) as work:
        after_statement(work.connection, statements, lambda: audit.take(*rows("allocation", THERE + 1, 300)))
        assert index_next(work) >= THERE
    audit.index()
    with audit.reading() as connection:
        indexed = connection.scalars(select(search_entries.c.index).order_by(search_entries.c.index)).all()
    assert list(indexed) == list(range(300))
    assert audit.findings() == []
