"""What providers answered moves the money of a list: to spent, to returned, and back from spent.

A statement brings hundreds of answers, so what was settled and what was returned is taken by the batch: each
answer is judged after those before it, and their transfers are one batch of the ledger.
A return after settlement is taken back in the open period; what was spent in a year that is closed by now
stands as unmatched until somebody has explained it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from services.allocation.funding import checks, store
from services.allocation.funding.events import FundsPosted, LateReturnUnmatched
from services.allocation.ledger import handlers as ledger
from services.allocation.ledger import store as ledger_store
from services.allocation.ledger.model import AccountKey, Kind, Role, Transfer
from shared.db.unit_of_work import Work, record_together
from shared.inbox.handling import Caused, Together
from shared.journal.envelope import Envelope
from shared.journal.recording import draft
from shared.kernel.ids import id_of
from shared.kernel.money import Money
from shared.kernel.periods import Period

SETTLED = "vn.fundtrail.payments.settled.v1"
RETURNED = "vn.fundtrail.payments.returned.v1"
KINDS = {SETTLED: ("settled", Role.SPENT), RETURNED: ("returned", Role.RETURNED)}
Answered = tuple[UUID, int, str]
"""Statement, chunk and kind of an answer."""
SPOKEN_FOR = frozenset({"settled", "returned"})  # a late return was counted when it was settled


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

    @property
    def answer(self) -> Answered:
        """What makes the answer: told again, it is the same."""
        return self.statement_id, self.chunk, self.kind


@dataclass(frozen=True, slots=True)
class ListStanding:
    """A drawn list: its lines, where its money is - the account it was drawn to, or its successor by now -
    and what was answered for it so far, in đồng by answer and line.
    """

    funds: Row[Any]
    lines: frozenset[str]
    provider: AccountKey
    answers: dict[Answered, dict[str, int]]

    def spoken_for_vnd(self) -> int:
        """The sum of what was settled and of what was returned, in đồng."""
        some = [lines for (_, _, kind), lines in self.answers.items() if kind in SPOKEN_FOR]
        return sum(sum(lines.values()) for lines in some)


class Standing:
    """Lists as a batch of answers finds them and leaves them; each is asked for once."""

    def __init__(self, work: Work) -> None:
        self._connection = work.connection
        self._lists: dict[UUID, ListStanding] = {}

    def of(self, list_id: UUID) -> ListStanding:
        """A list, locked until the work ends. Raises: NotFound funds_unknown; Rejected list_not_drawn."""
        if list_id not in self._lists:
            self._lists[list_id] = _standing(self._connection, list_id)
        return self._lists[list_id]


@dataclass(frozen=True, slots=True)
class Movement:
    """What one answer moves: its transfers by line, and the accounts between which they go."""

    work: Work
    told: Told
    made: Mapping[str, Transfer]
    accounts: tuple[AccountKey, AccountKey]


def _post_answers(caused: Sequence[Caused]) -> None:
    """What was paid out moves from the provider to spent; what found no payee to its returned money.

    Idempotent per statement and chunk. Raises: Rejected list_not_drawn, list_lines, amount_invalid,
    list_exceeded; Conflict answer_differs.
    """
    standing = Standing(caused[0].work)
    movements = [found for one in caused if (found := _movement(standing, *one)) is not None]
    if not movements:
        return
    accounts = list(dict.fromkeys(key for one in movements for key in one.accounts))
    asked = [(one.work, list(one.made.values())) for one in movements]
    checks.ensure_accepted(ledger.transfer_together(asked, accounts))
    store.add_posts(caused[0].work.connection, [row for one in movements for row in _post_rows(one)])
    record_together([(one.work, draft(_posted(one.told))) for one in movements])


post_answers = Together(_post_answers)
"""What providers settled and returned, ready for the next hold."""


def post_returned_late(work: Work, item: Envelope) -> None:
    """What had counted as paid and came back moves from spent to the provider's returned money.

    What was spent in a year closed since comes out of unmatched, and that is told.
    Raises: Rejected late_return_exceeds_settled.
    """
    facts = item.payload()
    found = _standing(work.connection, UUID(facts["list_id"]))
    told, provider = _told(found, facts, "returned_late"), found.provider
    if checks.posted_before(told.amounts, found.answers.get(told.answer, {})):
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
    work.record(_posted(told))


def _standing(connection: Connection, list_id: UUID) -> ListStanding:
    funds = store.funds_of(connection, list_id)
    checks.ensure_drawn(funds, "an answer")
    holds = store.holds_of(connection, list_id, funds.submission)
    (drawn_to,) = ledger_store.keys_of(connection, [holds[0].credit_account]).values()
    year = ledger_store.standing_year(connection, drawn_to.fiscal_year)
    return ListStanding(
        funds,
        frozenset(hold.line for hold in holds),
        replace(drawn_to, fiscal_year=year),
        store.answers_of(connection, list_id),
    )


def _movement(standing: Standing, work: Work, item: Envelope) -> Movement | None:
    """What an answer moves, which now counts among those before the next one; None where it was posted."""
    facts = item.payload()
    kind, to = KINDS[item.type]
    found = standing.of(UUID(facts["list_id"]))
    told = _told(found, facts, kind)
    if checks.posted_before(told.amounts, found.answers.get(told.answer, {})):
        return None
    checks.ensure_within(found.funds, found.spoken_for_vnd(), told.total_vnd)
    found.answers[told.answer] = dict(told.amounts)
    target = replace(found.provider, role=to, party=found.provider.party if to is Role.RETURNED else None)
    made = {
        line: _transfer(work, told, line, found.provider, target, amount_vnd)
        for line, amount_vnd in told.amounts.items()
    }
    return Movement(work, told, made, (found.provider, target))


def _told(found: ListStanding, facts: dict[str, Any], kind: str) -> Told:
    checks.ensure_lines(found.funds, facts["lines"], found.lines)
    amounts = {line["line"]: line["amount_vnd"] for line in facts["lines"]}
    return Told(found.funds, UUID(facts["statement_id"]), facts["chunk"], kind, amounts)


def _move(work: Work, told: Told, debit: AccountKey, credit: AccountKey, amounts: Mapping[str, int]) -> None:
    """The transfers of an answer between two accounts, and the rows that say which answer led to them."""
    if not any(amounts.values()):
        return
    made = {line: _transfer(work, told, line, debit, credit, vnd) for line, vnd in amounts.items()}
    checks.ensure_accepted(ledger.transfer(work, list(made.values()), [debit, credit]))
    store.add_posts(work.connection, _post_rows(Movement(work, told, made, (debit, credit))))


def _post_rows(moved: Movement) -> list[dict[str, Any]]:
    return [
        {
            "transfer_id": one.id,
            "list_id": moved.told.funds.list_id,
            "statement_id": moved.told.statement_id,
            "chunk": moved.told.chunk,
            "line": line,
            "kind": moved.told.kind,
            "amount_vnd": one.amount,
        }
        for line, one in moved.made.items()
    ]


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


def _posted(told: Told) -> FundsPosted:
    named = (str(told.funds.list_id), str(told.funds.unit_id), str(told.statement_id), told.chunk)
    return FundsPosted(*named, told.kind, told.total_vnd)


def _tell_unmatched(work: Work, told: Told, fiscal_year: int, amount_vnd: int) -> None:
    named = (str(told.funds.list_id), str(told.funds.unit_id), str(told.statement_id), told.chunk)
    work.record(LateReturnUnmatched(*named, fiscal_year, amount_vnd))
