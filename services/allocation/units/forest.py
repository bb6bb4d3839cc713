"""The units of a year as a forest: each below the one that it stood under last in that year. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID


class Link(NamedTuple):
    """A unit and what it stood under."""

    unit_id: UUID
    parent_id: UUID


@dataclass(frozen=True, slots=True)
class Forest:
    """The units of a year, each below the one that it stood under last."""

    children: Mapping[UUID, tuple[UUID, ...]]

    @classmethod
    def of(cls, links: Iterable[Link]) -> Forest:
        """The forest of links, one for each unit."""
        children: dict[UUID, tuple[UUID, ...]] = {}
        for link in links:
            children[link.parent_id] = (*children.get(link.parent_id, ()), link.unit_id)
        return cls(children)

    def below(self, tops: Collection[UUID]) -> set[UUID]:
        """The given units and everything under them."""
        found: set[UUID] = set()
        waiting = list(tops)
        while waiting:
            unit = waiting.pop()
            if unit not in found:
                found.add(unit)
                waiting += self.children.get(unit, ())
        return found

    def parts(self, unit: UUID) -> dict[UUID, UUID]:
        """A unit divided up: itself and all below it, each with the part that it counts for.

        The parts are the unit alone, and each unit right below it with everything under that.
        """
        return {unit: unit} | {
            one: child for child in self.children.get(unit, ()) for one in self.below([child])
        }

    def tops(self, units: Collection[UUID]) -> dict[UUID, UUID]:
        """Units, each with the topmost of them that it stands under."""
        under = {child for parent in units for child in self.children.get(parent, ())}
        return {one: top for top in units if top not in under for one in self.below([top])}
