"""How money stands in a year: allotted, held, spent, left, from what the accounts of each role add up to.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
