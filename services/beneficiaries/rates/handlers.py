"""Taking in published rates, and the book to calculate with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.beneficiaries.rates.events import RatesLoaded
from services.beneficiaries.rates.model import Rate, RateBook
from services.beneficiaries.rates.tables import rates
from shared.db.unit_of_work import Work
from shared.kernel.periods import Period


def load_rates(work: Work, published: Sequence[Rate]) -> int:
    """The number of rates that were new. Idempotent: those that are there stay as they are."""
    rows = [_row(rate) for rate in published]
    new = work.connection.execute(
        upsert(rates).on_conflict_do_nothing(index_elements=["id"]).returning(rates.c.id), rows
    )
    new_ids = {row.id for row in new}
    for decree, some in groupby((rate for rate in published if rate.id in new_ids), lambda rate: rate.decree):
        work.record(RatesLoaded(decree, tuple(_item(rate) for rate in some)))
    return len(new_ids)


def rate_book(connection: Connection) -> RateBook:
    """All stored rates."""
    return RateBook(
        Rate(
            id=row.id,
            decree=row.decree,
            code=row.code,
            injury_percent=row.injury_percent,
            label=row.label,
            amount_vnd=row.amount_vnd,
            applies_from=Period.parse(row.applies_from),
            known_from=row.known_from,
            source=row.source,
        )
        for row in connection.execute(select(rates))
    )


def _row(rate: Rate) -> dict[str, object]:
    return {
        "id": rate.id,
        "decree": rate.decree,
        "code": rate.code,
        "injury_percent": rate.injury_percent,
        "label": rate.label,
        "amount_vnd": rate.amount_vnd,
        "applies_from": str(rate.applies_from),
        "known_from": rate.known_from,
        "source": rate.source,
    }


def _item(rate: Rate) -> dict[str, object]:
    return {
        "rate_id": str(rate.id),
        "decree": rate.decree,
        "code": rate.code,
        "injury_percent": rate.injury_percent,
        "amount_vnd": rate.amount_vnd,
        "applies_from": str(rate.applies_from),
        "known_from": rate.known_from.isoformat(),
    }
