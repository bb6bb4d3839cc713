"""Taking in the published legal bases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.allocation.legal_bases import store
from services.allocation.legal_bases.events import LegalBasesLoaded
from services.allocation.legal_bases.model import Article, Instrument
from shared.db.unit_of_work import Work

BATCH = "published"


def load_legal_bases(work: Work, instruments: Sequence[Instrument], articles: Sequence[Article]) -> int:
    """The number of articles that were new; those that are there stay as they are."""
    new = store.add(work.connection, instruments, articles)
    if new:
        work.record(LegalBasesLoaded(BATCH, tuple(_item(one) for one in articles if one.id in new)))
    return len(new)


def _item(one: Article) -> dict[str, Any]:
    law = one.instrument
    return {
        "article_id": str(one.id),
        "instrument_id": str(law.id),
        "number": law.number,
        "kind": law.kind,
        "issuer": law.issuer,
        "signed_on": law.signed_on.isoformat() if law.signed_on else None,
        "effective_from": law.effective_from.isoformat() if law.effective_from else None,
        "effective_to": law.effective_to.isoformat() if law.effective_to else None,
        "confirmed": law.confirmed,
        "article": one.article,
        "purpose": one.purpose,
        "ceiling_vnd": one.ceiling_vnd,
        "ceiling_per": one.ceiling_per,
    }
