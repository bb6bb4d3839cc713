"""What providers answered moves the money of a list: to spent, to returned, and back from spent.

A return after settlement is taken back in the open period; what was spent in a year that is closed by now
stands as unmatched until somebody has explained it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.allocation.funding import checks, store
from services.allocation.funding.events import FundsPosted, LateReturnUnmatched
from services.allocation.ledger import handlers as ledger
from services.allocation.ledger import store as ledger_store
from services.allocation.ledger.model import AccountKey, Kind, Role, Transfer
from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope
from shared.kernel.ids import id_of
from shared.kernel.money import Money
from shared.kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Told:
    """One answer: for which list, in which chunk of which statement, how much for each line."""

    funds: Row[Any]
    statement_id: UUID
    chunk: int
    kind: str
    amounts: Mapping[str, int]

    @property
    def total_vnd(self) -> int:
        """The sum of its lines, in đồng."""
        return sum(self.amounts.values())


def post_settled(work: Work, item: Envelope) -> None:
    """What was paid out moves from the provider to spent. Idempotent per statement and chunk."""
    _post(work, item.payload(), "settled", Role.SPENT)


def post_returned(work: Work, item: Envelope) -> None:
    """What found no payee moves to the provider's returned money, ready for the next hold."""
    _post(work, item.payload(), "returned", Role.RETURNED)


def post_returned_late(work: Work, item: Envelope) -> None:
    """What had counted as paid and came back moves from spent to the provider's returned money.

    What was spent in a year closed since comes out of unmatched, and that is told.
    Raises: Rejected late_return_exceeds_settled.
    """
    told, provider = _told(work, item.payload(), "returned_late")
    if _done(work, told):
        return
    settled = store.posted(work.connection, told.funds.list_id)["settled"]
    checks.ensure_settled(told.funds, settled, told.total_vnd)
    spent = replace(provider, role=Role.SPENT, party=None)
    unmatched = replace(provider, role=Role.UNMATCHED)
    here = store.posted_to(work.connection, told.funds.list_id, spent.id)
    for line, amount_vnd in told.amounts.items():
        from_spent = min(amount_vnd, here)
        here -= from_spent
        _move(work, told, spent, replace(provider, role=Role.RETURNED), {line: from_spent})
        _move(work, told, unmatched, replace(provider, role=Role.RETURNED), {line: amount_vnd - from_spent})
        if amount_vnd > from_spent:
            _tell_unmatched(work, told, provider.fiscal_year, amount_vnd - from_spent)
    _tell(work, told)


def _post(work: Work, facts: dict[str, Any], kind: str, to: Role) -> None:
    told, provider = _told(work, facts, kind)
    if _done(work, told):
        return
    posted = sum(store.posted(work.connection, told.funds.list_id).values())
    checks.ensure_within(told.funds, posted, told.total_vnd)
    target = replace(provider, role=to, party=provider.party if to is Role.RETURNED else None)
    _move(work, told, provider, target, told.amounts)
    _tell(work, told)


def _told(work: Work, facts: dict[str, Any], kind: str) -> tuple[Told, AccountKey]:
    """The answer, and where the list's money is: the account it was drawn to, or its successor by now."""
    funds = store.funds_of(work.connection, UUID(facts["list_id"]))
    checks.ensure_drawn(funds, "an answer")
    holds = store.holds_of(work.connection, funds.list_id, funds.submission)
    checks.ensure_lines(funds, facts["lines"], {hold.line for hold in holds})
    amounts = {line["line"]: line["amount_vnd"] for line in facts["lines"]}
    (drawn_to,) = ledger_store.keys_of(work.connection, [holds[0].credit_account]).values()
    year = ledger_store.standing_year(work.connection, drawn_to.fiscal_year)
    told = Told(funds, UUID(facts["statement_id"]), facts["chunk"], kind, amounts)
    return told, replace(drawn_to, fiscal_year=year)


def _done(work: Work, told: Told) -> bool:
    before = store.answered(work.connection, told.funds.list_id, told.statement_id, told.chunk, told.kind)
    return checks.posted_before(told.amounts, before)


def _move(work: Work, told: Told, debit: AccountKey, credit: AccountKey, amounts: Mapping[str, int]) -> None:
    """The transfers of an answer between two accounts, and the rows that say which answer led to them."""
    if not any(amounts.values()):
        return
    made = {line: _transfer(work, told, line, debit, credit, vnd) for line, vnd in amounts.items()}
    checks.ensure_accepted(ledger.transfer(work, list(made.values()), [debit, credit]))
    store.add_posts(
        work.connection,
        [
            {
                "transfer_id": one.id,
                "list_id": told.funds.list_id,
                "statement_id": told.statement_id,
                "chunk": told.chunk,
                "line": line,
                "kind": told.kind,
                "amount_vnd": one.amount,
            }
            for line, one in made.items()
        ],
    )


def _transfer(
    work: Work, told: Told, line: str, debit: AccountKey, credit: AccountKey, amount_vnd: int
) -> Transfer:
    day = work.act.business_date
    parts = (told.funds.list_id, told.statement_id, told.chunk, line, told.kind, debit.role)
    return Transfer(
        id=id_of("list-post", *parts),
        debit_account=debit.id,
        credit_account=credit.id,
        amount=Money(amount_vnd),
        kind=Kind.DIRECT,
        effective_on=day,
        period=Period.of(day),
    )


def _tell(work: Work, told: Told) -> None:
    named = (str(told.funds.list_id), str(told.funds.unit_id), str(told.statement_id), told.chunk)
    work.record(FundsPosted(*named, told.kind, told.total_vnd))


def _tell_unmatched(work: Work, told: Told, fiscal_year: int, amount_vnd: int) -> None:
    named = (str(told.funds.list_id), str(told.funds.unit_id), str(told.statement_id), told.chunk)
    work.record(LateReturnUnmatched(*named, fiscal_year, amount_vnd))
