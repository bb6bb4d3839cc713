"""How payments stand by everything that was answered so far: one by one, and summed up list by list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, case, cast, exists, func, literal, select, union_all

from services.beneficiaries.lists.tables import payments
from services.beneficiaries.reconciliation.model import Standing
from services.beneficiaries.reconciliation.tables import (
    late_returns,
    outcomes,
    statement_rows,
    statement_sums,
)
from shared.db.many import one_of

STANDING = case(
    (outcomes.c.payment_id.is_(None), Standing.UNKNOWN.value),
    (late_returns.c.payment_id.is_not(None), Standing.RETURNED.value),
    else_=outcomes.c.kind,
)
REASON = func.coalesce(late_returns.c.reason_code, outcomes.c.reason_code)
reissues = payments.alias("reissues")


def payments_standing() -> Select[tuple[object, ...]]:
    """Every payment with its standing, reason and day of its last outcome, and the payment that reissues it.

    `disputed` says that a later answer speaks against the return and nobody has explained it yet.
    """
    disputed = exists().where(
        statement_rows.c.payment_id == payments.c.id,
        statement_rows.c.code == "settled_after_return",
        statement_rows.c.explanation.is_(None),
    )
    joined = (
        payments.outerjoin(outcomes, outcomes.c.payment_id == payments.c.id)
        .outerjoin(late_returns, late_returns.c.payment_id == payments.c.id)
        .outerjoin(reissues, reissues.c.reissue_of == payments.c.id)
    )
    return select(
        payments.c.id,
        payments.c.list_id,
        payments.c.person_id,
        payments.c.amount_vnd,
        payments.c.reissue_of,
        STANDING.label("standing"),
        REASON.label("reason_code"),
        func.coalesce(late_returns.c.value_on, outcomes.c.value_on).label("value_on"),
        late_returns.c.payment_id.is_not(None).label("returned_late"),
        disputed.label("disputed"),
        reissues.c.id.label("reissued_by"),
    ).select_from(joined)


def lists_standing(ids: Iterable[UUID]) -> Select[Any]:
    """What was answered of some lists: list, standing, reason of a return, payments, and their sum in đồng.

    What came back late counts as returned, and no more as settled.
    """
    said, wanted = statement_sums.c, one_of(statement_sums.c.list_id, ids)
    settled, returned = (literal(one.value) for one in (Standing.SETTLED, Standing.RETURNED))
    standing = case((said.kind == Standing.SETTLED.value, settled), else_=returned).label("standing")
    answered = select(said.list_id, standing, said.reason_code, said.payment_count, said.amount_vnd)
    taken_back = select(said.list_id, settled, literal(""), -said.payment_count, -said.amount_vnd)
    late = said.kind == "returned_late"
    all_of_them = union_all(answered.where(wanted), taken_back.where(wanted, late)).subquery()
    key = (all_of_them.c.list_id, all_of_them.c.standing, all_of_them.c.reason_code)
    sums = (func.sum(all_of_them.c.payment_count), func.sum(all_of_them.c.amount_vnd))
    return select(*key, *(cast(one, BigInteger) for one in sums)).group_by(*key)
