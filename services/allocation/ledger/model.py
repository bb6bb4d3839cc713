"""The vocabulary of the ledger: accounts, transfers, holds, what became of them and what they add up to.

Pure. Which transfers of a batch move money is decided by `walk`; the store keeps what was decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shared.kernel.ids import id_of
from shared.kernel.money import Money
from shared.kernel.periods import Period


class Role(StrEnum):
    """What money in an account is, in the order in which it travels."""

    SOURCE = "source"
    ENVELOPE = "envelope"
    ALLOTMENT = "allotment"
    PROVIDER = "provider"
    RETURNED = "returned"
    ADVANCE = "advance"
    SPENT = "spent"
    CARRIED = "carried"
    CANCELLED = "cancelled"
    UNMATCHED = "unmatched"


# Money enters at a source, and a bank fact is never refused: it stands in unmatched until explained.
UNBOUNDED = frozenset({Role.SOURCE, Role.UNMATCHED})
BOUNDED = frozenset(Role) - UNBOUNDED


class CapitalKind(StrEnum):
    """Development (investment) capital or recurrent funds."""

    DEVELOPMENT = "development"
    RECURRENT = "recurrent"


class Kind(StrEnum):
    """How a transfer moves money: at once, by promise, or by keeping or releasing a promise."""

    DIRECT = "direct"
    HOLD = "hold"
    POST = "post"
    VOID = "void"


class Verdict(StrEnum):
    """What became of a transfer; a conflict is never stored, because its id belongs to another one."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class AccountKey:
    """What makes an account: one year, component, source, capital kind, unit, role and party."""

    fiscal_year: int
    component: str
    source: str
    capital_kind: CapitalKind
    unit: UUID | None
    role: Role
    party: str | None = None  # the post or bank of a provider account, the contractor of an advance

    @property
    def id(self) -> UUID:
        """The id every party derives for this account."""
        unit, party = self.unit or "", self.party or ""
        return id_of(
            "account",
            self.fiscal_year,
            self.component,
            self.source,
            self.capital_kind,
            unit,
            self.role,
            party,
        )

    @property
    def bounded(self) -> bool:
        """Whether the account may never promise or spend more than it received."""
        return self.role in BOUNDED


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement from the debit account, which must have the money, to the credit account."""

    id: UUID
    debit_account: UUID
    credit_account: UUID
    amount: Money
    kind: Kind
    effective_on: date
    period: Period
    hold: UUID | None = None  # the hold that a post keeps or a void releases
    decision_line: UUID | None = None
    group: UUID | None = None  # transfers of one group stand or fall together
    reverses: UUID | None = None  # the transfer whose money this one brings back


class OpenHold(NamedTuple):
    """A promise as it stands: what was held, and what of it was posted and voided so far."""

    debit_account: UUID
    credit_account: UUID
    amount: int
    posted: int = 0
    voided: int = 0

    @property
    def open(self) -> int:
        """What is still promised."""
        return self.amount - self.posted - self.voided


class Refusal(NamedTuple):
    """Why a transfer was refused; shortfall is what the account lacks, 0 where money is not the reason."""

    code: str
    message: str
    shortfall: int = 0


class Known(NamedTuple):
    """What is stored under an id: the transfer and, when it was refused, why."""

    transfer: Transfer
    refusal: Refusal | None = None


class Outcome(NamedTuple):
    """What became of one transfer of a batch, in the order of the batch."""

    transfer: Transfer
    verdict: Verdict
    refusal: Refusal | None = None
    exists: bool = False  # the result was stored earlier and is only repeated

    @property
    def takes_effect(self) -> bool:
        """Whether this batch moves the money."""
        return self.verdict is Verdict.ACCEPTED and not self.exists

    @property
    def to_store(self) -> bool:
        """Whether this batch stores a row for it: accepted and refused alike, once."""
        return self.verdict is not Verdict.CONFLICT and not self.exists


@dataclass(slots=True)
class TotalsDelta:
    """What a batch adds to the four running totals of an account."""

    debits_posted: int = 0
    credits_posted: int = 0
    debits_pending: int = 0
    credits_pending: int = 0

    @property
    def available(self) -> int:
        """What the batch adds to the money that may still be promised or spent."""
        return self.credits_posted - self.debits_posted - self.debits_pending


@dataclass(slots=True)
class HoldDelta:
    """What a batch adds to the posted and voided parts of a hold."""

    posted: int = 0
    voided: int = 0


class LedgerBroken(Exception):
    """An invariant of the ledger does not hold; nothing may be committed."""


def totals(outcomes: Iterable[Outcome]) -> dict[UUID, TotalsDelta]:
    """What each account's running totals change by, for the outcomes that take effect."""
    moved = [outcome.transfer for outcome in outcomes if outcome.takes_effect]
    deltas: defaultdict[int, TotalsDelta] = defaultdict(TotalsDelta)  # by the number an id stands for
    for transfer in moved:
        amount = transfer.amount
        debit, credit = deltas[transfer.debit_account.int], deltas[transfer.credit_account.int]
        posted, pending = _SIGNS[transfer.kind]
        debit.debits_posted += posted * amount
        credit.credits_posted += posted * amount
        if pending:
            debit.debits_pending += pending * amount
            credit.credits_pending += pending * amount
    accounts = {transfer.debit_account.int: transfer.debit_account for transfer in moved}
    accounts.update((transfer.credit_account.int, transfer.credit_account) for transfer in moved)
    return {accounts[number]: delta for number, delta in deltas.items()}


def hold_changes(outcomes: Iterable[Outcome]) -> dict[UUID, HoldDelta]:
    """What each hold's posted and voided parts change by, for the outcomes that take effect."""
    deltas: dict[UUID, HoldDelta] = {}
    for outcome in outcomes:
        hold = outcome.transfer.hold
        if hold is not None and outcome.takes_effect:
            delta = deltas.setdefault(hold, HoldDelta())
            if outcome.transfer.kind is Kind.POST:
                delta.posted += outcome.transfer.amount
            else:
                delta.voided += outcome.transfer.amount
    return deltas


def ensure_balanced(deltas: Mapping[UUID, TotalsDelta]) -> None:
    """Nothing, when debits equal credits. Raises: LedgerBroken, which must stop the commit."""
    posted = sum(delta.debits_posted - delta.credits_posted for delta in deltas.values())
    pending = sum(delta.debits_pending - delta.credits_pending for delta in deltas.values())
    if posted or pending:
        raise LedgerBroken(f"Debits exceed credits by {posted} đồng posted and {pending} đồng pending.")


# What a transfer of each kind adds to the posted and to the pending totals, per đồng.
_SIGNS: Mapping[Kind, tuple[int, int]] = {
    Kind.DIRECT: (1, 0),
    Kind.HOLD: (0, 1),
    Kind.POST: (1, -1),
    Kind.VOID: (0, -1),
}
