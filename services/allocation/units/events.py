"""Facts about units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict


class ParentItem(TypedDict):
    """The unit above, for a span of time."""

    parent_id: str
    valid_from: str
    valid_to: str | None


class UnitItem(TypedDict):
    """One unit with everything it stood under."""

    unit_id: str
    code: str
    name: str
    kind: str
    level: int
    valid_from: str
    valid_to: str | None
    assumed: bool
    parents: list[ParentItem]


class SuccessionItem(TypedDict):
    """One step from a unit to the unit that followed it."""

    predecessor_id: str
    successor_id: str
    on: str
    kind: str
    share_ppm: int | None


@dataclass(frozen=True, slots=True)
class UnitsLoaded:
    """Units were taken in, each with everything it stands under through time."""

    TYPE: ClassVar[str] = "vn.fundtrail.units.loaded.v1"
    KEY: ClassVar[str] = "snapshot"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    snapshot: str
    items: tuple[Annotated[dict[str, Any], UnitItem], ...]


@dataclass(frozen=True, slots=True)
class SuccessionsLoaded:
    """Which unit's territory followed which, as far as the sources say."""

    TYPE: ClassVar[str] = "vn.fundtrail.units.successions_loaded.v1"
    KEY: ClassVar[str] = "snapshot"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    snapshot: str
    items: tuple[Annotated[dict[str, Any], SuccessionItem], ...]
