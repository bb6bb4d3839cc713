"""Legal bases: instruments and their articles, when they hold, what they permit and up to which amount."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from shared.kernel.ids import id_of


@dataclass(frozen=True, slots=True)
class Instrument:
    """A law, decree, circular, resolution or decision. `confirmed`: its dates were read in a good source."""

    id: UUID
    code: str
    number: str
    kind: str
    issuer: str
    subject: str
    signed_on: date | None
    effective_from: date | None
    effective_to: date | None
    confirmed: bool
    source: str

    def in_force_on(self, day: date) -> bool:
        """Whether it holds on a day; a first day that is not known is taken to lie before."""
        begun = self.effective_from is None or self.effective_from <= day
        return begun and (self.effective_to is None or day <= self.effective_to)


@dataclass(frozen=True, slots=True)
class Article:
    """What one article permits. Units: ceiling_vnd in đồng per `ceiling_per`; None where there is none."""

    id: UUID
    instrument: Instrument
    article: str
    purpose: str
    title: str
    ceiling_vnd: int | None
    ceiling_per: str | None

    @property
    def citation(self) -> str:
        """How an officer cites it."""
        if self.article.isdecimal():
            return f"Điều {self.article} {self.instrument.number}"
        return f"{self.instrument.number} ({self.article})"


def instrument_id_of(code: str) -> UUID:
    """The id of an instrument."""
    return id_of("instrument", code)


def article_id_of(code: str, article: str, purpose: str) -> UUID:
    """The id of what an article permits for a purpose."""
    return id_of("article", code, article, purpose)
