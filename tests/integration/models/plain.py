"""A ledger of dictionaries: slow, obvious, and the one that says what the real ledger must answer."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.allocation.year_end.model import carried_hold_id
from shared.kernel.ids import id_of

UNBOUNDED = {"source", "unmatched"}
IN_OTHER_HANDS = {"provider", "returned", "advance"}


class Account(NamedTuple):
    """An account as a clerk would name it; units are numbered."""

    year: int
    role: str
    unit: int | None = None

    @property
    def next(self) -> Account:
        return self._replace(year=self.year + 1)


class Move(NamedTuple):
    """What a caller asks for."""

    id: UUID
    debit: Account
    credit: Account
    amount: int
    kind: str = "direct"
    hold: UUID | None = None
    group: UUID | None = None
    reverses: UUID | None = None


class Refused(Exception):
    """The whole request is refused with this code, and nothing of it is kept."""


class Plain:
    """Money per account, promises, and what is known under each id."""

    def __init__(self) -> None:
        self.cash: Counter[Account] = Counter()
        self.promised: Counter[Account] = Counter()  # by the side that pays
        self.awaited: Counter[Account] = Counter()  # by the side that will receive
        self.holds: dict[UUID, tuple[Account, Account, int]] = {}  # with what is still open
        self.known: dict[UUID, tuple[Move, date, bool]] = {}
        self.closed: set[int] = set()

    def take(self, batch: Sequence[Move], day: date) -> list[tuple[str, bool]]:
        """Verdict and whether it only repeats, for each transfer. Raises: Refused year_closed."""
        new = [one for one in batch if one.id not in self.known]
        if {side.year for one in new for side in (one.debit, one.credit)} & self.closed:
            raise Refused("year_closed")
        answers: dict[int, tuple[str, bool]] = {}
        for places in _walked_together(batch):
            answers |= zip(places, self._unit([batch[place] for place in places], day), strict=True)
        return [answers[place] for place in range(len(batch))]

    def reverse(self, id_: UUID, day: date) -> tuple[str, bool]:
        """As `take`, of the transfer that brings the money of another one back."""
        move, _, accepted = self.known.get(id_, (None, None, False))
        if move is None or not accepted:
            raise Refused("transfer_unknown")
        if move.kind in {"hold", "void"}:
            raise Refused("not_reversible")
        attempts = [accepted for other, _, accepted in self.known.values() if other.reverses == id_]
        if any(attempts):
            return "accepted", True
        back = Move(id_of("reversal", id_, len(attempts)), move.credit, move.debit, move.amount, reverses=id_)
        return self.take([back], day)[0]

    def close(self, year: int, day: date) -> None:
        """The year takes nothing more; promises and money in other hands go on in the next one."""
        if day.year <= year:
            raise Refused("year_not_over")
        if year in self.closed:
            raise Refused("year_closed")
        held = {id_: one for id_, one in self.holds.items() if one[2] and year in (one[0].year, one[1].year)}
        stand = {one: n for one, n in self.cash.items() if one.year == year and n > 0}
        moved = {one: n for one, n in stand.items() if one.role in IN_OTHER_HANDS}
        again = {id_: (_successor(a, year), _successor(b, year), n) for id_, (a, b, n) in held.items()}
        for a, _, n in held.values():
            if a.year == year and a.role not in UNBOUNDED | IN_OTHER_HANDS:
                moved[a] = moved.get(a, 0) + n
        if (held or moved) and year + 1 in self.closed:
            raise Refused("year_closed")
        if any(a == b for a, b, _ in again.values()):
            raise Refused("carry_over_refused")
        for id_, (a, b, n) in held.items():
            self._promise(a, b, -n)
            self.holds[id_] = (a, b, 0)
        for one, n in moved.items():
            self._pay(one, one.next, n)
        for id_, (a, b, n) in again.items():
            self._promise(a, b, n)
            self.holds[carried_hold_id(id_)] = (a, b, n)
        self.closed.add(year)

    def _unit(self, members: Sequence[Move], day: date) -> list[tuple[str, bool]]:
        """What becomes of a transfer alone, or of a group: all of it or nothing."""
        before = {one.id for one in members if one.id in self.known}
        whole = members[0].group is None or not before
        kept = copy.deepcopy((self.cash, self.promised, self.awaited, self.holds))
        new = {one.id: one for one in members if one.id not in before}
        done = whole and all(self._moves(one) for one in new.values())
        if not done:
            self.cash, self.promised, self.awaited, self.holds = kept
        self.known |= {id_: (one, day, done) for id_, one in new.items()}
        return [self._told(one, day, repeats=one.id in before) for one in members]

    def _told(self, one: Move, day: date, *, repeats: bool) -> tuple[str, bool]:
        move, on, accepted = self.known[one.id]
        if (move, on) != (one, day):
            return "conflict", False
        return ("accepted" if accepted else "refused"), repeats

    def _moves(self, one: Move) -> bool:
        """Whether the transfer can be made; then it is."""
        if one.debit == one.credit:
            return False
        if one.kind in {"post", "void"}:
            held = self.holds.get(one.hold or one.id)
            if held is None or held[:2] != (one.debit, one.credit) or held[2] < one.amount:
                return False
            self.holds[one.hold or one.id] = (*held[:2], held[2] - one.amount)
            self._promise(one.debit, one.credit, -one.amount)
        elif one.hold is not None or self._left(one.debit) < one.amount:
            return False
        if one.kind == "hold":
            self.holds[one.id] = (one.debit, one.credit, one.amount)
            self._promise(one.debit, one.credit, one.amount)
        elif one.kind != "void":
            self._pay(one.debit, one.credit, one.amount)
        return True

    def _left(self, one: Account) -> float:
        return float("inf") if one.role in UNBOUNDED else self.cash[one] - self.promised[one]

    def _pay(self, debit: Account, credit: Account, amount: int) -> None:
        self.cash[debit] -= amount
        self.cash[credit] += amount

    def _promise(self, debit: Account, credit: Account, amount: int) -> None:
        self.promised[debit] += amount
        self.awaited[credit] += amount


def _successor(one: Account, year: int) -> Account:
    return one.next if one.year == year else one


def _walked_together(batch: Sequence[Move]) -> Iterator[list[int]]:
    seen: set[UUID] = set()
    for place, one in enumerate(batch):
        if one.group is None:
            yield [place]
        elif one.group not in seen:
            seen.add(one.group)
            yield [at for at, other in enumerate(batch) if other.group == one.group]
