"""Taking in the Treasury's answer to a withdrawal request."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from services.allocation.funding import handlers as funding
from services.allocation.funding import store
from services.allocation.funding.events import WithdrawalConfirmed, WithdrawalRefused
from services.allocation.treasury.commands import ConfirmWithdrawal, RefuseWithdrawal
from shared.db.unit_of_work import Work
from shared.kernel.errors import Conflict


def confirm_withdrawal(work: Work, command: ConfirmWithdrawal) -> Row[Any]:
    """The confirmed request; the holds of its list are posted to the provider.

    Raises: NotFound withdrawal_unknown; Conflict withdrawal_answered.
    """
    asked = store.withdrawal(work.connection, command.withdrawal_id)
    _ensure_open(asked)
    store.answer_withdrawal(work.connection, asked, "confirmed", reference=command.reference)
    work.record(
        WithdrawalConfirmed(
            str(asked.id),
            str(asked.list_id),
            asked.submission,
            str(asked.unit_id),
            asked.amount_vnd,
            command.reference,
        )
    )
    funding.draw_funds(work, store.funds_of(work.connection, asked.list_id, asked.submission))
    return store.withdrawal(work.connection, command.withdrawal_id)


def refuse_withdrawal(work: Work, command: RefuseWithdrawal) -> Row[Any]:
    """The refused request; the holds of its list are void.

    Raises: NotFound withdrawal_unknown; Conflict withdrawal_answered.
    """
    asked = store.withdrawal(work.connection, command.withdrawal_id)
    _ensure_open(asked)
    store.answer_withdrawal(work.connection, asked, "refused", reason=command.reason)
    work.record(
        WithdrawalRefused(
            str(asked.id), str(asked.list_id), asked.submission, str(asked.unit_id), command.reason
        )
    )
    funding.void_holds(work, store.funds_of(work.connection, asked.list_id, asked.submission))
    return store.withdrawal(work.connection, command.withdrawal_id)


def _ensure_open(asked: Row[Any]) -> None:
    if asked.state != "requested":
        raise Conflict("withdrawal_answered", f"This request was {asked.state} already.")
