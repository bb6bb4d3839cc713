"""How far jobs are: done, total, rate, and what was wrong with which row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate
from sqlalchemy import Connection, Row, literal, select, tuple_

from shared.jobs.tables import job_faults, jobs
from shared.kernel.errors import NotFound
from shared.web.acting import current_connection, reads
from shared.web.blueprint import Blueprint
from shared.web.context import current_context
from shared.web.pages import Page, decode, page
from shared.web.schemas import PageQuery, page_of

FAULTS_SHOWN_MAX = 500
STATES = ("queued", "running", "done", "failed")

blueprint = Blueprint("jobs", __name__, url_prefix="/v1/jobs", description="Long work and how far it is.")


class JobFaultSchema(Schema):
    """One fault of one row."""

    row = fields.Integer(allow_none=True)
    column = fields.String(attribute="column_name", allow_none=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    value = fields.String(allow_none=True)


class JobLineSchema(Schema):
    """How far one job is. Rate: units of work done in a second since it was begun, until now or its end."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    done = fields.Integer(required=True)
    total = fields.Integer(allow_none=True)
    rate = fields.Integer(allow_none=True)
    fault_count = fields.Integer(required=True)
    failure = fields.String(allow_none=True)
    created_at = fields.DateTime(required=True)
    started_at = fields.DateTime(allow_none=True)
    finished_at = fields.DateTime(allow_none=True)


class JobSchema(JobLineSchema):
    """One job with what was wrong with which row, and what came of it."""

    faults = fields.List(fields.Nested(JobFaultSchema), required=True)
    result = fields.Dict(allow_none=True)


class JobsQuery(PageQuery):
    """Which jobs: all, or those in a state."""

    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


JobPageSchema = page_of(JobLineSchema, "JobPage")


@blueprint.get("")
@reads("jobs.read")
@blueprint.arguments(JobsQuery, location="query")
@blueprint.response(200, JobPageSchema)
def list_jobs(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """The jobs, the newest first."""
    wanted = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(query["limit"] + 1)
    if query["state"]:
        wanted = wanted.where(jobs.c.state == query["state"])
    after = decode(query["cursor"], datetime, UUID)
    if after is not None:
        wanted = wanted.where(tuple_(jobs.c.created_at, jobs.c.id) < tuple_(*map(literal, after)))
    now = current_context().clock.now()
    found = [_line(row, now) for row in current_connection().execute(wanted)]
    return page(found, query["limit"], lambda one: [one["created_at"].isoformat(), str(one["id"])])


@blueprint.get("/<uuid:job_id>")
@reads("jobs.read")
@blueprint.response(200, JobSchema)
def show_job(job_id: UUID) -> dict[str, Any]:
    """One job with its first 500 faults."""
    return find_job(current_connection(), job_id, current_context().clock.now())


def find_job(connection: Connection, job_id: UUID, now: datetime | None = None) -> dict[str, Any]:
    """A job as the API shows it; one that is not done has a rate where `now` is given.

    Raises: NotFound.
    """
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    if row is None:
        raise NotFound("job_unknown", f"There is no job {job_id}.")
    faults = connection.execute(
        select(job_faults)
        .where(job_faults.c.job_id == job_id)
        .order_by(job_faults.c.number)
        .limit(FAULTS_SHOWN_MAX)
    ).all()
    return {**_line(row, now), "faults": faults, "result": row.result}


def _line(row: Row[Any], now: datetime | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "done": row.done,
        "total": row.total,
        "rate": _rate(row, now),
        "fault_count": row.faults,
        "failure": row.failure,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def _rate(row: Row[Any], now: datetime | None) -> int | None:
    until = row.finished_at or now
    if row.started_at is None or until is None:
        return None
    microseconds = (until - row.started_at) // timedelta(microseconds=1)
    return row.done * 1_000_000 // microseconds if microseconds > 0 else None
