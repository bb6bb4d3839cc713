"""Reading balances and the rows behind them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, RowMapping, case, or_, select, text

from services.allocation.ledger.model import Role
from services.allocation.ledger.standing import Forest, Link, Standing
from services.allocation.ledger.tables import accounts, transfers
from services.allocation.units.tables import unit_parents
from shared.kernel.errors import Denied, NotFound
from shared.kernel.principals import Principal
from shared.web.pages import Page, decode, page

OTHER = ("id", "role", "unit_id", "party")
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


def transfers_of(connection: Connection, account: UUID, query: dict[str, Any]) -> Page[dict[str, Any]]:
    """The transfers of an account, oldest first."""
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
    after = decode(query["cursor"], int)
    if after is not None:
        wanted = wanted.where(transfers.c.number > int(after[0]))
    rows = [
        {**dict(row), "other": {name: row[f"other_{name}"] for name in OTHER}}
        for row in connection.execute(wanted).mappings()
    ]
    return page(rows, query["limit"], lambda row: [row["number"]])


def account_of(connection: Connection, account: UUID) -> RowMapping:
    """One account with its totals. Raises: NotFound account_unknown."""
    found = connection.execute(select(accounts, AVAILABLE).where(accounts.c.id == account)).mappings()
    row = found.one_or_none()
    if row is None:
        raise NotFound("account_unknown", f"There is no account {account}.")
    return row


def balances(connection: Connection, principal: Principal, query: dict[str, Any]) -> list[dict[str, Any]]:
    """How the money of a year stands, within the units that the principal may read of, in one question.

    Raises: Denied unit_foreign, where a unit is asked for that is not among them.
    """
    year, unit = query["fiscal_year"], query["unit_id"]
    forest = _forest(connection, year)
    reach = forest.below([UUID(one) for one in principal.units_for("ledger.read")])
    if unit is not None and unit not in reach:
        raise Denied("unit_foreign", "ledger.read is not held for this unit; an administrator can give it.")
    wanted = forest.below([unit]) if unit else reach
    if query["by"] == "programme":
        return [_balance(row, None, wanted) for row in _summed(connection, query, dict.fromkeys(wanted))]
    parts = forest.parts(unit) if unit else forest.tops(wanted)
    rows = _summed(connection, query, parts)
    return [_balance(row, unit, forest.children) for row in rows]


def fiscal_years(connection: Connection) -> list[int]:
    """The years of which there are accounts, the newest first."""
    year = accounts.c.fiscal_year
    return list(connection.scalars(select(year).distinct().order_by(year.desc())))


def _forest(connection: Connection, year: int) -> Forest:
    """The units of a year, each under what it stood under last in it."""
    rows = connection.execute(
        select(unit_parents.c.unit_id, unit_parents.c.parent_id)
        .where(
            unit_parents.c.valid_from <= date(year, 12, 31),
            or_(unit_parents.c.valid_to.is_(None), unit_parents.c.valid_to >= date(year, 1, 1)),
        )
        .order_by(unit_parents.c.valid_from)
    )
    last = {row.unit_id: row.parent_id for row in rows}
    return Forest.of(Link(unit, parent) for unit, parent in last.items())


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
