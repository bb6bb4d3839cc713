"""The register over HTTP."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from services.beneficiaries.register import handlers, queries, staging, store
from services.beneficiaries.register.commands import (
    ApproveRegistration,
    DecideChange,
    RejectRegistration,
    RequestChange,
)
from services.beneficiaries.register.model import READ, Change, job_of
from services.beneficiaries.register.schemas import (
    ChangePageSchema,
    ChangeRequestSchema,
    ChangeSchema,
    ChangesQuery,
    DryRunQuery,
    ImportStartedSchema,
    JobStartedSchema,
    PersonQuery,
    PersonSchema,
    RegistrationPageSchema,
    RegistrationSchema,
    RegistrationsQuery,
    RejectionSchema,
    ReportedChangeSchema,
    UploadSchema,
)
from services.beneficiaries.units.queries import ensure_reach, reached
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
@blueprint.response(202, ImportStartedSchema)
def import_persons(files: dict[str, Any], *, dry_run: bool) -> dict[str, UUID | None]:
    """Take in a register file; its job tells what is wrong, and another person approves what is sound."""
    work = current_work()
    document = cast("DocumentStore", current_context().parts["documents"]).put(content_of(files["file"]))
    if dry_run:
        tried = enqueue(work, READ, {"document": document, "dry_run": True})
        return {"job_id": tried, "registration_id": None}
    registration_id = handlers.begin_registration(work, document)
    return {"job_id": job_of(READ, registration_id), "registration_id": registration_id}


@blueprint.get("/registrations")
@reads("persons.read")
@blueprint.arguments(RegistrationsQuery, location="query")
@blueprint.response(200, RegistrationPageSchema)
def list_registrations(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of rows
    """The register files that were sent, in the order in which they came."""
    return queries.registrations_of(current_connection(), query)


@blueprint.get("/registrations/<uuid:registration_id>")
@reads("persons.read")
@blueprint.response(200, RegistrationSchema)
def show_registration(registration_id: UUID) -> dict[str, Any]:
    """One register file: how many rows, in which state, who sent it and who decided."""
    return queries.find_registration(current_connection(), registration_id)


@blueprint.post("/registrations/<uuid:registration_id>/approval")
@acts("persons.approve", idempotent=True)
@blueprint.response(202, JobStartedSchema)
def approve_registration(registration_id: UUID) -> dict[str, UUID]:
    """Confirm the sound rows of a register file; the job enters them and tells how far it is."""
    _ensure_whole_reach(registration_id)
    return {"job_id": handlers.approve_registration(current_work(), ApproveRegistration(registration_id))}


@blueprint.post("/registrations/<uuid:registration_id>/rejection")
@acts("persons.approve", idempotent=True)
@blueprint.arguments(RejectionSchema)
@blueprint.response(200, RegistrationSchema)
def reject_registration(body: dict[str, Any], registration_id: UUID) -> dict[str, Any]:
    """Refuse a register file; nothing of its rows is kept."""
    _ensure_whole_reach(registration_id)
    handlers.reject_registration(current_work(), RejectRegistration(registration_id, **body))
    return queries.find_registration(current_connection(), registration_id)


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


@blueprint.get("/changes")
@reads("persons.read")
@blueprint.arguments(ChangesQuery, location="query")
@blueprint.response(200, ChangePageSchema)
def list_changes(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of rows
    """The changes that were reported about persons within reach, the newest first."""
    connection = current_connection()
    units = reached(connection, current_principal(), "persons.read", business_day())
    return queries.changes_of(connection, units, query)


@blueprint.get("/changes/<uuid:change_id>")
@reads("persons.read")
@blueprint.response(200, ReportedChangeSchema)
def show_change(change_id: UUID) -> dict[str, Any]:
    """One reported change: about whom, what, who reported it and who decided."""
    connection = current_connection()
    found = queries.find_change(connection, change_id)
    ensure_reach(connection, current_principal(), "persons.read", found["commune_id"], business_day())
    return found


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


def _ensure_whole_reach(registration_id: UUID) -> None:
    """Nothing, where the caller may act on every commune that a row of the file names."""
    work, principal = current_work(), current_principal()
    for commune_id in staging.communes_of(work.connection, registration_id):
        ensure_reach(work.connection, principal, "persons.approve", commune_id, work.act.business_date)


def _ensure_reach(permission: str, person_id: UUID) -> None:
    """Nothing, where the caller may act on the person; others learn nothing of how the person stands."""
    work = current_work()
    facts = store.facts_of(work.connection, [person_id])[0]
    first = facts.residences[0].district_id  # who moved away still belongs to the old district's officer
    ensure_reach(work.connection, current_principal(), permission, first, work.act.business_date)
