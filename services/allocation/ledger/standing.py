"""How money stands in a year: allotted, held, spent, left, from what the accounts of each role add up to.

Pure. Units are seen as a forest of the year: each below the one that it stood under last in that year.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from services.allocation.ledger.model import Role

AT_HAND = (Role.ALLOTMENT, Role.RETURNED)  # what a unit may still promise
IN_OTHER_HANDS = (Role.PROVIDER, Role.ADVANCE)  # drawn, and not yet told to be spent or returned


@dataclass(frozen=True, slots=True)
class Standing:
    """What the accounts of some units come to. Units: đồng.

    balance: credits less debits that were posted, by role. promised: what is held of money at hand, not yet
    drawn. Every figure is made of accounts, so that its rows can be shown, and
    allotted + unmatched = held + spent + left.
    """

    balance: Mapping[Role, int]
    promised: int = 0

    @property
    def undivided(self) -> int:
        """What stands in envelopes and was given to no unit."""
        return self._sum(Role.ENVELOPE)

    @property
    def left(self) -> int:
        """What may still be promised: allotments and returned money, less what is promised of them."""
        return self._sum(*AT_HAND) - self.promised

    @property
    def held(self) -> int:
        """What is promised to approved lists, or drawn and with a provider or contractor."""
        return self.promised + self._sum(*IN_OTHER_HANDS)

    @property
    def spent(self) -> int:
        """What was paid, as the provider says."""
        return self._sum(Role.SPENT)

    @property
    def unmatched(self) -> int:
        """What came back from a provider and belongs to no payment that is known."""
        return -self._sum(Role.UNMATCHED)

    @property
    def allotted(self) -> int:
        """What was given to units and neither taken back, carried over nor cancelled."""
        return self.held + self.spent + self.left - self.unmatched

    @property
    def carried(self) -> int:
        """What was carried over into the next year."""
        return self._sum(Role.CARRIED)

    @property
    def cancelled(self) -> int:
        """What lapsed at the end of the year."""
        return self._sum(Role.CANCELLED)

    def _sum(self, *roles: Role) -> int:
        return sum(self.balance.get(role, 0) for role in roles)


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
