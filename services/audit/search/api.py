"""Search, chains and proofs over HTTP. Every look into the log is recorded in the trail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from services.audit.log import queries as log
from services.audit.search import queries, schemas
from services.audit.search.chain import Chain
from services.audit.search.events import ProofExported, SearchPerformed
from services.audit.search.queries import Entry, Filters
from shared.journal.recording import Topic
from shared.web import pages
from shared.web.acting import PUBLIC, acts, current_connection, current_principal, current_work, reads
from shared.web.blueprint import Blueprint
from shared.web.pages import Page

PROOF_TYPE = "text/plain; charset=utf-8"
A_TEXT = {"type": "string"}

blueprint = Blueprint("search", __name__, url_prefix="/v1", description="Search, chains and proofs.")


@blueprint.get("/entries")
@acts("audit.search")
@blueprint.arguments(schemas.SearchQuery, location="query")
@blueprint.response(200, schemas.EntryPageSchema)
def search_entries(query: dict[str, Any]) -> Page[Entry]:
    """Entries in the order of the log that meet every given condition."""
    limit, after = query.pop("limit"), _after(query.pop("cursor"))
    for name in ("person", "unit"):
        query[name] = str(query[name]) if query[name] else None
    filters = Filters(**query)
    found = queries.search(current_connection(), filters, after, limit)
    shown = pages.page(found, limit, lambda entry: [entry.index])
    _record_search("entries", filters.given(), len(shown.items), person_id=filters.person)
    return shown


@blueprint.get("/entries/<int(max=9007199254740991):index>")
@acts("audit.search")
@blueprint.response(200, schemas.WholeEntrySchema)
def show_entry(index: int) -> Entry:
    """One entry with its data."""
    found = queries.entry(current_connection(), index)
    _record_search("entry", {"index": str(index)}, 1)
    return found


@blueprint.get("/entries/<int(max=9007199254740991):index>/proof")
@acts("audit.search")
@blueprint.arguments(schemas.ProofQuery, location="query")
@blueprint.response(200, A_TEXT, content_type=PROOF_TYPE, description="A C2SP tlog-proof.")
def prove_entry(query: dict[str, Any], index: int) -> Response:
    """A proof file of one entry, or of one item of it that shows no other item."""
    proof = log.proof(current_connection(), index, query["item"])
    _record_export(ProofExported(current_principal().subject, index, query["item"]))
    return _proof_file(proof.text(), f"entry-{index}")


@blueprint.get("/payments/<uuid:payment_id>/chain")
@acts("audit.search")
@blueprint.response(200, schemas.ChainSchema)
def show_chain(payment_id: UUID) -> Chain:
    """The facts behind a payment, from the person to the article, from the log alone."""
    found = queries.payment_chain(current_connection(), str(payment_id))
    count = sum(len(step.facts) for step in found.steps)
    _record_search("chain", {"payment": str(payment_id)}, count, payment_id=str(payment_id))
    return found


@blueprint.get("/payments/<uuid:payment_id>/proof")
@acts("audit.search")
@blueprint.response(200, A_TEXT, content_type=PROOF_TYPE, description="A C2SP tlog-proof.")
def prove_payment(payment_id: UUID) -> Response:
    """A proof file of the instruction to pay this one payment."""
    index, item, proof = queries.payment_proof(current_connection(), str(payment_id))
    _record_export(ProofExported(current_principal().subject, index, item, str(payment_id)))
    return _proof_file(proof, f"payment-{payment_id}")


@blueprint.get("/log/sources")
@reads(PUBLIC)
@blueprint.response(200, schemas.LogStateSchema)
def show_sources() -> dict[str, Any]:
    """How far every journal was taken, and how far signing and search have followed."""
    connection = current_connection()
    checkpoint = log.newest_checkpoint(connection)
    return {
        "origin": log.vkey(connection).split("+", 1)[0],
        "size": log.size(connection),
        "signed": checkpoint.size if checkpoint else 0,
        "indexed": queries.indexed(connection),
        "sources": log.sources(connection),
    }


def _after(cursor: str | None) -> int:
    place = pages.decode(cursor, int)
    return -1 if place is None else place[0]


def _record_search(
    kind: str,
    filters: dict[str, str],
    found: int,
    *,
    person_id: str | None = None,
    payment_id: str | None = None,
) -> None:
    actor_id = current_principal().subject
    event = SearchPerformed(actor_id, kind, filters, found, person_id, payment_id)
    current_work().record(event, Topic.TRAIL)


def _record_export(event: ProofExported) -> None:
    current_work().record(event, Topic.TRAIL)


def _proof_file(text: str, name: str) -> Response:
    disposition = f'attachment; filename="{name}.tlog-proof"'
    return Response(text, content_type=PROOF_TYPE, headers={"Content-Disposition": disposition})
