"""What stands in a year that is about to close, and the row that says it is closed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, func, insert, or_, select

from services.allocation.ledger import store as ledger
from services.allocation.ledger.model import Role
from services.allocation.ledger.tables import accounts, holds, ledger_years, transfers
from services.allocation.year_end.model import Balance, StandingHold
from shared.kernel.periods import Period

BALANCE = accounts.c.credits_posted - accounts.c.debits_posted
OPEN = holds.c.amount_vnd - holds.c.posted_vnd - holds.c.voided_vnd


def holds_of(connection: Connection, fiscal_year: int) -> list[StandingHold]:
    """The open holds from or to an account of the year, oldest first."""
    of_year = select(accounts.c.id).where(accounts.c.fiscal_year == fiscal_year)
    rows = connection.execute(
        select(
            holds.c.id,
            holds.c.debit_account,
            holds.c.credit_account,
            OPEN.label("open_vnd"),
            transfers.c.period,
            transfers.c.decision_line,
        )
        .join(transfers, transfers.c.id == holds.c.id)
        .where(OPEN > 0, or_(holds.c.debit_account.in_(of_year), holds.c.credit_account.in_(of_year)))
        .order_by(transfers.c.number)
    ).all()
    keys = ledger.keys_of(
        connection, {id_ for row in rows for id_ in (row.debit_account, row.credit_account)}
    )
    return [
        StandingHold(
            row.id,
            keys[row.debit_account],
            keys[row.credit_account],
            row.open_vnd,
            Period.parse(row.period),
            row.decision_line,
        )
        for row in rows
    ]


def balances_of(connection: Connection, fiscal_year: int, roles: Iterable[Role]) -> list[Balance]:
    """What was received in the accounts of some roles and not passed on, in order of account."""
    rows = connection.execute(
        select(accounts, BALANCE.label("balance_vnd"))
        .where(accounts.c.fiscal_year == fiscal_year, accounts.c.role.in_(list(roles)), BALANCE > 0)
        .order_by(accounts.c.id)
    )
    return [Balance(ledger.to_key(row), row.balance_vnd) for row in rows]


def left_in(connection: Connection, fiscal_year: int, roles: Iterable[Role]) -> dict[Role, int]:
    """What stands in the accounts of some roles, per role."""
    rows = connection.execute(
        select(accounts.c.role, func.sum(BALANCE).label("left_vnd"))
        .where(accounts.c.fiscal_year == fiscal_year, accounts.c.role.in_(list(roles)))
        .group_by(accounts.c.role)
        .having(func.sum(BALANCE) > 0)
    )
    return {Role(row.role): int(row.left_vnd) for row in rows}


def add_year(connection: Connection, fiscal_year: int, on: date, by: str) -> None:
    """The year is closed."""
    connection.execute(insert(ledger_years).values(fiscal_year=fiscal_year, closed_on=on, closed_by=by))


def existing_holds(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    """Debit and credit account of each of the holds that exist."""
    rows = connection.execute(select(holds).where(holds.c.id.in_(list(ids))))
    return {row.id: (row.debit_account, row.credit_account) for row in rows}
