"""What providers answered: statements, rows that match nothing, and the lists they are silent about."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, flash, request, url_for

from services.portal.look.language import words
from services.portal.look.page import show
from services.portal.months import model
from services.portal.months.asking import PAGE_ROWS, SERVICE, filtered, job, provider_names, unit_names
from services.portal.uploads import files
from services.portal.uploads.model import Form
from services.portal.visits import guard
from services.portal.visits.guard import ask, page, see_other

STATEMENT = Form("/months/statements", "results.upload", 160 * 1024 * 1024)  # two million lines of a table
CODES = (
    "payment_unknown",
    "amount_differs",
    "line_repeated",
    "outcome_exists",
    "settled_after_return",
    "list_not_instructed",
    "unit_foreign",
    "provider_foreign",
    "currency_unknown",
    "value_date_missing",
)

blueprint = Blueprint("statements", __name__)


@blueprint.get("/statements")
@page("results.read")
def statements() -> str:
    """The statements, the newest first, and the form for another one."""
    query = {"limit": PAGE_ROWS, "cursor": request.args.get("cursor")}
    found = ask().get(SERVICE, "/v1/statements", query)
    return show("months/statements.html", statements=found, providers=provider_names())


@blueprint.post("/statements")
@page("results.upload")
def receive() -> Response:
    """The statement is taken in and being matched."""
    file = files.came(STATEMENT)
    if file is None:
        return guard.return_form("file_missing")
    query = {"provider": request.form.get("provider", "")}
    made = ask().upload(SERVICE, "/v1/statements", file, key=guard.act_key(), query=query)
    files.used_up(file)
    flash(words("months.statement_received"))
    return see_other(url_for(".statement", statement_id=made["statement_id"]))


@blueprint.get("/statements/<uuid:statement_id>")
@page("results.read")
def statement(statement_id: UUID) -> str:
    """One statement: how far it is, what matched, and the rows that wait for a person."""
    shown = ask().get(SERVICE, f"/v1/statements/{statement_id}")
    only_open = request.args.get("open", "")
    query = {"limit": PAGE_ROWS, "cursor": request.args.get("cursor"), "open": only_open}
    matching = job(shown["job_id"])
    return show(
        "months/statement.html",
        statement=shown,
        job=matching,
        pace=model.pace(matching) if matching else None,
        rows=ask().get(SERVICE, f"/v1/statements/{statement_id}/unmatched", query),
        only_open=only_open,
        providers=provider_names(),
        moves=shown["state"] != "told" and not (matching and matching["state"] == "failed"),
    )


@blueprint.post("/statements/<uuid:statement_id>/rows/<int:row>")
@page("results.upload")
def explain(statement_id: UUID, row: int) -> Response:
    """The row is explained and waits for nobody any more."""
    path = f"/v1/statements/{statement_id}/unmatched/{row}/explanation"
    ask().post(SERVICE, path, {"reason": request.form.get("reason", "").strip()}, key=guard.act_key())
    flash(words("months.row_explained", row=row))
    return see_other(guard.back(url_for(".statement", statement_id=statement_id)))


@blueprint.get("/discrepancies")
@page("results.read")
def discrepancies() -> str:
    """Every row of every statement that waits for a person."""
    chosen = {name: request.args.get(name, "") for name in ("provider", "code")}
    query = {"limit": PAGE_ROWS, "cursor": request.args.get("cursor"), **chosen}
    return show(
        "months/discrepancies.html",
        rows=ask().get(SERVICE, "/v1/discrepancies", query),
        chosen=chosen,
        codes=CODES,
        providers=provider_names(),
        path=filtered(chosen),
    )


@blueprint.get("/unanswered")
@page("results.read")
def unanswered() -> str:
    """The lists about which a provider is silent, and for how long."""
    chosen = {name: request.args.get(name, "") for name in ("provider", "days")}
    days = chosen["days"] if chosen["days"].isdecimal() else ""
    query = {"limit": PAGE_ROWS, "cursor": request.args.get("cursor"), **chosen, "days": days}
    return show(
        "months/unanswered.html",
        lists=ask().get(SERVICE, "/v1/unanswered", query),
        chosen=chosen,
        units=unit_names(),
        providers=provider_names(),
        path=filtered(chosen),
    )
