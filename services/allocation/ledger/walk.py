"""The decision core of the ledger: which transfers of a batch move money and which are refused.

Pure: it sees what accounts have available, which holds are open and what is already known under the
ids of the batch; it never sees a database or a clock. The store locks the accounts, calls `decide`,
stores accepted and refused transfers in the same transaction and moves each account's totals once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from services.allocation.ledger.model import (
    Kind,
    Known,
    LedgerBroken,
    OpenHold,
    Outcome,
    Refusal,
    Transfer,
    Verdict,
)
from shared.kernel.money import MAX_VND, Money, grouped

ABSENT = -1  # what no account can have left


def decide(
    batch: Sequence[Transfer],
    available: Mapping[UUID, int | None],
    holds: Mapping[UUID, OpenHold],
    known: Mapping[UUID, Known],
) -> list[Outcome]:
    """One outcome per transfer, in the order of the batch.

    Transfers are walked in the given order, so money that arrives early may leave later in the same
    batch. A linked group is walked as one, at the place of its first member. `available` names every
    account the batch touches, None for an unbounded one; `holds` and `known` hold what the batch names.
    Bounds: linear in the batch; callers send 1 to 10,000 transfers.
    """
    walk = _Walk(available, holds, known)
    outcomes: dict[int, Outcome] = {}
    for positions in _in_walking_order(batch):
        if isinstance(positions, int):
            outcomes[positions] = walk.single(batch[positions])
        else:
            outcomes.update(zip(positions, walk.group([batch[i] for i in positions]), strict=True))
    return [outcomes[position] for position in range(len(batch))]


def _in_walking_order(batch: Sequence[Transfer]) -> Iterator[int | list[int]]:
    members: dict[UUID, list[int]] = {}
    for position, transfer in enumerate(batch):
        if transfer.group is not None:
            members.setdefault(transfer.group, []).append(position)
    for position, transfer in enumerate(batch):
        if transfer.group is None:
            yield position
        elif transfer.group in members:
            yield members.pop(transfer.group)


class _Hold:
    """A promise during a walk; only its open part changes."""

    __slots__ = ("credit_account", "debit_account", "open")

    def __init__(self, debit_account: UUID, credit_account: UUID, left: int) -> None:
        self.debit_account = debit_account
        self.credit_account = credit_account
        self.open = left


class _Walk:
    """The state of one walk: what is left where, which holds are open, which ids are taken.

    Kept by the numbers that ids stand for: an id is hashed and compared ten times as slowly.
    """

    __slots__ = ("_holds", "_known", "_left")

    def __init__(
        self,
        available: Mapping[UUID, int | None],
        holds: Mapping[UUID, OpenHold],
        known: Mapping[UUID, Known],
    ) -> None:
        self._left = {id_.int: left for id_, left in available.items()}
        self._holds = {
            id_.int: _Hold(hold.debit_account, hold.credit_account, hold.open) for id_, hold in holds.items()
        }
        self._known = {id_.int: one for id_, one in known.items()}  # stored before, or decided in this walk

    def single(self, transfer: Transfer) -> Outcome:
        """The outcome of a transfer that stands alone."""
        return self._before(transfer) or self._settle(transfer, self._apply(transfer))

    def group(self, transfers: Sequence[Transfer]) -> list[Outcome]:
        """The outcomes of a linked group: all accepted, or none."""
        first: dict[UUID, Transfer] = {}
        for transfer in transfers:
            first.setdefault(transfer.id, transfer)
        before = {transfer.id: self._before(transfer) for transfer in first.values()}
        stop = _reason_against(transfers, first, before)
        new = [transfer for transfer in first.values() if before[transfer.id] is None]
        refusals = self._tried(new) if stop is None else [stop] * len(new)
        for transfer, refusal in zip(new, refusals, strict=True):
            before[transfer.id] = self._settle(transfer, refusal)
        # The first of an id has its own outcome, a later one repeats it or contradicts it.
        return [before.pop(transfer.id, None) or self._repeated(transfer) for transfer in transfers]

    def _repeated(self, transfer: Transfer) -> Outcome:
        outcome = self._before(transfer)
        if outcome is None:
            raise LedgerBroken(f"Transfer {transfer.id} was settled and is not known.")
        return outcome

    def _before(self, transfer: Transfer) -> Outcome | None:
        known = self._known.get(transfer.id.int)
        if known is None:
            return None
        if known.transfer == transfer:
            verdict = Verdict.ACCEPTED if known.refusal is None else Verdict.REFUSED
            return Outcome(transfer, verdict, known.refusal, exists=True)
        message = f"Id {transfer.id} belongs to another transfer; an id stands for one act for ever."
        return Outcome(transfer, Verdict.CONFLICT, Refusal("id_conflict", message))

    def _settle(self, transfer: Transfer, refusal: Refusal | None) -> Outcome:
        self._known[transfer.id.int] = Known(transfer, refusal)
        return Outcome(transfer, Verdict.ACCEPTED if refusal is None else Verdict.REFUSED, refusal)

    def _tried(self, transfers: Sequence[Transfer]) -> list[Refusal | None]:
        """One refusal or None per member; a single refusal takes back what the others did.

        A member that lacks money takes what is left, so that the shortfalls of a group add up to all
        it lacks.
        """
        accounts = {account.int for t in transfers for account in (t.debit_account, t.credit_account)}
        left = {account: self._left[account] for account in accounts if account in self._left}
        named = {t.hold.int for t in transfers if t.hold is not None}
        opened = {hold: self._holds[hold].open for hold in named if hold in self._holds}
        refusals = []
        for transfer in transfers:
            refusals.append(self._apply(transfer))
            if refusals[-1] is not None and refusals[-1].code == "insufficient_funds":
                self._left[transfer.debit_account.int] = 0
        culprit = next((t for t, refusal in zip(transfers, refusals, strict=True) if refusal), None)
        if culprit is None:
            return refusals
        self._left.update(left)
        for transfer in transfers:
            self._holds.pop(transfer.id.int, None)
        for hold, amount in opened.items():
            self._holds[hold].open = amount
        return [refusal or _linked(culprit.id) for refusal in refusals]

    def _apply(self, transfer: Transfer) -> Refusal | None:
        """Move the money in this walk, or say why not and move nothing."""
        debit, credit, amount = transfer.debit_account.int, transfer.credit_account.int, transfer.amount
        left = self._left
        have, there = left.get(debit, ABSENT), left.get(credit, ABSENT)
        if ABSENT in (have, there) or not 0 < amount <= MAX_VND or debit == credit:
            return _malformed(transfer, left)
        if transfer.kind is Kind.POST or transfer.kind is Kind.VOID:
            return self._apply_to_hold(transfer)
        if transfer.hold is not None:
            return Refusal(
                "hold_not_expected", f"Transfer {transfer.id} of kind {transfer.kind} names a hold."
            )
        if have is not None:
            if have < amount:
                return _insufficient(transfer, have)
            left[debit] = have - amount
        if transfer.kind is Kind.HOLD:
            self._holds[transfer.id.int] = _Hold(transfer.debit_account, transfer.credit_account, amount)
        elif there is not None:
            left[credit] = there + amount
        return None

    def _apply_to_hold(self, transfer: Transfer) -> Refusal | None:
        hold = None if transfer.hold is None else self._holds.get(transfer.hold.int)
        if hold is None:
            return Refusal("hold_unknown", f"There is no hold {transfer.hold} to keep or release.")
        if (hold.debit_account, hold.credit_account) != (transfer.debit_account, transfer.credit_account):
            return Refusal("hold_differs", f"Hold {transfer.hold} stands between other accounts.")
        if transfer.amount > hold.open:
            return Refusal(
                "hold_exceeded",
                f"Hold {transfer.hold} has {grouped(Money(hold.open))} đồng open, "
                f"{grouped(transfer.amount)} đồng are asked.",
                transfer.amount - hold.open,
            )
        hold.open -= transfer.amount
        posts = transfer.kind is Kind.POST
        self._add((transfer.credit_account if posts else transfer.debit_account).int, transfer.amount)
        return None

    def _add(self, account: int, amount: int) -> None:
        have = self._left[account]
        if have is not None:
            self._left[account] = have + amount


def _reason_against(
    transfers: Sequence[Transfer], first: Mapping[UUID, Transfer], before: Mapping[UUID, Outcome | None]
) -> Refusal | None:
    """Why the new members of a group cannot even be tried, if so."""
    for transfer in transfers:
        known = before[transfer.id]
        if transfer != first[transfer.id] or (known is not None and known.verdict is Verdict.CONFLICT):
            return _linked(transfer.id)
    decided = next((known for known in before.values() if known is not None), None)
    if decided is None:
        return None
    return Refusal(
        "group_incomplete",
        f"Transfer {decided.transfer.id} of this group was decided earlier without this one; "
        "a group is sent whole, under the same ids each time.",
    )


def _linked(culprit: UUID) -> Refusal:
    return Refusal("linked_refused", f"Transfer {culprit} of the same group was refused, so all of it is.")


def _insufficient(transfer: Transfer, have: int) -> Refusal:
    shortfall = transfer.amount - have
    return Refusal(
        "insufficient_funds",
        f"Account {transfer.debit_account} has {grouped(Money(have))} đồng available, "
        f"{grouped(transfer.amount)} đồng are asked: {grouped(Money(shortfall))} đồng are missing.",
        shortfall,
    )


def _malformed(transfer: Transfer, accounts: Mapping[int, int | None]) -> Refusal:
    for account in (transfer.debit_account, transfer.credit_account):
        if account.int not in accounts:
            return Refusal("account_unknown", f"There is no account {account}; open it first.")
    if transfer.debit_account == transfer.credit_account:
        return Refusal("accounts_equal", f"Transfer {transfer.id} leads back to its own account.")
    return Refusal("amount_invalid", f"{transfer.amount} đồng is no amount; it is 1 to {MAX_VND}.")
