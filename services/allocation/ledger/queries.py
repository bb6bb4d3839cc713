"""Reading balances and the rows behind them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, RowMapping, case, or_, select, text

from services.allocation.ledger.model import Role
from services.allocation.ledger.standing import Standing
from services.allocation.ledger.tables import accounts, transfers
from services.allocation.units.reach import ensure_reach_in, foreign, forests, reach_of, years_of
from shared.kernel.errors import NotFound
from shared.kernel.principals import Principal
from shared.web.pages import Page, decode, page

READ = "ledger.read"
OTHER = ("id", "role", "unit_id", "party", "fiscal_year")
FIGURES = ("undivided", "allotted", "held", "spent", "left", "unmatched", "carried", "cancelled")

# What the accounts of a year come to: by the part of the units that each stands in, or by programme.
SUMS = """
    WITH counted AS (
        SELECT
            CASE WHEN :by_unit THEN NULL ELSE a.component END AS component,
            CASE WHEN :by_unit THEN NULL ELSE a.source END AS source,
            CASE WHEN :by_unit THEN NULL ELSE a.capital_kind END AS capital_kind,
            m.part,
            a.role,
            sum(a.credits_posted - a.debits_posted) AS balance,
            sum(a.debits_pending) FILTER (WHERE a.role IN ('allotment', 'returned')) AS promised
        FROM accounts a
        JOIN unnest(CAST(:units AS uuid[]), CAST(:parts AS uuid[])) AS m (unit_id, part)
            ON m.unit_id = a.unit_id
        WHERE a.fiscal_year = :year
            AND (CAST(:component AS text) IS NULL OR a.component = :component)
            AND (CAST(:source AS text) IS NULL OR a.source = :source)
            AND (CAST(:capital_kind AS text) IS NULL OR a.capital_kind = :capital_kind)
        GROUP BY 1, 2, 3, 4, 5
    )
    SELECT component, source, capital_kind, part,
        jsonb_object_agg(role, balance) AS balance, coalesce(sum(promised), 0) AS promised
    FROM counted GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""

AVAILABLE = (accounts.c.credits_posted - accounts.c.debits_posted - accounts.c.debits_pending).label(
    "available_vnd"
)


def accounts_of(connection: Connection, principal: Principal, query: dict[str, Any]) -> Page[RowMapping]:
    """The accounts that the principal may read of with totals and what is available, in order of id."""
    year = query["fiscal_year"]
    reach = reach_of(connection, principal, READ, fiscal_years(connection) if year is None else [year])
    wanted = select(accounts, AVAILABLE).where(reach.of(accounts.c.fiscal_year, accounts.c.unit_id))
    wanted = wanted.order_by(accounts.c.id).limit(query["limit"] + 1)
    for name in ("fiscal_year", "component", "source", "capital_kind", "unit_id", "role", "party"):
        if query[name] is not None:
            wanted = wanted.where(accounts.c[name] == query[name])
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(accounts.c.id > UUID(str(after[0])))
    rows = connection.execute(wanted).mappings().all()
    return page(rows, query["limit"], lambda row: [str(row["id"])])


def transfers_of(
    connection: Connection, principal: Principal, account: UUID, query: dict[str, Any]
) -> Page[dict[str, Any]]:
    """The transfers of an account, oldest first, each with whether the account at its other end may be read.

    Raises: NotFound account_unknown; Denied unit_foreign.
    """
    after = decode(query["cursor"], int)
    account_of(connection, principal, account)
    at_other_end = case(
        (transfers.c.debit_account == account, transfers.c.credit_account), else_=transfers.c.debit_account
    )
    wanted = (
        select(transfers, *(accounts.c[name].label(f"other_{name}") for name in OTHER))
        .join(accounts, accounts.c.id == at_other_end)
        .where(or_(transfers.c.debit_account == account, transfers.c.credit_account == account))
        .order_by(transfers.c.number)
        .limit(query["limit"] + 1)
    )
    if after is not None:
        wanted = wanted.where(transfers.c.number > int(after[0]))
    found = connection.execute(wanted).mappings().all()
    reach = reach_of(connection, principal, READ, (row["other_fiscal_year"] for row in found))
    rows = [
        {
            **row,
            "other": {name: row[f"other_{name}"] for name in OTHER}
            | {"readable": reach.covers(row["other_fiscal_year"], row["other_unit_id"])},
        }
        for row in found
    ]
    return page(rows, query["limit"], lambda row: [row["number"]])


def account_of(connection: Connection, principal: Principal, account: UUID) -> RowMapping:
    """One account with its totals. Raises: NotFound account_unknown; Denied unit_foreign."""
    found = connection.execute(select(accounts, AVAILABLE).where(accounts.c.id == account)).mappings()
    row = found.one_or_none()
    if row is None:
        raise NotFound("account_unknown", f"There is no account {account}.")
    ensure_reach_in(connection, principal, READ, row["fiscal_year"], row["unit_id"])
    return row


def balances(connection: Connection, principal: Principal, query: dict[str, Any]) -> list[dict[str, Any]]:
    """How the money of a year stands, within the units that the principal may read of, in one question.

    Raises: Denied unit_foreign, where a unit is asked for that is not among them.
    """
    year, unit = query["fiscal_year"], query["unit_id"]
    forest = forests(connection, [year])[year]
    reach = forest.below([UUID(one) for one in principal.units_for(READ)])
    if unit is not None and unit not in reach:
        raise foreign(READ)
    wanted = forest.below([unit]) if unit else reach
    if query["by"] == "programme":
        return [_balance(row, None, wanted) for row in _summed(connection, query, dict.fromkeys(wanted))]
    parts = forest.parts(unit) if unit else forest.tops(wanted)
    rows = _summed(connection, query, parts)
    return [_balance(row, unit, forest.children) for row in rows]


def fiscal_years(connection: Connection) -> list[int]:
    """The years of which there are accounts, the newest first."""
    return years_of(connection, accounts.c.fiscal_year)


def _summed(
    connection: Connection, query: dict[str, Any], parts: Mapping[UUID, UUID | None]
) -> Sequence[Row[Any]]:
    """What the accounts of units come to, by the part that each counts for, or by programme."""
    return connection.execute(
        text(SUMS),
        {
            "year": query["fiscal_year"],
            "component": query["component"],
            "source": query["source"],
            "capital_kind": query["capital_kind"],
            "by_unit": query["by"] == "unit",
            "units": list(parts),
            "parts": list(parts.values()),
        },
    ).all()


def _balance(row: Row[Any], unit: UUID | None, below: Collection[UUID]) -> dict[str, Any]:
    standing = Standing({Role(role): int(sum_) for role, sum_ in row.balance.items()}, int(row.promised))
    figures = {f"{name}_vnd": getattr(standing, name) for name in FIGURES}
    alone = unit is not None and row.part == unit
    return {
        "component": row.component,
        "source": row.source,
        "capital_kind": row.capital_kind,
        "unit_id": row.part,
        "alone": alone,
        "parts": not alone and (row.part is None or row.part in below),
        **figures,
    }
