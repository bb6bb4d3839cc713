"""Facts about legal bases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class LegalBasesLoaded:
    """Articles were taken in, each with its instrument."""

    TYPE: ClassVar[str] = "vn.fundtrail.legal_bases.loaded.v1"
    KEY: ClassVar[str] = "batch"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    batch: str
    items: tuple[dict[str, Any], ...]
