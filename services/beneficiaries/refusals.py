"""What a violated constraint means in this service's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.beneficiaries.payroll.handlers import refuse_second_run
from services.beneficiaries.reconciliation.handlers import refuse_repeated_statement
from services.beneficiaries.register.effects import refuse_second_death
from services.beneficiaries.reissues.handlers import refuse_second_reissue
from shared.kernel.errors import Conflict, Rejected


def _opening_exists() -> Rejected:
    return Conflict("opening_exists", "This month was taken over already; a closed month is never rewritten.")


REFUSALS: Mapping[str, Callable[[], Rejected]] = {
    "pk_payroll_runs": refuse_second_run,
    "uq_payroll_runs_period": refuse_second_run,
    "pk_statements": refuse_repeated_statement,
    "uq_statements_provider_document": refuse_repeated_statement,
    "pk_openings": _opening_exists,
    "uq_openings_period": _opening_exists,
    "pk_person_deaths": refuse_second_death,
    "uq_payments_reissue_of": refuse_second_reissue,
}
