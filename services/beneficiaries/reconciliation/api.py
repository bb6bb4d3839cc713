"""Statements and closing over HTTP."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from services.beneficiaries.lists.queries import find_list
from services.beneficiaries.lists.schemas import ListSchema
from services.beneficiaries.months import parse_month
from services.beneficiaries.reconciliation import csv_result, handlers, months, queries
from services.beneficiaries.reconciliation.schemas import (
    DiscrepanciesQuery,
    DiscrepancyPageSchema,
    ExplanationSchema,
    OutcomePageSchema,
    OutcomesQuery,
    PersonPaymentPageSchema,
    PersonPaymentsQuery,
    ProviderQuery,
    ReturnPageSchema,
    ReturnsQuery,
    StatementFileSchema,
    StatementPageSchema,
    StatementSchema,
    StatementsQuery,
    StatementStartedSchema,
    SummarySchema,
    UnansweredPageSchema,
    UnansweredQuery,
    UnmatchedPageSchema,
    UnmatchedQuery,
    UnmatchedSchema,
)
from services.beneficiaries.register.queries import with_persons
from services.beneficiaries.units.queries import ensure_reach, reached
from shared.documents.store import DocumentStore
from shared.kernel.errors import NotFound
from shared.web.acting import acts, business_day, current_connection, current_principal, current_work, reads
from shared.web.blueprint import Blueprint
from shared.web.context import current_context
from shared.web.uploads import content_of

blueprint = Blueprint("reconciliation", __name__, url_prefix="/v1", description="What providers answered.")

ROW_MAX = 2**31


@blueprint.post("/statements")
@acts("results.upload", idempotent=True, files=True, file_bytes_max=handlers.FILE_BYTES_MAX)
@blueprint.arguments(ProviderQuery, location="query", as_kwargs=True)
@blueprint.arguments(StatementFileSchema, location="files")
@blueprint.response(202, StatementStartedSchema)
def receive_statement(files: dict[str, Any], *, provider: str) -> dict[str, UUID]:
    """Take in a provider's answer; a job matches it on id and amount."""
    content = content_of(files["file"], handlers.FILE_BYTES_MAX)
    document = cast("DocumentStore", current_context().parts["documents"]).put(content)
    units = current_principal().units_for("results.upload")
    received = handlers.Received(provider, document, is_table=csv_result.is_table(content))
    statement_id, job_id = handlers.receive_statement(current_work(), received, units)
    return {"statement_id": statement_id, "job_id": job_id}


@blueprint.get("/statements")
@reads("results.read")
@blueprint.arguments(StatementsQuery, location="query")
@blueprint.response(200, StatementPageSchema)
def list_statements(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of statements
    """What providers answered, the newest first."""
    return queries.statements_of(current_connection(), query)


@blueprint.get("/statements/<uuid:statement_id>")
@reads("results.read")
@blueprint.response(200, StatementSchema)
def show_statement(statement_id: UUID) -> Any:  # noqa: ANN401 - a row of statements
    """One statement and what came of it."""
    return queries.find_statement(current_connection(), statement_id)


@blueprint.get("/statements/<uuid:statement_id>/unmatched")
@reads("results.read")
@blueprint.arguments(UnmatchedQuery, location="query")
@blueprint.response(200, UnmatchedPageSchema)
def list_unmatched(query: dict[str, Any], statement_id: UUID) -> Any:  # noqa: ANN401 - a page of rows
    """The rows that wait for a person."""
    return queries.unmatched_of(current_connection(), statement_id, query)


@blueprint.post("/statements/<uuid:statement_id>/unmatched/<int:row>/explanation")
@acts("results.upload", idempotent=True)
@blueprint.arguments(ExplanationSchema)
@blueprint.response(200, UnmatchedSchema)
def explain_row(body: dict[str, Any], statement_id: UUID, row: int) -> Any:  # noqa: ANN401 - a row
    """Say why a row that did not match needs nothing more; nothing is booked by it."""
    if row > ROW_MAX:
        raise NotFound("statement_row_unknown", f"Statement {statement_id} has no row {row}.")
    handlers.explain_row(current_work(), statement_id, row, body["reason"])
    return queries.find_row(current_connection(), statement_id, row)


@blueprint.get("/discrepancies")
@reads("results.read")
@blueprint.arguments(DiscrepanciesQuery, location="query")
@blueprint.response(200, DiscrepancyPageSchema)
def list_discrepancies(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of rows
    """Every row of every statement that still waits for a person."""
    return queries.discrepancies(current_connection(), query)


@blueprint.get("/unanswered")
@reads("results.read")
@blueprint.arguments(UnansweredQuery, location="query")
@blueprint.response(200, UnansweredPageSchema)
def list_unanswered(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of lists
    """The lists of units within reach with unanswered payments, and for how long they are silent."""
    return queries.unanswered(current_connection(), _within("results.read"), query, business_day())


@blueprint.get("/lists/<uuid:list_id>/outcomes")
@reads("results.read")
@blueprint.arguments(OutcomesQuery, location="query")
@blueprint.response(200, OutcomePageSchema)
def list_outcomes(query: dict[str, Any], list_id: UUID) -> Any:  # noqa: ANN401 - a page of payments
    """How each payment of a list stands, and what reissues it."""
    connection = current_connection()
    row = find_list(connection, list_id)
    ensure_reach(connection, current_principal(), "results.read", row.unit_id, business_day())
    return with_persons(connection, _within("persons.read"), queries.outcomes_of(connection, list_id, query))


@blueprint.post("/lists/<uuid:list_id>/closure")
@acts("lists.submit", idempotent=True)
@blueprint.response(202, ListSchema)
def close_list(list_id: UUID) -> Any:  # noqa: ANN401 - a row of lists
    """Close a list whose answers are told: the ledger confirms its sums or says what differs."""
    work = current_work()
    row = find_list(work.connection, list_id)
    ensure_reach(work.connection, current_principal(), "lists.submit", row.unit_id, business_day())
    handlers.close_list(work, list_id)
    return find_list(work.connection, list_id)


@blueprint.get("/payroll/<period>/summary")
@reads("lists.read")
@blueprint.response(200, SummarySchema)
def show_summary(period: str) -> dict[str, Any]:
    """How a month stands per unit, provider and state of its lists, and why payments came back."""
    return months.summary(current_connection(), _within("lists.read"), str(parse_month(period)))


@blueprint.get("/returns")
@reads("results.read")
@blueprint.arguments(ReturnsQuery, location="query")
@blueprint.response(200, ReturnPageSchema)
def list_returns(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of payments
    """The payments of a month that came back, of units within reach."""
    connection = current_connection()
    shown = months.returns_of(connection, _within("results.read"), query)
    return with_persons(connection, _within("persons.read"), shown)


@blueprint.get("/persons/<uuid:person_id>/payments")
@reads("lists.read")
@blueprint.arguments(PersonPaymentsQuery, location="query")
@blueprint.response(200, PersonPaymentPageSchema)
def list_person_payments(query: dict[str, Any], person_id: UUID) -> Any:  # noqa: ANN401 - a page of payments
    """A person's payments in lists within reach, the newest first, each with how its amount came about."""
    connection = current_connection()
    shown = months.payments_of_person(connection, _within("lists.read"), person_id, query)
    return with_persons(connection, _within("persons.read"), shown)


def _within(permission: str) -> list[UUID]:
    return reached(current_connection(), current_principal(), permission, business_day())
