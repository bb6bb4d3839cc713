"""Reading the instruments and articles that lie beside this module."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from importlib.resources import files

from services.allocation.legal_bases.model import Article, Instrument, article_id_of, instrument_id_of


def published_articles() -> tuple[list[Instrument], list[Article]]:
    """Every known instrument, and every article that permits something."""
    instruments = {row["code"]: _instrument(row) for row in _read("instruments.csv")}
    articles = [_article(row, instruments[row["instrument"]]) for row in _read("articles.csv")]
    return list(instruments.values()), articles


def _instrument(row: dict[str, str]) -> Instrument:
    return Instrument(
        id=instrument_id_of(row["code"]),
        code=row["code"],
        number=row["number"],
        kind=row["kind"],
        issuer=row["issuer"],
        subject=row["subject"],
        signed_on=_date(row["signed_on"]),
        effective_from=_date(row["effective_from"]),
        effective_to=_date(row["effective_to"]),
        confirmed=row["confirmed"] == "yes",
        source=row["source"],
    )


def _article(row: dict[str, str], instrument: Instrument) -> Article:
    return Article(
        id=article_id_of(instrument.code, row["article"], row["purpose"]),
        instrument=instrument,
        article=row["article"],
        purpose=row["purpose"],
        title=row["title"],
        ceiling_vnd=int(row["ceiling_vnd"]) if row["ceiling_vnd"] else None,
        ceiling_per=row["ceiling_per"] or None,
    )


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _read(name: str) -> Iterator[dict[str, str]]:
    with files("services.allocation.legal_bases").joinpath("data", name).open(encoding="utf-8") as file:
        yield from csv.DictReader(file)
