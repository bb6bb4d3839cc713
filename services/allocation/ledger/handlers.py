"""Moving money: lock, decide, store, record. The only way into the ledger's tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from services.allocation.ledger import model, store
from services.allocation.ledger.events import TransfersDecided
from services.allocation.ledger.model import AccountKey, Kind, Outcome, Transfer, Verdict
from services.allocation.ledger.store import Locked
from services.allocation.ledger.walk import decide
from shared.db.unit_of_work import Work, record_together
from shared.journal.recording import Draft, draft
from shared.kernel.errors import NotFound, Rejected
from shared.kernel.ids import id_of, new_id
from shared.kernel.money import Money
from shared.kernel.periods import Period

BATCH_MAX = 10_000
ITEMS_PER_EVENT = 400
Asked = tuple[Work, Sequence[Transfer]]
"""The transfers that one act asks for."""


def transfer(work: Work, batch: Sequence[Transfer], accounts: Sequence[AccountKey] = ()) -> list[Outcome]:
    """One outcome per transfer, stored together with the totals they move.

    Of the `accounts` given, those that do not exist yet are opened.

    Idempotent: an id that is known gives its stored result again and moves nothing.
    Bounds: 1 to 10,000 transfers. Raises: Rejected batch_size, year_closed; LedgerBroken stops the commit.
    """
    return transfer_together([(work, batch)], accounts)


def transfer_together(acts: Sequence[Asked], accounts: Sequence[AccountKey] = ()) -> list[Outcome]:
    """The outcomes of what several acts of one transaction ask for, decided in their order, as one batch.

    Everything is as if one act after the other had asked, and each has journal rows of its own.
    Idempotent, Bounds, Raises: as `transfer`, for all acts together.
    """
    connection, batch = acts[0][0].connection, [one for _, some in acts for one in some]
    if not 1 <= len(batch) <= BATCH_MAX:
        raise Rejected("batch_size", f"A batch has 1 to {BATCH_MAX} transfers; this one has {len(batch)}.")
    locked = store.open_and_lock(connection, _touched(batch), accounts)
    known = store.known(connection, [one.id for one in batch])
    _ensure_open(locked, [one for one in batch if one.id not in known])
    wanted = [one.hold for one in batch if one.hold is not None]
    outcomes = decide(batch, locked.available, store.open_holds(connection, wanted), known)
    deltas = model.totals(outcomes)
    model.ensure_balanced(deltas)
    drafts: list[tuple[Work, Draft]] = []
    drafting = _drafting(acts, outcomes, drafts)
    store.keep(connection, outcomes, deltas, model.hold_changes(outcomes), drafting)
    record_together(drafts)
    return outcomes


def reverse(work: Work, transfer_id: UUID) -> Outcome:
    """The reversing transfer of a posted one; the original stays as it is.

    Idempotent: once reversed, the stored reversal is the answer. A reversal that was refused stays refused
    under its id; asking again is another attempt, which may find the money.
    Raises: NotFound transfer_unknown; Rejected not_reversible for holds and voids, year_closed.
    """
    row = store.transfer(work.connection, transfer_id)
    if row is None:
        raise NotFound("transfer_unknown", f"There is no transfer {transfer_id}.")
    if Kind(row.kind) not in {Kind.DIRECT, Kind.POST}:
        raise Rejected("not_reversible", f"Transfer {transfer_id} moved no money; void its hold instead.")
    store.lock(work.connection, [row.debit_account, row.credit_account])  # attempts come one by one
    done = store.reversal_of(work.connection, transfer_id)
    if done is not None:
        return Outcome(done, Verdict.ACCEPTED, exists=True)
    attempt = store.refused_reversals(work.connection, transfer_id)
    day = work.act.business_date
    back = Transfer(
        id=id_of("reversal", transfer_id, attempt),
        debit_account=row.credit_account,
        credit_account=row.debit_account,
        amount=Money(row.amount_vnd),
        kind=Kind.DIRECT,
        effective_on=day,
        period=Period.of(day),
        decision_line=row.decision_line,
        reverses=transfer_id,
    )
    return transfer(work, [back])[0]


def _touched(batch: Iterable[Transfer]) -> Collection[UUID]:
    touched = {one.debit_account.int: one.debit_account for one in batch}
    touched.update((one.credit_account.int, one.credit_account) for one in batch)
    return touched.values()


def _ensure_open(locked: Locked, new: Sequence[Transfer]) -> None:
    if not locked.closed_years:
        return
    hit = {locked.closed_years[account] for account in _touched(new) if account in locked.closed_years}
    if hit:
        years = ", ".join(map(str, sorted(hit)))
        raise Rejected(
            "year_closed", f"The year {years} is closed; correct it by a transfer in the open year."
        )


def _drafting(
    acts: Sequence[Asked], outcomes: Sequence[Outcome], drafts: list[tuple[Work, Draft]]
) -> Iterator[None]:
    """What the journal says of the outcomes of each act comes into `drafts`, an event a step."""
    left = iter(outcomes)
    for work, batch in acts:
        for event in _events(list(islice(left, len(batch)))):
            drafts.append((work, draft(event)))
            yield


def _events(outcomes: Sequence[Outcome]) -> Iterator[TransfersDecided]:
    stored = [one for one in outcomes if one.to_store]
    batch = str(new_id())
    for start in range(0, len(stored), ITEMS_PER_EVENT):
        yield TransfersDecided(batch, tuple(map(_item, stored[start : start + ITEMS_PER_EVENT])))


def _item(one: Outcome) -> dict[str, Any]:
    moved = one.transfer
    item: dict[str, Any] = {
        "transfer_id": moved.id,
        "kind": moved.kind.value,
        "debit_account": moved.debit_account,
        "credit_account": moved.credit_account,
        "amount_vnd": moved.amount,
        "period": str(moved.period),
        "verdict": one.verdict.value,
    }
    if moved.hold is not None:
        item["hold_id"] = moved.hold
    if moved.decision_line is not None:
        item["line_id"] = moved.decision_line
    if moved.reverses is not None:
        item["reverses"] = moved.reverses
    if one.refusal is not None:
        item |= {"code": one.refusal.code, "shortfall_vnd": one.refusal.shortfall}
    return item
