"""Facts about legal bases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict


class ArticleItem(TypedDict):
    """One article with the instrument it stands in."""

    article_id: str
    instrument_id: str
    number: str
    kind: str
    issuer: str
    signed_on: str | None
    effective_from: str | None
    effective_to: str | None
    confirmed: bool
    article: str
    purpose: str
    ceiling_vnd: int | None
    ceiling_per: str | None


@dataclass(frozen=True, slots=True)
class LegalBasesLoaded:
    """Articles were taken in, each with its instrument."""

    TYPE: ClassVar[str] = "vn.fundtrail.legal_bases.loaded.v1"
    KEY: ClassVar[str] = "batch"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    batch: str
    items: tuple[Annotated[dict[str, Any], ArticleItem], ...]
