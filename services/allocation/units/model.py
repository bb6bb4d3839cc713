"""Administrative units as dated facts: what exists when, what stands above it, what follows it.

A unit is an id, not a code: codes are reused and kept by units that changed their name or extent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from uuid import UUID

from shared.kernel.ids import id_of
from shared.kernel.names import search_key, sort_key, squashed, without_kind
from shared.kernel.unit_names import UnitName, UnitNames


class Level(IntEnum):
    """How far below the province a unit stands; from 1/7/2025 there are no districts."""

    PROVINCE = 1
    DISTRICT = 2
    COMMUNE = 3


class Change(StrEnum):
    """How territory passed from one unit to another."""

    MERGE = "merge"
    SPLIT = "split"
    RENAME = "rename"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Unit:
    """One administrative unit for as long as it bears one name and code.

    assumed: the first day is not documented; what the first snapshot shows is taken to hold before it.
    predecessor_text: the former units in the words of the source, kept where names cannot be resolved.
    """

    id: UUID
    code: str
    name: str
    kind: str
    level: Level
    valid_from: date
    valid_to: date | None = None
    assumed: bool = False
    predecessor_text: str | None = None

    def valid_on(self, day: date) -> bool:
        """Whether the unit exists on a day; both ends belong to its life."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Parent:
    """What a unit stands under for a span of time, both ends included."""

    unit_id: UUID
    parent_id: UUID
    valid_from: date
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """Whether the link holds on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Succession:
    """Territory of a predecessor that a successor took over on a day.

    share_ppm: the part in millionths; None until a person assigns it, and then nothing is attributed.
    """

    predecessor_id: UUID
    successor_id: UUID
    on: date
    kind: Change
    share_ppm: int | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """The units that exist on one day and what each stands under."""

    on: date
    units: tuple[Unit, ...]
    parent_of: Mapping[UUID, UUID]
    assumed: bool  # the day lies before the oldest snapshot, which is only taken to hold

    def at(self, level: Level) -> tuple[Unit, ...]:
        """The units of one level, in Vietnamese order."""
        found = (unit for unit in self.units if unit.level is level)
        return tuple(sorted(found, key=lambda unit: sort_key(unit.name)))

    def below(self, unit_id: UUID) -> frozenset[UUID]:
        """The unit and everything under it."""
        found = {unit_id}
        for unit in sorted(self.units, key=lambda unit: unit.level):
            if self.parent_of.get(unit.id) in found:
                found.add(unit.id)
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Registry:
    """All units that are known, with their tree and succession through time."""

    units: tuple[Unit, ...]
    parents: tuple[Parent, ...]
    successions: tuple[Succession, ...]
    known_from: date  # the day of the oldest snapshot

    def on(self, day: date) -> Tree:
        """The units and the tree that are valid on a day."""
        units = tuple(unit for unit in self.units if unit.valid_on(day))
        parent_of = {link.unit_id: link.parent_id for link in self.parents if link.valid_on(day)}
        return Tree(day, units, parent_of, assumed=day < self.known_from)

    def names(self, day: date | None = None) -> UnitNames:
        """The names to match printed lists with: of one day, or of every unit that ever existed."""
        by_id = {unit.id: unit for unit in self.units}
        lineage = self._lineages(by_id)
        return UnitNames(
            UnitName(
                unit.id, unit.name, unit.kind, by_id[link.parent_id].name if link else None, lineage[unit.id]
            )
            for unit in sorted(self.units, key=lambda unit: unit.valid_from)
            if day is None or unit.valid_on(day)
            for link in self._links(unit.id, day)
        )

    def _links(self, unit_id: UUID, day: date | None) -> Sequence[Parent | None]:
        links = [
            link for link in self.parents if link.unit_id == unit_id and (day is None or link.valid_on(day))
        ]
        return links or [None]

    def _lineages(self, by_id: Mapping[UUID, Unit]) -> dict[UUID, UUID]:
        """For each unit the oldest one of its name and level that it follows."""
        oldest = {unit_id: unit_id for unit_id in by_id}
        for step in sorted(self.successions, key=lambda step: step.on):
            old, new = by_id[step.predecessor_id], by_id[step.successor_id]
            if old.level is new.level and bare_key(old.name) == bare_key(new.name):
                oldest[new.id] = oldest[old.id]
        return oldest


def unit_id(code: str, name: str, valid_from: date) -> UUID:
    """The id every loader derives for a unit."""
    return id_of("unit", code, name, valid_from.isoformat())


def bare_key(name: str) -> str:
    """A name without kind, marks, case and spaces."""
    return squashed(without_kind(search_key(name)))


def changes_of(successions: Iterable[Succession], unit: UUID) -> tuple[Succession, ...]:
    """The steps that lead into or out of a unit, by date."""
    found = (step for step in successions if unit in (step.predecessor_id, step.successor_id))
    return tuple(sorted(found, key=lambda step: (step.on, str(step.successor_id))))
