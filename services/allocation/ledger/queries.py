"""Reading balances and the rows behind them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, or_, select

from services.allocation.ledger.tables import accounts, transfers
from shared.web.pages import Page, decode, page

AVAILABLE = (accounts.c.credits_posted - accounts.c.debits_posted - accounts.c.debits_pending).label(
    "available_vnd"
)


def accounts_of(connection: Connection, query: dict[str, Any]) -> Page[RowMapping]:
    """Accounts with totals and what is available, in order of id."""
    wanted = select(accounts, AVAILABLE).order_by(accounts.c.id).limit(query["limit"] + 1)
    for name in ("fiscal_year", "component", "source", "capital_kind", "unit_id", "role", "party"):
        if query[name] is not None:
            wanted = wanted.where(accounts.c[name] == query[name])
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(accounts.c.id > UUID(str(after[0])))
    rows = connection.execute(wanted).mappings().all()
    return page(rows, query["limit"], lambda row: [str(row["id"])])


def transfers_of(connection: Connection, account: UUID, query: dict[str, Any]) -> Page[RowMapping]:
    """The transfers of an account, oldest first."""
    wanted = (
        select(transfers)
        .where(or_(transfers.c.debit_account == account, transfers.c.credit_account == account))
        .order_by(transfers.c.number)
        .limit(query["limit"] + 1)
    )
    after = decode(query["cursor"], int)
    if after is not None:
        wanted = wanted.where(transfers.c.number > int(after[0]))
    rows = connection.execute(wanted).mappings().all()
    return page(rows, query["limit"], lambda row: [row["number"]])
