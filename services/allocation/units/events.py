"""Facts about units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class UnitsLoaded:
    """Units were taken in, each with everything it stands under through time."""

    TYPE: ClassVar[str] = "vn.fundtrail.units.loaded.v1"
    KEY: ClassVar[str] = "snapshot"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    snapshot: str
    items: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class SuccessionsLoaded:
    """Which unit's territory followed which, as far as the sources say."""

    TYPE: ClassVar[str] = "vn.fundtrail.units.successions_loaded.v1"
    KEY: ClassVar[str] = "snapshot"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    snapshot: str
    items: tuple[dict[str, Any], ...]
