"""Payment lists over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request

from services.beneficiaries.lists import handlers, queries, signing
from services.beneficiaries.lists.commands import ApproveList, SendBackList, SubmitList, WithdrawList
from services.beneficiaries.lists.model import PaymentList
from services.beneficiaries.lists.schemas import (
    ApprovalSchema,
    ListPageSchema,
    ListSchema,
    ListsQuery,
    PaymentPageSchema,
    PaymentsQuery,
    ReasonSchema,
    SignaturesQuery,
    SignaturesSchema,
)
from services.beneficiaries.register.queries import with_persons
from services.beneficiaries.units.queries import ensure_reach, reached
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

blueprint = Blueprint(
    "lists", __name__, url_prefix="/v1/lists", description="Payment lists and their payments."
)


@blueprint.get("")
@reads("lists.read")
@blueprint.arguments(ListsQuery, location="query")
@blueprint.response(200, ListPageSchema)
def list_lists(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of rows
    """The lists of units within reach: of a month in order of id, or of all months, the newest first."""
    connection = current_connection()
    units = reached(connection, current_principal(), "lists.read", business_day())
    if query["period"]:
        return queries.lists_of(connection, units, query)
    return queries.newest_lists(connection, units, query)


@blueprint.get("/<uuid:list_id>")
@reads("lists.read")
@blueprint.response(200, ListSchema)
def show_list(list_id: UUID) -> Any:  # noqa: ANN401 - a row of lists
    """One list."""
    return _reached(list_id, "lists.read")


@blueprint.get("/<uuid:list_id>/payments")
@reads("lists.read")
@blueprint.arguments(PaymentsQuery, location="query")
@blueprint.response(200, PaymentPageSchema)
def list_payments(query: dict[str, Any], list_id: UUID) -> Any:  # noqa: ANN401 - a page of rows
    """The payments of a list, each with how its amount came about."""
    _reached(list_id, "lists.read")
    connection = current_connection()
    units = reached(connection, current_principal(), "persons.read", business_day())
    return with_persons(connection, units, queries.payments_of(connection, list_id, query))


@blueprint.get("/<uuid:list_id>/signatures")
@reads("lists.read")
@blueprint.arguments(SignaturesQuery, location="query")
@blueprint.response(200, SignaturesSchema)
def list_signatures(query: dict[str, Any], list_id: UUID) -> Any:  # noqa: ANN401 - lines and a sum
    """The payments of a list as people sign for them: commune by commune, in order of given names."""
    _reached(list_id, "lists.read")
    connection = current_connection()
    units = reached(connection, current_principal(), "persons.read", business_day())
    return signing.signatures_of(connection, list_id, units, **query)


@blueprint.post("/<uuid:list_id>/submission")
@acts("lists.submit", idempotent=True)
@blueprint.response(200, ListSchema)
def submit_list(list_id: UUID) -> Any:  # noqa: ANN401 - a row of lists
    """Stand by a list."""
    _seen(list_id, "lists.submit")
    return _shown(handlers.submit_list(current_work(), SubmitList(list_id)))


@blueprint.post("/<uuid:list_id>/approval")
@acts("lists.approve", idempotent=True)
@blueprint.arguments(ApprovalSchema)
@blueprint.response(200, ListSchema)
def approve_list(body: dict[str, Any], list_id: UUID) -> Any:  # noqa: ANN401 - a row of lists
    """Approve a submission; allocation holds its funds next."""
    _seen(list_id, "lists.approve")
    return _shown(handlers.approve_list(current_work(), ApproveList(list_id, **body)))


@blueprint.post("/<uuid:list_id>/return")
@acts("lists.approve", idempotent=True)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, ListSchema)
def send_back_list(body: dict[str, Any], list_id: UUID) -> Any:  # noqa: ANN401 - a row of lists
    """Send a submitted list back to the officer who prepared it."""
    _seen(list_id, "lists.approve")
    return _shown(handlers.send_back_list(current_work(), SendBackList(list_id, **body)))


@blueprint.post("/<uuid:list_id>/withdrawal")
@acts("lists.withdraw", idempotent=True)
@blueprint.arguments(ReasonSchema)
@blueprint.response(202, ListSchema)
def withdraw_list(body: dict[str, Any], list_id: UUID) -> Any:  # noqa: ANN401 - a row of lists
    """Ask for an approved list back; allocation says whether it is not too late."""
    _seen(list_id, "lists.withdraw")
    return _shown(handlers.withdraw_list(current_work(), WithdrawList(list_id, **body)))


def _reached(list_id: UUID, permission: str) -> Any:  # noqa: ANN401 - a row of lists
    connection = current_connection()
    row = queries.find_list(connection, list_id)
    ensure_reach(connection, current_principal(), permission, row.unit_id, business_day())
    return row


def _seen(list_id: UUID, permission: str) -> None:
    """The list is within reach and, where the caller says which version was seen, still at that version."""
    row = _reached(list_id, permission)
    if request.if_match:
        expect_version(row.version)


def _shown(changed: PaymentList) -> Any:  # noqa: ANN401 - a row of lists
    show_version(changed.version)
    return queries.find_list(current_connection(), changed.id)
