"""How payments stand by everything that was answered so far, as one select for all who ask."""

from __future__ import annotations

from sqlalchemy import Select, case, exists, func, select

from services.beneficiaries.lists.tables import payments
from services.beneficiaries.reconciliation.model import Standing
from services.beneficiaries.reconciliation.tables import late_returns, outcomes, statement_rows

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
