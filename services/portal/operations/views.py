"""How the system stands, and messages that could not be taken: shown, tried again, dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import requests
from flask import Blueprint, Response, abort, flash, request, url_for

from services.portal.calls.services import CONNECT_TIMEOUT_S, Away, Refused, Services
from services.portal.look.language import words
from services.portal.look.page import show
from services.portal.operations import model
from services.portal.operations.model import LISTENERS, PARTS, Backup, Part, Process
from services.portal.visits import guard
from services.portal.visits.guard import ask, current_visit, page, see_other
from shared.web.context import current_context

READ, ACT = "operations.read", "operations.act"
COUNTED_MAX = 100
PAGE_ROWS = 50
HOWS = ("retry", "drop")

blueprint = Blueprint("operations", __name__, template_folder="templates", url_prefix="/operations")


@blueprint.get("")
@page(READ)
def health() -> str:
    """Every part: whether it is ready, what lags behind it, what waits for an operator; each process and its
    last sign of life; the last backup.
    """
    log = _asked("audit", "/v1/log/sources")
    ready = {name: _services().is_ready(name) for name in PARTS}
    jobs = _asked("beneficiaries", "/v1/jobs", state="failed") if current_visit().may("jobs.read") else None
    return show(
        "operations/health.html",
        parts_=[_part(name, log, ready=ready[name]) for name in PARTS],
        processes=[one for name in PARTS for one in _processes(name, ready=ready[name])],
        log=log,
        jobs=jobs,
        backup=_backup(),
        listeners=LISTENERS,
        now=current_context().clock.now(),
    )


@blueprint.get("/quarantine/<service>")
@page(READ)
def quarantine(service: str) -> str:
    """The messages that a service could not take and nobody has dealt with, oldest first."""
    _ensure_listens(service)
    query = {"limit": PAGE_ROWS, "cursor": request.args.get("cursor")}
    found = ask().get(service, "/v1/quarantine", query)
    return show("operations/quarantine.html", service=service, found=found)


@blueprint.get("/quarantine/<service>/<int:number>")
@page(READ)
def message(service: str, number: int) -> str:
    """One message as it was received, why it could not be taken, and what can be done."""
    _ensure_listens(service)
    found = ask().get(service, f"/v1/quarantine/{number}")
    return show("operations/message.html", service=service, message=found)


@blueprint.get("/quarantine/<service>/<int:number>/<how>")
@page(ACT)
def ask_to_settle(service: str, number: int, how: str) -> str:
    """What trying again or dropping means, before it is done."""
    _ensure_listens(service, how)
    found = ask().get(service, f"/v1/quarantine/{number}")
    return show("operations/settle.html", service=service, message=found, how=how)


@blueprint.post("/quarantine/<service>/<int:number>/<how>")
@page(ACT)
def settle(service: str, number: int, how: str) -> Response:
    """The message is tried again, with those behind it, or will never take effect."""
    _ensure_listens(service, how)
    key = guard.act_key()
    if form := guard.not_confirmed():
        return form
    body = {"reason": request.form.get("reason", "")}
    done = ask().post(service, f"/v1/quarantine/{number}/{how}", body, key=key)
    if how == "drop":
        flash(words("operations.dropped", number=number))
    elif done["refused"] is None:
        flash(words("operations.retried", count=done["count"]))
    else:
        flash(words("operations.retried_until", count=done["count"], number=done["refused"]))
    return see_other(url_for("operations.quarantine", service=service))


def _ensure_listens(service: str, how: str = HOWS[0]) -> None:
    if service not in LISTENERS or how not in HOWS:
        abort(404)


def _processes(name: str, *, ready: bool) -> list[Process]:
    found = model.processes(name, ready=ready, signs=_asked(name, "/v1/processes") if ready else None)
    here = [Process(name, model.PAGES, age_s=0)] if name == "portal" else []  # this page comes from it
    return [*found, *here]


def _part(name: str, log: Mapping[str, Any] | None, *, ready: bool) -> Part:
    head = _asked(name, "/v1/journal/head") if ready else None
    aside = _asked(name, "/v1/quarantine", limit=COUNTED_MAX) if ready and name in LISTENERS else None
    return model.part(name, ready=ready, head=head, log=log, aside=aside)


def _asked(service: str, path: str, **query: object) -> Any:  # noqa: ANN401 - JSON
    """What a service shows; None where it does not answer, which the page tells in its place."""
    try:
        return ask().get(service, path, query)
    except (Away, Refused):
        return None


def _backup() -> Backup:
    url = str(current_context().parts["backup_metrics_url"])
    if not url:
        return Backup(told=False)
    try:
        reply = _services().connections.get(url, timeout=CONNECT_TIMEOUT_S)
    except requests.RequestException:
        return Backup(told=False)
    return model.backup_of(reply.text)


def _services() -> Services:
    return cast("Services", current_context().parts["services"])
