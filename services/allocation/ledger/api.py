"""The ledger over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.allocation.ledger import handlers, queries, store
from services.allocation.ledger.model import AccountKey, Outcome, Transfer
from services.allocation.ledger.schemas import (
    AccountPageSchema,
    AccountSchema,
    AccountsQuery,
    BalancesQuery,
    BalancesSchema,
    NewTransfersSchema,
    OutcomeSchema,
    OutcomesSchema,
    ReversalSchema,
    TransferPageSchema,
    TransfersQuery,
)
from services.allocation.units.queries import ensure_reach
from shared.db.unit_of_work import Work
from shared.kernel.money import Money
from shared.kernel.periods import Period
from shared.web.acting import acts, current_connection, current_principal, current_work, reads
from shared.web.blueprint import Blueprint

blueprint = Blueprint("ledger", __name__, url_prefix="/v1", description="Accounts and transfers.")


@blueprint.post("/transfers")
@acts("ledger.transfer", idempotent=True)
@blueprint.arguments(NewTransfersSchema)
@blueprint.response(200, OutcomesSchema)
def transfer(body: dict[str, Any]) -> dict[str, Any]:
    """Move money between accounts; each transfer is accepted or refused for itself, or with its group."""
    work = current_work()
    pairs = [(_key(one.pop("debit")), _key(one.pop("credit")), one) for one in body["transfers"]]
    keys = [key for debit, credit, _ in pairs for key in (debit, credit)]
    _ensure_reach(work, {key.unit for key in keys if key.unit is not None})
    outcomes = handlers.transfer(work, [_transfer(work, *pair) for pair in pairs], keys)
    return {"outcomes": [_shown(one) for one in outcomes]}


@blueprint.post("/transfers/<uuid:transfer_id>/reversal")
@acts("ledger.transfer", idempotent=True)
@blueprint.arguments(ReversalSchema)
@blueprint.response(200, OutcomeSchema)
def reverse(body: dict[str, Any], transfer_id: UUID) -> dict[str, Any]:
    """Reverse a posted transfer, with a reason."""
    work = current_work().because(body["reason"])
    _ensure_reach(work, store.units_of(work.connection, transfer_id))
    return _shown(handlers.reverse(work, transfer_id))


@blueprint.get("/accounts")
@reads("ledger.read")
@blueprint.arguments(AccountsQuery, location="query")
@blueprint.response(200, AccountPageSchema)
def list_accounts(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of rows
    """The accounts of units within reach with what is left in them."""
    return queries.accounts_of(current_connection(), current_principal(), query)


@blueprint.get("/accounts/<uuid:account_id>")
@reads("ledger.read")
@blueprint.response(200, AccountSchema)
def show_account(account_id: UUID) -> Any:  # noqa: ANN401 - a row
    """One account with what is left in it."""
    return queries.account_of(current_connection(), current_principal(), account_id)


@blueprint.get("/balances")
@reads("ledger.read")
@blueprint.arguments(BalancesQuery, location="query")
@blueprint.response(200, BalancesSchema)
def show_balances(query: dict[str, Any]) -> dict[str, Any]:
    """What was allotted, is held, was spent and is left in a year, within the reader's units."""
    connection = current_connection()
    return {
        "fiscal_years": queries.fiscal_years(connection),
        "items": queries.balances(connection, current_principal(), query),
    }


@blueprint.get("/accounts/<uuid:account_id>/transfers")
@reads("ledger.read")
@blueprint.arguments(TransfersQuery, location="query")
@blueprint.response(200, TransferPageSchema)
def list_transfers(query: dict[str, Any], account_id: UUID) -> Any:  # noqa: ANN401 - a page of rows
    """The transfers behind an account's totals."""
    return queries.transfers_of(current_connection(), current_principal(), account_id, query)


def _ensure_reach(work: Work, units: set[UUID]) -> None:
    for unit in units:
        ensure_reach(work.connection, current_principal(), "ledger.transfer", unit, work.act.business_date)


def _key(fields: dict[str, Any]) -> AccountKey:
    return AccountKey(unit=fields.pop("unit_id"), **fields)


def _transfer(work: Work, debit: AccountKey, credit: AccountKey, fields: dict[str, Any]) -> Transfer:
    day = work.act.business_date
    return Transfer(
        id=fields["id"],
        debit_account=debit.id,
        credit_account=credit.id,
        amount=Money(fields["amount_vnd"]),
        kind=fields["kind"],
        effective_on=day,
        period=Period.of(day),
        hold=fields["hold_id"],
        group=fields["group_id"],
    )


def _shown(one: Outcome) -> dict[str, Any]:
    refusal = one.refusal
    return {
        "id": one.transfer.id,
        "verdict": one.verdict.value,
        "exists": one.exists,
        "code": refusal.code if refusal else None,
        "message": refusal.message if refusal else None,
        "shortfall_vnd": refusal.shortfall if refusal else 0,
    }
