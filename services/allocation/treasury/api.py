"""Withdrawal requests over HTTP: the Treasury reads them and answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.allocation.treasury import handlers, queries
from services.allocation.treasury.commands import ConfirmWithdrawal, RefuseWithdrawal
from services.allocation.treasury.schemas import (
    ConfirmationSchema,
    RefusalSchema,
    WithdrawalPageSchema,
    WithdrawalSchema,
    WithdrawalsQuery,
)
from shared.web.acting import acts, current_connection, current_principal, current_work, reads
from shared.web.blueprint import Blueprint

blueprint = Blueprint(
    "treasury", __name__, url_prefix="/v1/withdrawals", description="Requests to the Treasury."
)


@blueprint.get("")
@reads("withdrawals.read")
@blueprint.arguments(WithdrawalsQuery, location="query")
@blueprint.response(200, WithdrawalPageSchema)
def list_withdrawals(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of rows
    """Requests to the Treasury for money of units within reach."""
    return queries.withdrawals_of(current_connection(), current_principal(), query)


@blueprint.post("/<uuid:withdrawal_id>/confirmation")
@acts("withdrawals.answer", idempotent=True)
@blueprint.arguments(ConfirmationSchema)
@blueprint.response(200, WithdrawalSchema)
def confirm(body: dict[str, Any], withdrawal_id: UUID) -> Any:  # noqa: ANN401 - a row of withdrawals
    """Say that the money was moved."""
    queries.ensure_may_answer(current_connection(), current_principal(), withdrawal_id)
    return handlers.confirm_withdrawal(current_work(), ConfirmWithdrawal(withdrawal_id, **body))


@blueprint.post("/<uuid:withdrawal_id>/refusal")
@acts("withdrawals.answer", idempotent=True)
@blueprint.arguments(RefusalSchema)
@blueprint.response(200, WithdrawalSchema)
def refuse(body: dict[str, Any], withdrawal_id: UUID) -> Any:  # noqa: ANN401 - a row of withdrawals
    """Say that the money was not moved, and why."""
    queries.ensure_may_answer(current_connection(), current_principal(), withdrawal_id)
    return handlers.refuse_withdrawal(current_work(), RefuseWithdrawal(withdrawal_id, **body))
