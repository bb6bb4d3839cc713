"""A decision on money: its lines with their law, its way from draft to issue, and who may move it.

Pure. Validity of law is judged on the business date of the act; money is judged by the ledger.
Source: Law 83/2015/QH13 Arts. 30-32 (who decides, who executes); Decree 75/2021/NĐ-CP Art. 11 (ceilings).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.allocation.ledger.model import AccountKey, CapitalKind, Kind, Role, Transfer
from services.allocation.legal_bases.model import Article
from shared.kernel.approvals import ensure_maker_is_not_checker
from shared.kernel.errors import Conflict, Fault, Rejected
from shared.kernel.ids import id_of
from shared.kernel.money import MAX_VND, Money, grouped
from shared.kernel.periods import Period

LINES_MAX = 5000


class DecisionKind(StrEnum):
    """What a decision does with money."""

    APPROPRIATION = "appropriation"  # money comes into an envelope from its source
    ALLOCATION = "allocation"  # an envelope is divided among units
    SUPPLEMENT = "supplement"  # a unit gets more in the course of the year


class State(StrEnum):
    """Where a decision stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    SENT_BACK = "sent_back"
    APPROVED = "approved"
    ISSUED = "issued"
    WITHDRAWN = "withdrawn"


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.SUBMITTED, State.WITHDRAWN}),
    # approved and sent back by a person who did not prepare it
    State.SUBMITTED: frozenset({State.APPROVED, State.SENT_BACK, State.WITHDRAWN}),
    State.SENT_BACK: frozenset({State.SUBMITTED, State.WITHDRAWN}),
    # issued under number and date of the signed paper
    State.APPROVED: frozenset({State.ISSUED, State.SENT_BACK, State.WITHDRAWN}),
}
TERMINAL = frozenset(State) - TRANSITIONS.keys()


