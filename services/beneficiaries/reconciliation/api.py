"""Statements and closing over HTTP."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from services.beneficiaries.lists.queries import find_list
from services.beneficiaries.lists.schemas import ListSchema
from services.beneficiaries.reconciliation import handlers, queries
from services.beneficiaries.reconciliation.schemas import (
    ProviderQuery,
    StatementFileSchema,
    StatementSchema,
    StatementStartedSchema,
    UnmatchedPageSchema,
    UnmatchedQuery,
)
from services.beneficiaries.units.queries import ensure_reach
from shared.documents.store import DocumentStore
from shared.web.acting import acts, business_day, current_connection, current_principal, current_work, reads
from shared.web.blueprint import Blueprint
from shared.web.context import current_context
from shared.web.uploads import content_of

blueprint = Blueprint("reconciliation", __name__, url_prefix="/v1", description="What providers answered.")


@blueprint.post("/statements")
@acts("results.upload", idempotent=True, files=True)
@blueprint.arguments(ProviderQuery, location="query", as_kwargs=True)
@blueprint.arguments(StatementFileSchema, location="files")
@blueprint.response(202, StatementStartedSchema)
def receive_statement(files: dict[str, Any], *, provider: str) -> dict[str, UUID]:
    """Take in a provider's answer; a job matches it on id and amount."""
    document = cast("DocumentStore", current_context().parts["documents"]).put(content_of(files["file"]))
    statement_id, job_id = handlers.receive_statement(current_work(), provider, document)
    return {"statement_id": statement_id, "job_id": job_id}


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


@blueprint.post("/lists/<uuid:list_id>/closure")
@acts("lists.submit", idempotent=True)
@blueprint.response(202, ListSchema)
def close_list(list_id: UUID) -> Any:  # noqa: ANN401 - a row of lists
    """Close a list: its sums go to the ledger, which confirms them or says what differs."""
    work = current_work()
    row = find_list(work.connection, list_id)
    ensure_reach(work.connection, current_principal(), "lists.submit", row.unit_id, business_day())
    handlers.close_list(work, list_id)
    return find_list(work.connection, list_id)
