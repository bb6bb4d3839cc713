"""Decisions over HTTP."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from flask import request

from services.allocation.annexes.reading import read_annex
from services.allocation.decisions import drafting, handlers, queries
from services.allocation.decisions.commands import (
    ApproveDecision,
    DraftDecision,
    IssueDecision,
    NewLine,
    ReviseDecision,
    SendBackDecision,
    SubmitDecision,
    WithdrawDecision,
)
from services.allocation.decisions.model import Header
from services.allocation.decisions.schemas import (
    AnnexFileSchema,
    AnnexHeaderSchema,
    DecisionPageSchema,
    DecisionSchema,
    DecisionsQuery,
    DraftDecisionSchema,
    FormulaDecisionSchema,
    HeaderSchema,
    HistoryPageSchema,
    HistoryQuery,
    IssueSchema,
    ReasonSchema,
)
from services.allocation.formulas.model import Share
from services.allocation.units.queries import ensure_reach, registry
from shared.documents.store import DocumentStore
from shared.kernel.ids import new_id
from shared.web.acting import (
    acts,
    business_day,
    current_connection,
    current_principal,
    current_work,
    expect_version,
    reads,
    show_version,
)
from shared.web.blueprint import Blueprint
from shared.web.context import current_context
from shared.web.uploads import content_of

blueprint = Blueprint("decisions", __name__, url_prefix="/v1/decisions", description="Decisions on money.")
HEADER = tuple(HeaderSchema().fields)
Content = tuple[Header, tuple[NewLine, ...]]


@blueprint.post("")
@acts("decisions.draft", idempotent=True)
@blueprint.arguments(DraftDecisionSchema)
@blueprint.response(201, DecisionSchema)
def draft_decision(body: dict[str, Any]) -> dict[str, Any]:
    """Write a decision by hand."""
    return _drafted(_by_hand(body))


@blueprint.post("/annexes")
@acts("decisions.draft", idempotent=True, files=True, form=True)
@blueprint.arguments(AnnexHeaderSchema, location="form", as_kwargs=True)
@blueprint.arguments(AnnexFileSchema, location="files")
@blueprint.response(201, DecisionSchema)
def draft_from_annex(files: dict[str, Any], **header: Any) -> dict[str, Any]:  # noqa: ANN401 - the form's fields
    """Write a decision from its printed annex; all problems of the file are told at once."""
    return _drafted(_from_annex(files["file"], header))


@blueprint.post("/formulas")
@acts("formulas.compute", idempotent=True)
@blueprint.arguments(FormulaDecisionSchema)
@blueprint.response(201, DecisionSchema)
def draft_from_formula(body: dict[str, Any]) -> dict[str, Any]:
    """Write a decision whose amounts are computed; the arithmetic is kept with it."""
    return _drafted(_by_formula(body))


@blueprint.get("")
@reads("decisions.read")
@blueprint.arguments(DecisionsQuery, location="query")
@blueprint.response(200, DecisionPageSchema)
def list_decisions(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of rows
    """The decisions that were issued by units within reach or give them money, without their lines."""
    return queries.decisions_page(current_connection(), current_principal(), query)


@blueprint.get("/<uuid:decision_id>")
@reads("decisions.read")
@blueprint.response(200, DecisionSchema)
def show_decision(decision_id: UUID) -> dict[str, Any]:
    """One decision with its lines."""
    queries.ensure_readable(current_connection(), current_principal(), decision_id)
    return queries.find_decision(current_connection(), decision_id)


@blueprint.put("/<uuid:decision_id>")
@acts("decisions.draft", idempotent=True, versioned=True)
@blueprint.arguments(DraftDecisionSchema)
@blueprint.response(200, DecisionSchema)
def revise_decision(body: dict[str, Any], decision_id: UUID) -> dict[str, Any]:
    """Rewrite a draft, or what was sent back, by hand."""
    _ensure_revisable(decision_id)
    return _revised(decision_id, _by_hand(body))


@blueprint.put("/<uuid:decision_id>/annex")
@acts("decisions.draft", idempotent=True, versioned=True, files=True, form=True)
@blueprint.arguments(AnnexHeaderSchema, location="form", as_kwargs=True)
@blueprint.arguments(AnnexFileSchema, location="files")
@blueprint.response(200, DecisionSchema)
def revise_from_annex(files: dict[str, Any], decision_id: UUID, **header: Any) -> dict[str, Any]:  # noqa: ANN401 - the form's fields
    """Rewrite a draft, or what was sent back, from a printed annex."""
    _ensure_revisable(decision_id)
    return _revised(decision_id, _from_annex(files["file"], header))


@blueprint.put("/<uuid:decision_id>/formula")
@acts("formulas.compute", idempotent=True, versioned=True)
@blueprint.arguments(FormulaDecisionSchema)
@blueprint.response(200, DecisionSchema)
def revise_from_formula(body: dict[str, Any], decision_id: UUID) -> dict[str, Any]:
    """Compute the amounts of a draft, or of what was sent back, anew."""
    _ensure_revisable(decision_id)
    return _revised(decision_id, _by_formula(body))


@blueprint.get("/<uuid:decision_id>/history")
@reads("decisions.read")
@blueprint.arguments(HistoryQuery, location="query")
@blueprint.response(200, HistoryPageSchema)
def show_history(query: dict[str, Any], decision_id: UUID) -> Any:  # noqa: ANN401 - a page of rows
    """Who did what with a decision, when and why."""
    queries.ensure_readable(current_connection(), current_principal(), decision_id)
    return queries.history_page(current_connection(), decision_id, query)


@blueprint.post("/<uuid:decision_id>/submission")
@acts("decisions.submit", idempotent=True)
@blueprint.response(200, DecisionSchema)
def submit_decision(decision_id: UUID) -> dict[str, Any]:
    """Ask for approval."""
    _reached(decision_id, "decisions.submit")
    handlers.submit_decision(current_work(), SubmitDecision(decision_id))
    return _shown(decision_id)


@blueprint.post("/<uuid:decision_id>/approval")
@acts("decisions.approve", idempotent=True)
@blueprint.response(200, DecisionSchema)
def approve_decision(decision_id: UUID) -> dict[str, Any]:
    """Approve what another person prepared."""
    _reached(decision_id, "decisions.approve")
    handlers.approve_decision(current_work(), ApproveDecision(decision_id))
    return _shown(decision_id)


@blueprint.post("/<uuid:decision_id>/return")
@acts("decisions.approve", idempotent=True)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, DecisionSchema)
def send_back_decision(body: dict[str, Any], decision_id: UUID) -> dict[str, Any]:
    """Return a decision to the person who prepared it."""
    _reached(decision_id, "decisions.approve")
    handlers.send_back_decision(current_work(), SendBackDecision(decision_id, **body))
    return _shown(decision_id)


@blueprint.post("/<uuid:decision_id>/withdrawal")
@acts("decisions.draft", idempotent=True)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, DecisionSchema)
def withdraw_decision(body: dict[str, Any], decision_id: UUID) -> dict[str, Any]:
    """Give up a decision that was not issued; it stays to be read."""
    _reached(decision_id, "decisions.draft")
    handlers.withdraw_decision(current_work(), WithdrawDecision(decision_id, **body))
    return _shown(decision_id)


@blueprint.post("/<uuid:decision_id>/issue")
@acts("decisions.issue", idempotent=True)
@blueprint.arguments(IssueSchema)
@blueprint.response(200, DecisionSchema)
def issue_decision(body: dict[str, Any], decision_id: UUID) -> dict[str, Any]:
    """Put a decision into force under the number and date of the signed paper."""
    _reached(decision_id, "decisions.issue")
    handlers.issue_decision(current_work(), IssueDecision(decision_id, **body))
    return _shown(decision_id)


def _by_hand(body: dict[str, Any]) -> Content:
    _ensure_reach(body)
    return _header(body), tuple(NewLine(**line) for line in body["lines"])


def _from_annex(file: Any, fields: dict[str, Any]) -> Content:  # noqa: ANN401 - werkzeug's FileStorage
    _ensure_reach(fields)
    content = content_of(file)
    names = registry(current_connection()).names(fields["units_on"] or business_day())
    report = read_annex(content, file.filename or "annex", names)
    lines = drafting.lines_of_annex(report, fields["article_id"], fields["works"])
    document = cast("DocumentStore", current_context().parts["documents"]).put(content)
    return _header(fields, document=document), lines


def _by_formula(body: dict[str, Any]) -> Content:
    _ensure_reach(body)
    shares = [Share(share["unit_id"], tuple(share["classes"]), share["count"]) for share in body["shares"]]
    computed = drafting.compute(body, shares)
    names = {unit.id: unit.name for unit in registry(current_connection()).units}
    lines = drafting.lines_of_formula(computed, names, body["article_id"])
    return _header(body, arithmetic=drafting.arithmetic(computed, shares)), lines


def _header(fields: dict[str, Any], document: str | None = None, arithmetic: str | None = None) -> Header:
    return Header(**{name: fields[name] for name in HEADER}, document=document, arithmetic=arithmetic)


def _drafted(content: Content) -> dict[str, Any]:
    return _shown(handlers.draft_decision(current_work(), DraftDecision(new_id(), *content)).id)


def _revised(decision_id: UUID, content: Content) -> dict[str, Any]:
    return _shown(handlers.revise_decision(current_work(), ReviseDecision(decision_id, *content)).id)


def _ensure_reach(body: dict[str, Any]) -> None:
    """Nothing, where the caller may draft for the unit; who may not is told so before anything is read."""
    work, unit_id = current_work(), body["issuing_unit_id"]
    day = work.act.business_date
    ensure_reach(work.connection, current_principal(), "decisions.draft", unit_id, day)


def _reached(decision_id: UUID, permission: str) -> None:
    """Nothing, where the caller may act on the decision, and saw this version if they say which they saw."""
    version = _version_within_reach(decision_id, permission)
    if request.if_match:
        expect_version(version)


def _ensure_revisable(decision_id: UUID) -> None:
    """Nothing, where the caller may rewrite the decision, and says that they saw this version."""
    expect_version(_version_within_reach(decision_id, "decisions.draft"))
    handlers.ensure_may_be_revised(current_work(), decision_id)


def _version_within_reach(decision_id: UUID, permission: str) -> int:
    """The version at which the decision stays until this act is over."""
    connection = current_connection()
    found = queries.lock_decision(connection, decision_id)
    ensure_reach(connection, current_principal(), permission, found["issuing_unit_id"], business_day())
    return int(found["version"])


def _shown(decision_id: UUID) -> dict[str, Any]:
    found = queries.find_decision(current_connection(), decision_id)
    show_version(found["version"])
    return found