@dataclass(frozen=True, slots=True)
class Line:
    """One line: so much, for a unit or a work, permitted by an article.

    Units: amount_vnd in đồng; `quantity` counts what the article's ceiling is set for.
    """

    id: UUID
    position: int
    label: str
    text: str
    unit_id: UUID | None
    article_id: UUID
    amount_vnd: int
    quantity: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What all lines of a decision share, and the file or the arithmetic they were made from."""

    kind: DecisionKind
    title: str
    fiscal_year: int
    component: str
    source: str
    capital_kind: CapitalKind
    issuing_unit_id: UUID
    demonstration: bool
    document: str | None = None
    arithmetic: str | None = None

    def account(self, role: Role, unit: UUID | None) -> AccountKey:
        """The account of this decision's money in a role, for a unit."""
        return AccountKey(self.fiscal_year, self.component, self.source, self.capital_kind, unit, role)


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision: its header, its lines, and where it stands.

    Shape: `makers` wrote, revised or submitted it; who submitted it last, or rewrote it since, prepared it.
    """

    id: UUID
    header: Header
    state: State
    prepared_by: str
    approved_by: str | None
    version: int
    lines: Sequence[Line]
    makers: Sequence[str] = ()

    @property
    def total_vnd(self) -> int:
        """The sum of its lines, in đồng."""
        return sum(line.amount_vnd for line in self.lines)


class DecisionUnlawful(Rejected):
    """A line of the decision does not rest on the law it names; each fault says which and why."""


def line_id_of(decision_id: UUID, version: int, position: int) -> UUID:
    """The id of a line by its place in the version of the decision that brought it in."""
    return id_of("decision-line", decision_id, version, position)


def ensure_may_become(decision: Decision, state: State) -> None:
    """Nothing, where the decision may go into the state. Raises: Conflict decision_state."""
    following = TRANSITIONS.get(decision.state, frozenset())
    if state not in following:
        ways = ", ".join(sorted(following)) or "nothing more"
        message = f"This decision is {decision.state} and cannot become {state}; it can become {ways}."
        raise Conflict("decision_state", message, state=decision.state, wanted=state)


def with_maker(decision: Decision, actor: str) -> tuple[str, ...]:
    """All who had a hand in a decision, the actor among them."""
    return tuple(dict.fromkeys([*decision.makers, decision.prepared_by, actor]))


def ensure_may_check(decision: Decision, actor: str, state: State) -> None:
    """Nothing, where the actor may approve, send back or issue the decision.

    Raises: Conflict decision_state; Denied maker_is_checker where the actor had a hand in it or approved it.
    """
    ensure_may_become(decision, state)
    makers = [*decision.makers, decision.prepared_by]
    if state is State.ISSUED and decision.approved_by:
        makers.append(decision.approved_by)
    ensure_maker_is_not_checker(makers, actor)


def ensure_lawful(lines: Sequence[Line], articles: Mapping[UUID, Article], on: date) -> None:
    """Nothing, where every line is covered by an article that holds on the day and permits the amount.

    Raises: Rejected lines_missing; DecisionUnlawful with the code of the first fault and all faults.
    """
    if not 1 <= len(lines) <= LINES_MAX:
        raise Rejected("lines_missing", f"A decision has 1 to {LINES_MAX} lines; this one has {len(lines)}.")
    faults = [fault for line in lines for fault in _faults(line, articles.get(line.article_id), on)]
    if faults:
        raise DecisionUnlawful(faults[0].code, faults[0].message, faults)


def transfers(decision: Decision, on: date) -> list[Transfer]:
    """The movements that issuing the decision makes: all of them, or none."""
    group = id_of("decision-transfers", decision.id)
    return [
        Transfer(
            id=id_of("decision-transfer", line.id),
            debit_account=debit.id,
            credit_account=credit.id,
            amount=Money(line.amount_vnd),
            kind=Kind.DIRECT,
            effective_on=on,
            period=Period.of(on),
            decision_line=line.id,
            group=group,
        )
        for line in decision.lines
        for debit, credit in [accounts_of(decision, line)]
    ]


def accounts_of(decision: Decision, line: Line) -> tuple[AccountKey, AccountKey]:
    """From which account to which a line moves its money."""
    header = decision.header
    envelope = header.account(Role.ENVELOPE, header.issuing_unit_id)
    if header.kind is DecisionKind.APPROPRIATION:
        return header.account(Role.SOURCE, None), envelope
    return envelope, header.account(Role.ALLOTMENT, line.unit_id)


def ensure_amounts(amounts: Iterable[int]) -> None:
    """Nothing, where every amount and their sum is 1 to 2^53-1 đồng. Raises: Rejected amount_out_of_range."""
    total = 0
    for amount in amounts:
        total += amount
        if not 1 <= amount <= MAX_VND:
            message = f"{amount} is no amount of a line; it is 1 to {MAX_VND} đồng."
            raise Rejected("amount_out_of_range", message)
    if total > MAX_VND:
        message = f"The lines add up to {total}; a decision is on at most {MAX_VND} đồng."
        raise Rejected("amount_out_of_range", message)


def _faults(line: Line, article: Article | None, on: date) -> list[Fault]:
    if article is None:
        message = f"Dòng {line.position}: the article it rests on is not in the register of legal bases."
        return [_fault(line, "article_unknown", message, "article_id")]
    law = article.instrument
    if law.effective_to is not None and on > law.effective_to:
        message = (
            f"Dòng {line.position}: {article.citation} hết hiệu lực sau ngày {law.effective_to:%d/%m/%Y}, "
            f"không dùng được cho ngày {on:%d/%m/%Y}; chọn văn bản thay thế."
        )
        return [_fault(line, "instrument_lapsed", message, "article_id")]
    if law.effective_from is not None and on < law.effective_from:
        message = (
            f"Dòng {line.position}: {article.citation} có hiệu lực từ ngày {law.effective_from:%d/%m/%Y}, "
            f"chưa dùng được cho ngày {on:%d/%m/%Y}; chọn văn bản có hiệu lực khi đó."
        )
        return [_fault(line, "instrument_not_yet_in_force", message, "article_id")]
    return _ceiling_faults(line, article)


def _ceiling_faults(line: Line, article: Article) -> list[Fault]:
    """Compared without dividing: amount > ceiling x quantity; the price shown is rounded up."""
    if article.ceiling_vnd is None:
        return []
    if line.quantity is None:
        message = (
            f"Dòng {line.position}: {article.citation} đặt mức trần mỗi {article.ceiling_per}; ghi số lượng."
        )
        return [_fault(line, "quantity_missing", message, "quantity")]
    if line.amount_vnd <= article.ceiling_vnd * line.quantity:
        return []
    each = Money(-(-line.amount_vnd // line.quantity))
    message = (
        f"Dòng {line.position}: {grouped(each)} đồng một {article.ceiling_per} vượt mức "
        f"{grouped(Money(article.ceiling_vnd))} đồng của {article.citation}"
    )
    return [_fault(line, "ceiling_exceeded", message, "amount_vnd")]


def _fault(line: Line, code: str, message: str, field: str) -> Fault:
    pointer = f"/lines/{line.position - 1}/{field}"
    return Fault(code, message, pointer=pointer, row=line.position, column=field)
