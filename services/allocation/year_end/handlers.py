"""Closing a fiscal year: its unfinished business goes on in the next one, in the same unit of work."""

from __future__ import annotations

from typing import Any

from services.allocation.ledger import handlers as ledger
from services.allocation.ledger import store as ledger_store
from services.allocation.ledger.model import Role, Verdict
from services.allocation.year_end import model, store
from services.allocation.year_end.events import YearClosed
from services.allocation.year_end.model import IN_OTHER_HANDS, UNSPENT, Carried
from shared.db.unit_of_work import Work
from shared.kernel.errors import Conflict, Rejected


def close_year(work: Work, fiscal_year: int) -> YearClosed:
    """What was told of the closing: the year takes no more transfers.

    Open holds and money in the hands of others stand in the next year afterwards; unspent money stays.
    Raises: Rejected fiscal_year_invalid, year_not_over, carry_over_refused; Conflict year_closed.
    """
    day = work.act.business_date
    model.ensure_over(fiscal_year, day)
    ledger_store.stop_year(work.connection, fiscal_year)
    if fiscal_year in ledger_store.closed_years(work.connection):
        raise Conflict("year_closed", f"{fiscal_year} is closed already.")
    carried = model.carry(
        fiscal_year,
        store.holds_of(work.connection, fiscal_year),
        store.balances_of(work.connection, fiscal_year, IN_OTHER_HANDS),
        day,
    )
    _move(work, carried)
    left = store.left_in(work.connection, fiscal_year, UNSPENT)
    store.add_year(work.connection, fiscal_year, day, work.act.actor)
    event = YearClosed(
        fiscal_year,
        fiscal_year + 1,
        carried.hold_count,
        _per_role(carried.moved_vnd, "moved_vnd"),
        _per_role(left, "left_vnd"),
    )
    work.record(event)
    return event


def _move(work: Work, carried: Carried) -> None:
    ledger_store.open_accounts(work.connection, carried.accounts)
    size = ledger.BATCH_MAX
    for start in range(0, len(carried.transfers), size):
        for one in ledger.transfer(work, carried.transfers[start : start + size]):
            if one.refusal is not None or one.verdict is not Verdict.ACCEPTED:
                reason = one.refusal.message if one.refusal else one.verdict
                raise Rejected(
                    "carry_over_refused",
                    f"The ledger refused to carry {one.transfer.id}, so the year stays open: {reason}",
                )


def _per_role(sums: dict[Role, int], name: str) -> tuple[dict[str, Any], ...]:
    return tuple({"role": role.value, name: sums[role]} for role in Role if role in sums)
