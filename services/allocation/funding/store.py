"""Rows of the money of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, case, func, insert, select, update

from services.allocation.funding.model import ListMoney, Part
from services.allocation.funding.tables import list_funds, list_holds, list_posts, withdrawals
from services.allocation.ledger.model import Transfer
from services.allocation.ledger.tables import transfers
from shared.kernel.errors import NotFound


def add_funds(connection: Connection, money: ListMoney, state: str) -> None:
    """Store what a list asked for and what became of it."""
    connection.execute(
        insert(list_funds).values(
            list_id=money.list_id,
            submission=money.submission,
            period=str(money.period),
            fiscal_year=money.fiscal_year,
            unit_id=money.unit_id,
            provider=money.provider,
            total_vnd=money.amount_vnd,
            state=state,
        )
    )


def add_holds(
    connection: Connection, money: ListMoney, parts: Sequence[Part], made: Sequence[Transfer]
) -> None:
    """Store which holds make up a list."""
    connection.execute(
        insert(list_holds),
        [
            {
                "hold_id": transfer.id,
                "list_id": money.list_id,
                "submission": money.submission,
                "line": money.line,
                "origin": part.origin.value,
                "debit_account": transfer.debit_account,
                "credit_account": transfer.credit_account,
                "amount_vnd": part.amount_vnd,
                "decision_line": part.decision_line,
            }
            for part, transfer in zip(parts, made, strict=True)
        ],
    )


def funds_of(connection: Connection, list_id: UUID, submission: int | None = None) -> Row[Any]:
    """What a list asked for at a submission, or at its last; locked. Raises: NotFound funds_unknown."""
    query = select(list_funds).where(list_funds.c.list_id == list_id).order_by(list_funds.c.submission.desc())
    if submission is not None:
        query = query.where(list_funds.c.submission == submission)
    row = connection.execute(query.limit(1).with_for_update()).one_or_none()
    if row is None:
        which = "" if submission is None else f" at submission {submission}"
        raise NotFound("funds_unknown", f"No funds were asked for list {list_id}{which}.")
    return row


def submissions_of(connection: Connection, list_id: UUID) -> Sequence[Row[Any]]:
    """What a list asked for at each of its submissions, in their order."""
    query = select(list_funds).where(list_funds.c.list_id == list_id).order_by(list_funds.c.submission)
    return connection.execute(query).all()


def set_state(connection: Connection, funds: Row[Any], state: str) -> None:
    """Store what became of the money of a list."""
    connection.execute(
        update(list_funds)
        .where(list_funds.c.list_id == funds.list_id, list_funds.c.submission == funds.submission)
        .values(state=state)
    )


def holds_of(connection: Connection, list_id: UUID, submission: int) -> Sequence[Row[Any]]:
    """The holds that make up a submission."""
    return connection.execute(
        select(list_holds)
        .where(list_holds.c.list_id == list_id, list_holds.c.submission == submission)
        .order_by(list_holds.c.hold_id)
    ).all()


def add_posts(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store which transfers an answer of a provider led to."""
    connection.execute(insert(list_posts), rows)


def answers_of(connection: Connection, list_id: UUID) -> dict[tuple[UUID, int, str], dict[str, int]]:
    """What was posted for a list by each answer - statement, chunk and kind - and line, in đồng."""
    answer = (list_posts.c.statement_id, list_posts.c.chunk, list_posts.c.kind)
    rows = connection.execute(
        select(*answer, list_posts.c.line, func.sum(list_posts.c.amount_vnd))
        .where(list_posts.c.list_id == list_id)
        .group_by(*answer, list_posts.c.line)
    )
    found: dict[tuple[UUID, int, str], dict[str, int]] = {}
    for statement_id, chunk, kind, line, amount_vnd in rows:
        found.setdefault((statement_id, chunk, kind), {})[line] = int(amount_vnd)
    return found


def posted_to(connection: Connection, list_id: UUID, account: UUID) -> int:
    """What the answers for a list brought into an account and left there, in đồng."""
    into = case(
        (transfers.c.credit_account == account, 1), (transfers.c.debit_account == account, -1), else_=0
    )
    total = (
        select(func.coalesce(func.sum(transfers.c.amount_vnd * into), 0))
        .join(list_posts, list_posts.c.transfer_id == transfers.c.id)
        .where(list_posts.c.list_id == list_id)
    )
    return int(connection.scalar(total) or 0)


def posted(connection: Connection, list_id: UUID) -> dict[str, int]:
    """What of a list counts as settled and as returned so far, in đồng; what came back late is returned."""
    rows = connection.execute(
        select(list_posts.c.kind, func.sum(list_posts.c.amount_vnd).label("vnd"))
        .where(list_posts.c.list_id == list_id)
        .group_by(list_posts.c.kind)
    )
    sums = {row.kind: int(row.vnd) for row in rows}
    late = sums.get("returned_late", 0)
    return {"settled": sums.get("settled", 0) - late, "returned": sums.get("returned", 0) + late}


def add_withdrawal(connection: Connection, **fields: Any) -> None:  # noqa: ANN401 - the columns of the table
    """Store a request to the Treasury."""
    connection.execute(insert(withdrawals).values(state="requested", version=1, **fields))


def withdrawal(connection: Connection, withdrawal_id: UUID) -> Row[Any]:
    """A request to the Treasury, locked after its list as everywhere. Raises: NotFound withdrawal_unknown."""
    wanted = select(withdrawals).where(withdrawals.c.id == withdrawal_id)
    found = connection.execute(wanted).one_or_none()
    if found is None:
        raise NotFound("withdrawal_unknown", f"There is no withdrawal request {withdrawal_id}.")
    funds_of(connection, found.list_id, found.submission)
    return connection.execute(wanted.with_for_update()).one()


def withdrawal_of(connection: Connection, list_id: UUID, submission: int) -> Row[Any] | None:
    """The request that belongs to a submission, locked."""
    return connection.execute(
        select(withdrawals)
        .where(withdrawals.c.list_id == list_id, withdrawals.c.submission == submission)
        .with_for_update()
    ).one_or_none()


def answer_withdrawal(connection: Connection, found: Row[Any], state: str, **fields: Any) -> None:  # noqa: ANN401
    """Store what the Treasury answered."""
    connection.execute(
        update(withdrawals)
        .where(withdrawals.c.id == found.id)
        .values(state=state, version=found.version + 1, **fields)
    )
