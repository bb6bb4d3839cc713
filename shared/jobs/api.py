"""How far a job is: done, total, rate, and what was wrong with which row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import Schema, fields
from sqlalchemy import Connection, select

from shared.jobs.tables import job_faults, jobs
from shared.kernel.errors import NotFound
from shared.web.acting import current_connection, reads
from shared.web.blueprint import Blueprint

FAULTS_SHOWN_MAX = 500

blueprint = Blueprint("jobs", __name__, url_prefix="/v1/jobs", description="Long work and how far it is.")


class JobFaultSchema(Schema):
    """One fault of one row."""

    row = fields.Integer(allow_none=True)
    column = fields.String(attribute="column_name", allow_none=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    value = fields.String(allow_none=True)


class JobSchema(Schema):
    """One job. Rate: units of work done in a second since it was begun."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    done = fields.Integer(required=True)
    total = fields.Integer(allow_none=True)
    rate = fields.Integer(allow_none=True)
    fault_count = fields.Integer(required=True)
    faults = fields.List(fields.Nested(JobFaultSchema), required=True)
    result = fields.Dict(allow_none=True)
    failure = fields.String(allow_none=True)


@blueprint.get("/<uuid:job_id>")
@reads("jobs.read")
@blueprint.response(200, JobSchema)
def show_job(job_id: UUID) -> dict[str, Any]:
    """One job with its first 500 faults."""
    return find_job(current_connection(), job_id)


def find_job(connection: Connection, job_id: UUID) -> dict[str, Any]:
    """A job as the API shows it.

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
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "done": row.done,
        "total": row.total,
        "rate": _rate(row),
        "fault_count": row.faults,
        "faults": faults,
        "result": row.result,
        "failure": row.failure,
    }


def _rate(row: Any) -> int | None:  # noqa: ANN401 - a row of the jobs table
    if row.started_at is None or row.finished_at is None:
        return None
    microseconds = int((row.finished_at - row.started_at).total_seconds() * 1_000_000)
    return row.done * 1_000_000 // microseconds if microseconds > 0 else None
