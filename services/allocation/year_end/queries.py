"""Where a promise stands after years were closed over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from services.allocation.year_end import store
from services.allocation.year_end.model import carried_hold_id


@dataclass(frozen=True, slots=True)
class Standing:
    """The hold that stands for an earlier one, and its accounts."""

    id: UUID
    debit_account: UUID
    credit_account: UUID


def standing_holds(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Standing]:
    """For each hold the one that stands for it now: itself, or its last successor.

    Bounds: one query, and one more for each year that was closed since.
    """
    standing: dict[UUID, Standing] = {}
    asked = {id_: id_ for id_ in ids}  # the id to look for -> the hold that was asked for
    while asked:
        found = store.existing_holds(connection, asked)
        for id_, (debit, credit) in found.items():
            standing[asked[id_]] = Standing(id_, debit, credit)
        asked = {carried_hold_id(id_): asked[id_] for id_ in found}
    return standing
