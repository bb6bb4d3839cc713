"""What a closing year hands on: open promises, and money in the hands of providers and contractors.

Money that nobody has promised stays where it is: whether it may be used in the next year is a question of
law, which a decision answers. Source: Law 83/2015/QH13 Art. 64; design of the ledger, section 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.allocation.ledger.model import AccountKey, Kind, Role, Transfer
from shared.kernel.errors import Rejected
from shared.kernel.ids import id_of
from shared.kernel.money import Money
from shared.kernel.periods import Period

IN_OTHER_HANDS = (Role.PROVIDER, Role.RETURNED, Role.ADVANCE)
UNSPENT = (Role.ENVELOPE, Role.ALLOTMENT)
YEARS = range(2000, 2101)


@dataclass(frozen=True, slots=True)
class StandingHold:
    """A promise that is still open, between which accounts, and what of it is open."""

    id: UUID
    debit: AccountKey
    credit: AccountKey
    open_vnd: int
    period: Period
    decision_line: UUID | None


@dataclass(frozen=True, slots=True)
class Balance:
    """Money that was received and not passed on, promised or not."""

    key: AccountKey
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class Carried:
    """What a closing does: its transfers in their order, and what they come to per role."""

    transfers: tuple[Transfer, ...]
    accounts: frozenset[AccountKey]
    hold_count: int
    moved_vnd: dict[Role, int]


def ensure_over(fiscal_year: int, on: date) -> None:
    """Nothing, where the year is over on the day. Raises: Rejected fiscal_year_invalid, year_not_over."""
    if fiscal_year not in YEARS:
        message = f"{fiscal_year} is no fiscal year; years are {YEARS.start} to {YEARS.stop - 1}."
        raise Rejected("fiscal_year_invalid", message)
    if on.year <= fiscal_year:
        message = f"{fiscal_year} runs to 31/12/{fiscal_year}; on {on:%d/%m/%Y} it is not over."
        raise Rejected("year_not_over", message)


def successor(key: AccountKey, fiscal_year: int) -> AccountKey:
    """The account of the next year, where the account is one of the year that closes; else itself."""
    return replace(key, fiscal_year=fiscal_year + 1) if key.fiscal_year == fiscal_year else key


def carried_hold_id(hold: UUID) -> UUID:
    """The id under which a hold goes on in the next year."""
    return id_of("carried-hold", hold)


def carry(fiscal_year: int, holds: Sequence[StandingHold], balances: Sequence[Balance], on: date) -> Carried:
    """The transfers that hand a year's unfinished business to its successor, as one linked group.

    First every hold is void, then money moves, then the holds stand again: so nothing is promised twice, and
    the money of each decision line stays the money of that line.
    """
    move = _Move(id_of("carried", fiscal_year), on, fiscal_year)
    voids = [move.void(hold) for hold in holds]
    direct = [move.balance(one) for one in balances]
    direct += [move.held_money(hold) for hold in holds if _needs_money(hold, fiscal_year)]
    again = [move.hold(hold) for hold in holds]
    keys = {successor(key, fiscal_year) for hold in holds for key in (hold.debit, hold.credit)}
    keys |= {successor(one.key, fiscal_year) for one in balances}
    return Carried(
        (*voids, *direct, *again), frozenset(keys), len(holds), _sums(fiscal_year, holds, balances)
    )


def _needs_money(hold: StandingHold, fiscal_year: int) -> bool:
    """Whether the money of a hold has to be brought: a source needs none, balances bring their own."""
    debit = hold.debit
    return debit.fiscal_year == fiscal_year and debit.bounded and debit.role not in IN_OTHER_HANDS


def _sums(fiscal_year: int, holds: Iterable[StandingHold], balances: Iterable[Balance]) -> dict[Role, int]:
    sums: dict[Role, int] = {}
    for one in balances:
        sums[one.key.role] = sums.get(one.key.role, 0) + one.amount_vnd
    for hold in holds:
        if _needs_money(hold, fiscal_year):
            sums[hold.debit.role] = sums.get(hold.debit.role, 0) + hold.open_vnd
    return sums


@dataclass(frozen=True, slots=True)
class _Move:
    """How the transfers of one closing are made; each id follows from what it carries."""

    group: UUID
    on: date
    fiscal_year: int

    def void(self, hold: StandingHold) -> Transfer:
        return self._of_hold(hold, id_of("carried-void", hold.id), Kind.VOID)

    def hold(self, hold: StandingHold) -> Transfer:
        return self._of_hold(hold, carried_hold_id(hold.id), Kind.HOLD)

    def held_money(self, hold: StandingHold) -> Transfer:
        debit = hold.debit
        return self._direct(id_of("carried-money", hold.id), debit, hold.open_vnd, hold.decision_line)

    def balance(self, one: Balance) -> Transfer:
        return self._direct(id_of("carried-balance", one.key.id), one.key, one.amount_vnd, None)

    def _direct(self, id_: UUID, key: AccountKey, amount_vnd: int, line: UUID | None) -> Transfer:
        return Transfer(
            id=id_,
            debit_account=key.id,
            credit_account=successor(key, self.fiscal_year).id,
            amount=Money(amount_vnd),
            kind=Kind.DIRECT,
            effective_on=self.on,
            period=Period.of(self.on),
            decision_line=line,
            group=self.group,
        )

    def _of_hold(self, hold: StandingHold, id_: UUID, kind: Kind) -> Transfer:
        sides = (hold.debit, hold.credit)
        if kind is Kind.HOLD:
            sides = (successor(hold.debit, self.fiscal_year), successor(hold.credit, self.fiscal_year))
        return Transfer(
            id=id_,
            debit_account=sides[0].id,
            credit_account=sides[1].id,
            amount=Money(hold.open_vnd),
            kind=kind,
            effective_on=self.on,
            period=hold.period,
            hold=hold.id if kind is Kind.VOID else None,
            decision_line=hold.decision_line,
            group=self.group,
        )
