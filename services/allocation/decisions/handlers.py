"""Writing, revising, submitting, approving, withdrawing and issuing decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.allocation.decisions import model, revision, store
from services.allocation.decisions.commands import (
    ApproveDecision,
    DraftDecision,
    IssueDecision,
    NewLine,
    ReviseDecision,
    SendBackDecision,
    SubmitDecision,
    WithdrawDecision,
)
from services.allocation.decisions.events import (
    DecisionApproved,
    DecisionDrafted,
    DecisionIssued,
    DecisionRevised,
    DecisionSentBack,
    DecisionSubmitted,
    DecisionWithdrawn,
)
from services.allocation.decisions.model import Decision, Line, State
from services.allocation.ledger import handlers as ledger
from services.allocation.ledger.model import Outcome, Verdict
from services.allocation.legal_bases import store as legal_bases
from services.allocation.legal_bases.model import Article
from shared.db.unit_of_work import Work
from shared.journal.recording import Topic, together
from shared.kernel.errors import Fault, Rejected


def draft_decision(work: Work, command: DraftDecision) -> Decision:
    """The stored draft. Raises: Rejected lines_missing, amount_out_of_range."""
    decision, header = _drafted(work, command), command.header
    store.add(work.connection, decision)
    work.record(
        DecisionDrafted(
            decision_id=str(decision.id),
            unit_id=str(header.issuing_unit_id),
            kind=header.kind.value,
            title=header.title,
            fiscal_year=header.fiscal_year,
            component=header.component,
            source=header.source,
            capital_kind=header.capital_kind.value,
            total_vnd=decision.total_vnd,
            line_count=len(decision.lines),
            demonstration=header.demonstration,
            document=header.document,
            arithmetic=header.arithmetic,
        )
    )
    return decision


def ensure_may_be_revised(work: Work, decision_id: UUID) -> None:
    """Nothing, where the decision may be rewritten; so that no file is read for one that may not.

    Raises: Conflict decision_issued, decision_state.
    """
    revision.ensure_may_be_revised(store.load(work.connection, decision_id))


def revise_decision(work: Work, command: ReviseDecision) -> Decision:
    """The decision with another header and other lines, in the state it was in; no approval of it stands.

    Raises: Conflict decision_issued, decision_state; Rejected decision_unchanged, lines_missing,
    amount_out_of_range.
    """
    before = store.load(work.connection, command.decision_id)
    lines = _lines(before.id, before.version + 1, command.lines)
    after = revision.revised(before, command.header, lines, work.act.actor)
    store.rewrite(work.connection, before, after)
    said, says = revision.content_of(before), revision.content_of(after)
    for items in together(revision.contents_of(before.lines)):
        work.record(DecisionRevised(*_named(after), after.version, said, says, items), Topic.TRAIL)
    return after


def withdraw_decision(work: Work, command: WithdrawDecision) -> Decision:
    """The decision, given up by those who made it; it held no money, for only an issue moves any.

    Raises: Conflict decision_issued, decision_state.
    """
    decision = store.load(work.connection, command.decision_id)
    revision.ensure_may_be_withdrawn(decision)
    store.save(work.connection, decision, State.WITHDRAWN)
    work.because(command.reason).record(
        DecisionWithdrawn(*_named(decision), decision.total_vnd, decision.state)
    )
    return store.load(work.connection, decision.id)


def submit_decision(work: Work, command: SubmitDecision) -> Decision:
    """The submitted decision.

    Raises: Conflict decision_state; InstrumentLapsed, CeilingExceeded on the act's business date.
    """
    decision = store.load(work.connection, command.decision_id)
    model.ensure_may_become(decision, State.SUBMITTED)
    model.ensure_lawful(decision.lines, _articles(work, decision), work.act.business_date)
    actor = work.act.actor
    makers = list(model.with_maker(decision, actor))
    store.save(work.connection, decision, State.SUBMITTED, prepared_by=actor, makers=makers, approved_by=None)
    work.record(DecisionSubmitted(*_named(decision), decision.total_vnd))
    return store.load(work.connection, decision.id)


def approve_decision(work: Work, command: ApproveDecision) -> Decision:
    """The approved decision. Raises: Conflict decision_state; Denied maker_is_checker."""
    decision = store.load(work.connection, command.decision_id)
    model.ensure_may_check(decision, work.act.actor, State.APPROVED)
    store.save(work.connection, decision, State.APPROVED, approved_by=work.act.actor)
    work.record(DecisionApproved(*_named(decision), decision.total_vnd))
    return store.load(work.connection, decision.id)


def send_back_decision(work: Work, command: SendBackDecision) -> Decision:
    """The decision, back with the person who prepared it.

    Raises: Conflict decision_state; Denied maker_is_checker.
    """
    decision = store.load(work.connection, command.decision_id)
    model.ensure_may_check(decision, work.act.actor, State.SENT_BACK)
    store.save(work.connection, decision, State.SENT_BACK, approved_by=None)
    work.because(command.reason).record(DecisionSentBack(*_named(decision)))
    return store.load(work.connection, decision.id)


def issue_decision(work: Work, command: IssueDecision) -> Decision:
    """The issued decision; the ledger has moved the money of all its lines, or of none.

    Validity is judged on the date of issue.
    Raises: Conflict decision_state; Denied maker_is_checker; InstrumentLapsed; CeilingExceeded;
    Rejected funds_insufficient, naming what is missing.
    """
    decision = store.load(work.connection, command.decision_id)
    model.ensure_may_check(decision, work.act.actor, State.ISSUED)
    articles = _articles(work, decision)
    model.ensure_lawful(decision.lines, articles, command.issued_on)
    _move_money(work, decision, command)
    store.save(
        work.connection,
        decision,
        State.ISSUED,
        issued_by=work.act.actor,
        number=command.number,
        issued_on=command.issued_on,
    )
    work.record_many(_issued(decision, command, articles))
    return store.load(work.connection, decision.id)


def _drafted(work: Work, command: DraftDecision) -> Decision:
    return Decision(
        id=command.decision_id,
        header=command.header,
        state=State.DRAFT,
        prepared_by=work.act.actor,
        approved_by=None,
        version=1,
        lines=_lines(command.decision_id, 1, command.lines),
        makers=(work.act.actor,),
    )


def _lines(decision_id: UUID, version: int, given: Sequence[NewLine]) -> list[Line]:
    """The lines of a version of a decision. Raises: Rejected lines_missing, amount_out_of_range."""
    model.ensure_amounts(line.amount_vnd for line in given)
    if not given:
        raise Rejected("lines_missing", "A decision needs at least one line.")
    return [
        Line(
            id=model.line_id_of(decision_id, version, position),
            position=position,
            label=line.label,
            text=line.text,
            unit_id=line.unit_id,
            article_id=line.article_id,
            amount_vnd=line.amount_vnd,
            quantity=line.quantity,
            note=line.note,
        )
        for position, line in enumerate(given, 1)
    ]


def _move_money(work: Work, decision: Decision, command: IssueDecision) -> None:
    keys = [key for line in decision.lines for key in model.accounts_of(decision, line)]
    outcomes = ledger.transfer(work, model.transfers(decision, command.issued_on), keys)
    refused = [one for one in outcomes if one.verdict is not Verdict.ACCEPTED]
    if refused:
        raise _insufficient(refused)


def _insufficient(refused: Sequence[Outcome]) -> Rejected:
    missing = sum(one.refusal.shortfall for one in refused if one.refusal)
    faults = [Fault(one.refusal.code, one.refusal.message) for one in refused if one.refusal]
    message = f"The envelope lacks {missing} đồng for this decision."
    return Rejected("funds_insufficient", message, faults, missing_vnd=missing)


def _articles(work: Work, decision: Decision) -> dict[UUID, Article]:
    return legal_bases.find(work.connection, {line.article_id for line in decision.lines})


def _named(decision: Decision) -> tuple[str, str, str]:
    return str(decision.id), str(decision.header.issuing_unit_id), decision.header.title


def _issued(
    decision: Decision, command: IssueDecision, articles: Mapping[UUID, Article]
) -> list[DecisionIssued]:
    items = [_item(decision, line, articles[line.article_id]) for line in decision.lines]
    return [
        DecisionIssued(
            decision_id=str(decision.id),
            unit_id=str(decision.header.issuing_unit_id),
            kind=decision.header.kind.value,
            title=decision.header.title,
            number=command.number,
            issued_on=command.issued_on.isoformat(),
            fiscal_year=decision.header.fiscal_year,
            total_vnd=decision.total_vnd,
            demonstration=decision.header.demonstration,
            items=some,
        )
        for some in together(items)
    ]


def _item(decision: Decision, line: Line, article: Article) -> dict[str, Any]:
    return {
        "line_id": str(line.id),
        "unit_id": str(line.unit_id) if line.unit_id else None,
        "label": line.label,
        "text": line.text,
        "article_id": str(line.article_id),
        "instrument_id": str(article.instrument.id),
        "purpose": article.purpose,
        "component": decision.header.component,
        "source": decision.header.source,
        "capital_kind": decision.header.capital_kind.value,
        "amount_vnd": line.amount_vnd,
    }
