"""Rows of the ledger, written in sets: lock once in order of id, decide, store, move each total once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Row, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.allocation.ledger.model import (
    AccountKey,
    CapitalKind,
    HoldDelta,
    Kind,
    Known,
    OpenHold,
    Outcome,
    Refusal,
    Role,
    TotalsDelta,
    Transfer,
    Verdict,
)
from services.allocation.ledger.tables import accounts, holds, ledger_years, transfer_refusals, transfers
from shared.db.copy import copy_rows
from shared.db.direct import rows_of, run
from shared.db.many import array_of_ids, array_of_numbers, one_of, one_of_named
from shared.kernel.money import Money
from shared.kernel.periods import Period

TRANSFER_COLUMNS = (
    "id",
    "debit_account",
    "credit_account",
    "amount_vnd",
    "kind",
    "effective_on",
    "period",
    "hold_id",
    "decision_line",
    "group_id",
    "reverses",
)

YEAR_LOCK = 0x4C59  # the first half of an advisory key; the second is the fiscal year
KEEP_YEARS_OPEN = """
    SELECT pg_advisory_xact_lock_shared(%(lock)s, y.fiscal_year)
    FROM (SELECT unnest(CAST(%(years)s AS int[])) AS fiscal_year) AS y
    """
YEARS = "SELECT id, fiscal_year FROM accounts WHERE id IN (SELECT unnest(CAST(%(ids)s AS uuid[])))"
YEARS_KEPT_MAX = 200_000
# Of each database, by the number of an account's id, which is made of its year among others.
_years: WeakKeyDictionary[Engine, dict[int, int]] = WeakKeyDictionary()

# The subselects keep PostgreSQL from looking at how many there are, and so from planning each time anew.
MOVE_TOTALS = """
    UPDATE accounts a SET
        debits_posted = a.debits_posted + d.debits_posted,
        credits_posted = a.credits_posted + d.credits_posted,
        debits_pending = a.debits_pending + d.debits_pending,
        credits_pending = a.credits_pending + d.credits_pending
    FROM unnest((SELECT CAST(%(ids)s AS uuid[])), (SELECT CAST(%(dp)s AS bigint[])),
                (SELECT CAST(%(cp)s AS bigint[])), (SELECT CAST(%(dn)s AS bigint[])),
                (SELECT CAST(%(cn)s AS bigint[])))
         AS d(id, debits_posted, credits_posted, debits_pending, credits_pending)
    WHERE a.id = d.id
    """

MOVE_HOLDS = """
    UPDATE holds h SET posted_vnd = h.posted_vnd + d.posted, voided_vnd = h.voided_vnd + d.voided
    FROM unnest(CAST(%(ids)s AS uuid[]), CAST(%(posted)s AS bigint[]), CAST(%(voided)s AS bigint[]))
         AS d(id, posted, voided)
    WHERE h.id = d.id
    """


# Told by the place of its id in the array, as one row of arrays: to read ten thousand rows back takes as long
# as to lock them. Whether its year is closed is asked here, after the year's lock was waited for.
LOCKED = """
    WITH locked AS MATERIALIZED (
        SELECT wanted.place, y.fiscal_year AS closed_year,
               CASE WHEN a.bounded THEN a.credits_posted - a.debits_posted - a.debits_pending END AS available
        FROM unnest(CAST(%(ids)s AS uuid[])) WITH ORDINALITY AS wanted(id, place)
        JOIN accounts a ON a.id = wanted.id
        LEFT JOIN ledger_years y ON y.fiscal_year = a.fiscal_year
        ORDER BY a.id FOR NO KEY UPDATE OF a
    )
    SELECT coalesce(array_agg(place), '{}') AS places, coalesce(array_agg(closed_year), '{}') AS closed_years,
           coalesce(array_agg(available), '{}') AS available
    FROM locked
    """
KNOWN = f"""
    SELECT {", ".join(TRANSFER_COLUMNS)}, NULL AS code, NULL AS message, NULL AS shortfall_vnd
    FROM transfers WHERE id IN (SELECT unnest(CAST(%(ids)s AS uuid[])))
    UNION ALL
    SELECT {", ".join(TRANSFER_COLUMNS)}, code, message, shortfall_vnd
    FROM transfer_refusals WHERE id IN (SELECT unnest(CAST(%(ids)s AS uuid[])))
    """
HELD = select(holds).where(one_of_named(holds.c.id, "ids"))


class Locked(NamedTuple):
    """Accounts that nobody else moves: what each has available, and the closed year of those that have one.

    Shape: None for an unbounded account; an account that was never opened is absent.
    """

    available: dict[UUID, int | None]
    closed_years: dict[UUID, int]


def open_accounts(connection: Connection, keys: Iterable[AccountKey]) -> None:
    """The accounts exist; those that did stay as they are."""
    rows = [
        {
            "id": key.id,
            "fiscal_year": key.fiscal_year,
            "component": key.component,
            "source": key.source,
            "capital_kind": key.capital_kind.value,
            "unit_id": key.unit,
            "role": key.role.value,
            "party": key.party,
            "bounded": key.bounded,
        }
        for key in sorted(set(keys), key=lambda key: key.id)
    ]
    if rows:
        connection.execute(upsert(accounts).on_conflict_do_nothing(index_elements=["id"]), rows)


def open_missing(connection: Connection, keys: Sequence[AccountKey]) -> None:
    """The accounts exist; one look at those that are unknown here is cheaper than to insert each."""
    kept = _kept_years(connection)
    unknown = {id_: key for id_, key in ((key.id, key) for key in keys) if id_.int not in kept}
    if unknown:
        there = _ask_years(connection, unknown)
        open_accounts(connection, [key for id_, key in unknown.items() if id_.int not in there])


def open_and_lock(connection: Connection, ids: Collection[UUID], keys: Sequence[AccountKey]) -> Locked:
    """The accounts, locked as by `lock`; those of the keys are opened before, where they do not exist.

    They are opened before anything is locked, so who waits for an opening holds nothing.
    """
    open_missing(connection, keys)
    locked = lock(connection, ids)
    gone = [key for key in keys if key.id not in locked.available]
    if gone:  # known to this process from an act that was taken back, or from before a restore
        open_accounts(connection, gone)
        locked = lock(connection, ids)
    return locked


def lock(connection: Connection, ids: Iterable[UUID]) -> Locked:
    """The accounts, locked in order of id until the work ends; their years are not closed meanwhile."""
    by_number = {one.int: one for one in ids}
    wanted = [by_number[number] for number in sorted(by_number)]
    years = array_of_numbers(sorted(_years_of(connection, by_number)))
    run(connection, KEEP_YEARS_OPEN, {"lock": YEAR_LOCK, "years": years})
    ((places, closed, left),) = rows_of(connection, LOCKED, {"ids": array_of_ids(wanted)})
    found = [wanted[place - 1] for place in places]
    return Locked(
        dict(zip(found, left, strict=True)),
        {account: year for account, year in zip(found, closed, strict=True) if year is not None},
    )


def _years_of(connection: Connection, ids: Mapping[int, UUID]) -> set[int]:
    """The fiscal years of those accounts that exist; each is asked for once, as it never changes."""
    kept = _kept_years(connection)
    found = {number: kept.get(number) for number in ids}
    if unknown := [ids[number] for number, year in found.items() if year is None]:
        found.update(_ask_years(connection, unknown))
    return {year for year in found.values() if year is not None}


def _ask_years(connection: Connection, ids: Iterable[UUID]) -> dict[int, int]:
    """The fiscal year of each of the accounts that exists, by the number of its id."""
    rows = rows_of(connection, YEARS, {"ids": array_of_ids(ids)})
    asked = {account.int: year for account, year in rows}
    kept = _kept_years(connection)
    if len(kept) > YEARS_KEPT_MAX:
        kept.clear()
    kept.update(asked)
    return asked


def _kept_years(connection: Connection) -> dict[int, int]:
    return _years.setdefault(connection.engine, {})


def open_holds(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, OpenHold]:
    """The holds as they stand; their accounts are locked, so nobody else moves them."""
    if not ids:
        return {}
    rows = connection.execute(HELD, {"ids": array_of_ids(ids)})
    return {
        row.id: OpenHold(
            row.debit_account, row.credit_account, row.amount_vnd, row.posted_vnd, row.voided_vnd
        )
        for row in rows
    }


def known(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Known]:
    """What is stored under the ids: accepted transfers and refused ones."""
    rows = rows_of(connection, KNOWN, {"ids": array_of_ids(ids)})
    return {row.id: Known(to_transfer(row), _refusal(row)) for row in rows}


def keep(
    connection: Connection,
    outcomes: Sequence[Outcome],
    deltas: Mapping[UUID, TotalsDelta],
    hold_deltas: Mapping[UUID, HoldDelta],
    meanwhile: Iterable[object],
) -> None:
    """Store what was decided: transfers and refusals by COPY, holds, and one update per account.

    All steps of `meanwhile` are done too, while the database stores the transfers.
    """
    accepted = [one.transfer for one in outcomes if one.takes_effect]
    rows = map(_row, sorted(accepted, key=lambda one: one.id.int))
    copy_rows(connection, transfers, TRANSFER_COLUMNS, rows, meanwhile)
    refused = [one for one in outcomes if one.to_store and one.verdict is Verdict.REFUSED]
    if refused:
        copy_rows(
            connection,
            transfer_refusals,
            (*TRANSFER_COLUMNS, "code", "message", "shortfall_vnd"),
            ((*_row(one.transfer), *(one.refusal or ())) for one in refused),
        )
    held = [one for one in accepted if one.kind is Kind.HOLD]
    if held:
        copy_rows(
            connection,
            holds,
            ("id", "debit_account", "credit_account", "amount_vnd"),
            ((one.id, one.debit_account, one.credit_account, one.amount) for one in held),
        )
    _move_holds(connection, hold_deltas)
    _move_totals(connection, deltas)


def standing_year(connection: Connection, fiscal_year: int) -> int:
    """Where money of a fiscal year stands now: that year, or the first after it that is not closed.

    The year found stays open until the work ends.
    """
    while True:
        connection.execute(select(func.pg_advisory_xact_lock_shared(YEAR_LOCK, fiscal_year)))
        if fiscal_year not in closed_years(connection):
            return fiscal_year
        fiscal_year += 1


def stop_year(connection: Connection, fiscal_year: int) -> None:
    """Whoever moves money of the year is done, and nobody begins to until this work ends."""
    connection.execute(select(func.pg_advisory_xact_lock(YEAR_LOCK, fiscal_year)))


def closed_years(connection: Connection) -> set[int]:
    """The fiscal years that are closed."""
    return set(connection.scalars(select(ledger_years.c.fiscal_year)))


def transfer(connection: Connection, transfer_id: UUID) -> Row[Any] | None:
    """A stored transfer."""
    return connection.execute(select(transfers).where(transfers.c.id == transfer_id)).one_or_none()


def reversal_of(connection: Connection, transfer_id: UUID) -> Transfer | None:
    """The transfer that brought the money of another one back, where there is one."""
    row = connection.execute(select(transfers).where(transfers.c.reverses == transfer_id)).one_or_none()
    return None if row is None else to_transfer(row)


def refused_reversals(connection: Connection, transfer_id: UUID) -> int:
    """How often the reversal of a transfer was refused."""
    count = select(func.count()).where(transfer_refusals.c.reverses == transfer_id)
    return int(connection.scalar(count) or 0)


def keys_of(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, AccountKey]:
    """What makes each of the accounts."""
    rows = connection.execute(select(accounts).where(one_of(accounts.c.id, ids)))
    return {row.id: to_key(row) for row in rows}


def units_of(connection: Connection, transfer_id: UUID) -> set[UUID]:
    """The units whose accounts a stored transfer moved; none where there is no such transfer."""
    sides = accounts.c.id.in_([transfers.c.debit_account, transfers.c.credit_account])
    rows = connection.scalars(
        select(accounts.c.unit_id)
        .join(transfers, sides)
        .where(transfers.c.id == transfer_id, accounts.c.unit_id.is_not(None))
    )
    return set(rows)


def line_balances(connection: Connection, account: UUID) -> list[tuple[UUID, int]]:
    """What each decision line has put into an account and not yet lost from it, oldest line first."""
    into = func.sum(transfers.c.amount_vnd).filter(
        transfers.c.credit_account == account, transfers.c.kind.in_(["direct", "post"])
    )
    out = func.sum(transfers.c.amount_vnd).filter(
        transfers.c.debit_account == account, transfers.c.kind.in_(["direct", "hold"])
    )
    back = func.sum(transfers.c.amount_vnd).filter(
        transfers.c.debit_account == account, transfers.c.kind == "void"
    )
    left = (func.coalesce(into, 0) - func.coalesce(out, 0) + func.coalesce(back, 0)).label("left")
    rows = connection.execute(
        select(transfers.c.decision_line, left)
        .where(
            transfers.c.decision_line.is_not(None),
            (transfers.c.credit_account == account) | (transfers.c.debit_account == account),
        )
        .group_by(transfers.c.decision_line)
        .having(left > 0)
        .order_by(func.min(transfers.c.number))
    )
    return [(row.decision_line, int(row.left)) for row in rows]


def to_key(row: Row[Any]) -> AccountKey:
    """What makes the account of a row."""
    return AccountKey(
        row.fiscal_year,
        row.component,
        row.source,
        CapitalKind(row.capital_kind),
        row.unit_id,
        Role(row.role),
        row.party,
    )


def to_transfer(row: Row[Any]) -> Transfer:
    """The transfer of a row."""
    return Transfer(
        row.id,
        row.debit_account,
        row.credit_account,
        Money(row.amount_vnd),
        Kind(row.kind),
        row.effective_on,
        Period.parse(row.period),
        row.hold_id,
        row.decision_line,
        row.group_id,
        row.reverses,
    )


def _refusal(row: Row[Any]) -> Refusal | None:
    return None if row.code is None else Refusal(row.code, row.message, row.shortfall_vnd)


def _row(one: Transfer) -> tuple[Any, ...]:
    return (
        one.id,
        one.debit_account,
        one.credit_account,
        one.amount,
        one.kind.value,
        one.effective_on,
        str(one.period),
        one.hold,
        one.decision_line,
        one.group,
        one.reverses,
    )


def _move_totals(connection: Connection, deltas: Mapping[UUID, TotalsDelta]) -> None:
    if deltas:
        changed = list(deltas.items())
        run(
            connection,
            MOVE_TOTALS,
            {
                "ids": array_of_ids(account for account, _ in changed),
                "dp": array_of_numbers(delta.debits_posted for _, delta in changed),
                "cp": array_of_numbers(delta.credits_posted for _, delta in changed),
                "dn": array_of_numbers(delta.debits_pending for _, delta in changed),
                "cn": array_of_numbers(delta.credits_pending for _, delta in changed),
            },
        )


def _move_holds(connection: Connection, deltas: Mapping[UUID, HoldDelta]) -> None:
    if deltas:
        changed = list(deltas.items())
        run(
            connection,
            MOVE_HOLDS,
            {
                "ids": array_of_ids(hold for hold, _ in changed),
                "posted": array_of_numbers(delta.posted for _, delta in changed),
                "voided": array_of_numbers(delta.voided for _, delta in changed),
            },
        )
