"""Rows of instruments and articles <-> values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, Connection, Row, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.allocation.legal_bases.model import Article, Instrument
from services.allocation.legal_bases.tables import articles, instruments


def add(connection: Connection, some: Sequence[Instrument], their: Sequence[Article]) -> set[UUID]:
    """The ids of the articles that were new."""
    connection.execute(
        upsert(instruments).on_conflict_do_nothing(index_elements=["id"]),
        [_instrument_row(one) for one in some],
    )
    new = connection.scalars(
        upsert(articles).on_conflict_do_nothing(index_elements=["id"]).returning(articles.c.id),
        [_article_row(one) for one in their],
    )
    return set(new)


def find(connection: Connection, ids: Iterable[UUID] | None = None) -> dict[UUID, Article]:
    """Articles by id: those asked for, or all."""
    query = select(articles, instruments).join(instruments, instruments.c.id == articles.c.instrument_id)
    query = query.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    if ids is not None:
        query = query.where(articles.c.id.in_(list(ids)))
    found = (
        _article(row) for row in connection.execute(query.order_by(instruments.c.code, articles.c.article))
    )
    return {article.id: article for article in found}


def _article(row: Row[Any]) -> Article:
    instrument = Instrument(
        row.instruments_id,
        row.instruments_code,
        row.instruments_number,
        row.instruments_kind,
        row.instruments_issuer,
        row.instruments_subject,
        row.instruments_signed_on,
        row.instruments_effective_from,
        row.instruments_effective_to,
        row.instruments_confirmed,
        row.instruments_source,
    )
    return Article(
        row.articles_id,
        instrument,
        row.articles_article,
        row.articles_purpose,
        row.articles_title,
        row.articles_ceiling_vnd,
        row.articles_ceiling_per,
    )


def _instrument_row(one: Instrument) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


def _article_row(one: Article) -> dict[str, Any]:
    return {
        "id": one.id,
        "instrument_id": one.instrument.id,
        "article": one.article,
        "purpose": one.purpose,
        "title": one.title,
        "ceiling_vnd": one.ceiling_vnd,
        "ceiling_per": one.ceiling_per,
    }
