"""Submitting, approving and withdrawing lists; taking in what allocation answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.beneficiaries.lists import model, store
from services.beneficiaries.lists.commands import ApproveList, SendBackList, SubmitList, WithdrawList
from services.beneficiaries.lists.events import (
    ListApproved,
    ListSentBack,
    ListSubmitted,
    ListWithdrawalRequested,
)
from services.beneficiaries.lists.model import LINE, PaymentList, State
from shared.db.unit_of_work import Work
from shared.jobs.runner import enqueue
from shared.journal.envelope import Envelope
from shared.kernel.errors import Conflict, Rejected
from shared.kernel.ids import id_of

INSTRUCT = "instruct_list"


def submit_list(work: Work, command: SubmitList) -> PaymentList:
    """The list with a new submission number and the hash of its content.

    Raises: NotFound list_unknown; Conflict list_state; Rejected list_empty.
    """
    found = store.load(work.connection, command.list_id)
    model.ensure_may_become(found, State.SUBMITTED)
    if found.payment_count == 0:
        raise Rejected("list_empty", "A list without payments cannot be submitted.")
    content = model.content_hash(store.content(work.connection, found.id))
    store.save(
        work.connection,
        found,
        State.SUBMITTED,
        submission=found.submission + 1,
        content_sha256=content,
        prepared_by=work.act.actor,
        approved_by=None,
        refusal=None,
    )
    submitted = store.load(work.connection, found.id)
    work.record(ListSubmitted(**_facts(submitted)))
    return submitted


def approve_list(work: Work, command: ApproveList) -> PaymentList:
    """The approved list; allocation holds its funds next.

    Raises: Denied maker_is_checker; Conflict list_state, content_differs.
    """
    found = store.load(work.connection, command.list_id)
    model.ensure_may_approve(found, work.act.actor)
    if command.content_sha256 != found.content_sha256:
        raise Conflict(
            "content_differs", "The list is not the one you saw; read it again before you approve it."
        )
    store.save(
        work.connection, found, State.APPROVED, approved_by=work.act.actor, approved_on=work.act.business_date
    )
    work.record(ListApproved(**_facts(found)))
    return store.load(work.connection, found.id)


def send_back_list(work: Work, command: SendBackList) -> PaymentList:
    """The list, back with the officer who prepared it.

    Raises: Conflict list_state; Denied maker_is_checker.
    """
    found = store.load(work.connection, command.list_id)
    model.ensure_may_approve(found, work.act.actor)
    store.save(work.connection, found, State.COMPUTED, refusal={"reason": command.reason})
    work.because(command.reason).record(ListSentBack(str(found.id), found.submission, str(found.unit_id)))
    return store.load(work.connection, found.id)


def withdraw_list(work: Work, command: WithdrawList) -> PaymentList:
    """The list, waiting for allocation to say whether it is not too late. Raises: Conflict list_state."""
    found = store.load(work.connection, command.list_id)
    model.ensure_may_become(found, State.WITHDRAWING)
    store.save(work.connection, found, State.WITHDRAWING)
    event = ListWithdrawalRequested(str(found.id), found.submission, str(found.unit_id))
    work.because(command.reason).record(event)
    return store.load(work.connection, found.id)


def funds_held(work: Work, item: Envelope) -> None:
    """The money of a list is held."""
    _answer(work, item.payload(), State.HELD)


def funds_refused(work: Work, item: Envelope) -> None:
    """The money of a list is not there; the shortfall is kept for the officer to see."""
    facts = item.payload()
    _answer(work, facts, State.REFUSED, refusal={"code": "funds_refused", "lines": facts["lines"]})


def funds_drawn(work: Work, item: Envelope) -> None:
    """The money of a list is in the provider's hands; its payments are instructed by a job."""
    facts = item.payload()
    found = _answer(work, facts, State.DRAWN)
    if found is not None:
        job_id = id_of("job", INSTRUCT, found.id, found.submission)
        enqueue(work, INSTRUCT, {"list_id": str(found.id)}, job_id)


def funds_voided(work: Work, item: Envelope) -> None:
    """The holds of a list are void: it was withdrawn in time, or the Treasury refused."""
    facts = item.payload()
    found = store.load(work.connection, UUID(facts["list_id"]))
    withdrawn = found.state in {State.WITHDRAWING, State.WITHDRAWN}
    state, other = (State.WITHDRAWN, store.OTHER_CONTENT) if withdrawn else (State.REFUSED, {})
    _answer(work, facts, state, refusal={"code": "funds_voided"}, **other)


def withdrawal_too_late(work: Work, item: Envelope) -> None:
    """The list cannot be had back; where its money was drawn meanwhile, that has moved it on already."""
    facts = item.payload()
    found = store.load(work.connection, UUID(facts["list_id"]))
    if found.state is State.WITHDRAWING and found.submission == facts["submission"]:
        store.save(work.connection, found, State.HELD)


def list_closed(work: Work, item: Envelope) -> None:
    """The ledger agrees with the list's sums; the list is closed for good."""
    found = store.load(work.connection, UUID(item.payload()["list_id"]))
    if model.ensure_may_take(found, State.CLOSED):
        store.save(work.connection, found, State.CLOSED, refusal=None)


def close_refused(work: Work, item: Envelope) -> None:
    """The ledger does not agree yet; the list stays open and shows why."""
    facts = item.payload()
    found = store.load(work.connection, UUID(facts["list_id"]))
    if found.state in {State.INSTRUCTED, State.CLOSED}:
        return  # told again: the list is open already, or the ledger has agreed since
    model.ensure_may_become(found, State.INSTRUCTED)
    store.save(
        work.connection, found, State.INSTRUCTED, refusal={"code": "close_refused", "reason": facts["reason"]}
    )


def _answer(work: Work, facts: dict[str, Any], state: State, **changed: Any) -> PaymentList | None:  # noqa: ANN401
    found = store.load(work.connection, UUID(facts["list_id"]))
    if found.submission != facts["submission"]:
        return None  # the answer to an earlier submission: the list has moved on since
    if not model.ensure_may_take(found, state):
        return None
    store.save(work.connection, found, state, **changed)
    return found


def _facts(found: PaymentList) -> dict[str, Any]:
    return {
        "list_id": str(found.id),
        "submission": found.submission,
        "period": str(found.period),
        "fiscal_year": found.period.fiscal_year,
        "unit_id": str(found.unit_id),
        "provider": found.provider,
        "channel": found.channel,
        "payment_count": found.payment_count,
        "total_vnd": found.total_vnd,
        "content_sha256": found.content_sha256 or "",
        "lines": ({"line": LINE, "purpose": LINE, "amount_vnd": found.total_vnd},),
    }
