"""Register files: sent, read, looked at, and confirmed or refused by another person."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, flash, request, url_for

from services.portal.look.language import words
from services.portal.look.page import show
from services.portal.months import model
from services.portal.months.asking import PAGE_ROWS, SERVICE, filtered, job
from services.portal.uploads import files
from services.portal.uploads.model import Form
from services.portal.visits import guard
from services.portal.visits.guard import ask, page, see_other

REGISTER = Form("/months/registers", "persons.import", 20 * 1024 * 1024)
STATES = ("reading", "prepared", "approved", "entered", "rejected")
VERDICT = "<any(approval,rejection):verdict>"
MOVING = frozenset({"reading", "approved"})

blueprint = Blueprint("registers", __name__, url_prefix="/registers")


@blueprint.get("")
@page("persons.read")
def registers() -> str:
    """The register files that were sent, and the form for another one."""
    state = request.args.get("state", "")
    query = {"limit": PAGE_ROWS, "cursor": request.args.get("cursor"), "state": state}
    found = ask().get(SERVICE, "/v1/registrations", query)
    return show(
        "months/registers.html",
        registers=found,
        state=state,
        states=STATES,
        path=filtered({"state": state}),
    )


@blueprint.post("")
@page("persons.import")
def send() -> Response:
    """The file is being read; a trial stores nothing of it."""
    file = files.came(REGISTER)
    if file is None:
        return guard.return_form("file_missing")
    trial = request.form.get("dry_run") == "yes"
    query = {"dry_run": "true"} if trial else {}
    made = ask().upload(SERVICE, "/v1/persons/imports", file, key=guard.act_key(), query=query)
    files.used_up(file)
    if trial:
        return see_other(url_for(".trial", job_id=made["job_id"]))
    flash(words("months.register_sent"))
    return see_other(url_for(".register", registration_id=made["registration_id"]))


@blueprint.get("/trials/<uuid:job_id>")
@page("jobs.read")
def trial(job_id: UUID) -> str:
    """What is wrong with which row of a file that was only tried."""
    shown = ask().get(SERVICE, f"/v1/jobs/{job_id}")
    return show("months/trial.html", job=shown, pace=model.pace(shown))


@blueprint.get("/<uuid:registration_id>")
@page("persons.read")
def register(registration_id: UUID) -> str:
    """One register file: how far it is, how many rows are sound, what is wrong with the others."""
    shown = ask().get(SERVICE, f"/v1/registrations/{registration_id}")
    reading = job(shown["reading_job_id"])
    entering = job(shown["entering_job_id"]) if shown["entering_job_id"] else None
    working = entering or reading
    return show(
        "months/register.html",
        register=shown,
        reading=reading,
        job=working,
        pace=model.pace(working) if working else None,
        moves=shown["state"] in MOVING and not (working and working["state"] == "failed"),
    )


@blueprint.get(f"/<uuid:registration_id>/{VERDICT}")
@page("persons.approve")
def ask_verdict(registration_id: UUID, verdict: str) -> str:
    """What a decision on the file means, before it is taken."""
    shown = ask().get(SERVICE, f"/v1/registrations/{registration_id}")
    return show("months/register_verdict.html", register=shown, verdict=verdict)


@blueprint.post(f"/<uuid:registration_id>/{VERDICT}")
@page("persons.approve")
def decide(registration_id: UUID, verdict: str) -> Response:
    """The file is confirmed and being entered, or refused."""
    if form := guard.not_confirmed():
        return form
    body = {"reason": request.form.get("reason", "").strip()} if verdict == "rejection" else None
    ask().post(SERVICE, f"/v1/registrations/{registration_id}/{verdict}", body, key=guard.act_key())
    flash(words(f"months.register_{verdict}_done"))
    return see_other(url_for(".register", registration_id=registration_id))
