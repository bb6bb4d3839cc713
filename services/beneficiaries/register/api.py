"""The register over HTTP."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from services.beneficiaries.register import handlers, store
from services.beneficiaries.register.commands import DecideChange, RequestChange
from services.beneficiaries.register.jobs import KIND
from services.beneficiaries.register.model import Change
from services.beneficiaries.register.schemas import (
    ChangeRequestSchema,
    ChangeSchema,
    DryRunQuery,
    JobStartedSchema,
    PersonQuery,
    PersonSchema,
    UploadSchema,
)
from services.beneficiaries.units.queries import ensure_reach
from shared.documents.store import DocumentStore
from shared.jobs.runner import enqueue
from shared.kernel.errors import NotFound
from shared.kernel.ids import new_id
from shared.kernel.sealing import Sealer
from shared.web.acting import (
    acts,
    business_day,
    current_connection,
    current_principal,
    current_work,
    reads,
)
from shared.web.blueprint import Blueprint
from shared.web.context import current_context
from shared.web.uploads import content_of

blueprint = Blueprint(
    "register", __name__, url_prefix="/v1", description="Persons and what changes about them."
)


@blueprint.post("/persons/imports")
@acts("persons.import", idempotent=True, files=True)
@blueprint.arguments(DryRunQuery, location="query", as_kwargs=True)
@blueprint.arguments(UploadSchema, location="files")
@blueprint.response(202, JobStartedSchema)
def import_persons(files: dict[str, Any], *, dry_run: bool) -> dict[str, UUID]:
    """Take in a register file; the job tells how far it is and what was wrong with which row."""
    documents = cast("DocumentStore", current_context().parts["documents"])
    document = documents.put(content_of(files["file"]))
    return {"job_id": enqueue(current_work(), KIND, {"document": document, "dry_run": dry_run})}


@blueprint.get("/persons")
@reads("persons.read")
@blueprint.arguments(PersonQuery, location="query")
@blueprint.response(200, PersonSchema)
def find_person(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a row of the register
    """The person of a dossier number."""
    connection = current_connection()
    person = store.person(connection, query["number"])
    if person is None:
        raise NotFound("person_unknown", f"No person is registered under {query['number']}.")
    ensure_reach(connection, current_principal(), "persons.read", person.commune_id, business_day())
    return person


@blueprint.post("/changes")
@acts("changes.request", idempotent=True)
@blueprint.arguments(ChangeRequestSchema)
@blueprint.response(201, ChangeSchema)
def request_change(body: dict[str, Any]) -> Change:
    """Report that something about a person is different; another person decides."""
    work = current_work()
    sealer = cast("Sealer", current_context().parts["sealer"])
    person = store.person(work.connection, body["person_number"])
    if person is not None:
        _ensure_reach("changes.request", person.id)
    return handlers.request_change(work, sealer, RequestChange(change_id=new_id(), **body))


@blueprint.post("/changes/<uuid:change_id>/approval")
@acts("changes.approve", idempotent=True)
@blueprint.response(200, ChangeSchema)
def approve_change(change_id: UUID) -> Change:
    """Confirm a reported change."""
    return _decide(change_id, approve=True)


@blueprint.post("/changes/<uuid:change_id>/rejection")
@acts("changes.approve", idempotent=True)
@blueprint.response(200, ChangeSchema)
def reject_change(change_id: UUID) -> Change:
    """Refuse a reported change."""
    return _decide(change_id, approve=False)


def _decide(change_id: UUID, *, approve: bool) -> Change:
    work = current_work()
    sealer = cast("Sealer", current_context().parts["sealer"])
    stored = store.change(work.connection, change_id)
    if stored is not None:
        _ensure_reach("changes.approve", stored.person_id)
    return handlers.decide_change(work, sealer, DecideChange(change_id, approve))


def _ensure_reach(permission: str, person_id: UUID) -> None:
    """Nothing, where the caller may act on the person; others learn nothing of how the person stands."""
    work = current_work()
    facts = store.facts_of(work.connection, [person_id])[0]
    first = facts.residences[0].district_id  # who moved away still belongs to the old district's officer
    ensure_reach(work.connection, current_principal(), permission, first, work.act.business_date)
