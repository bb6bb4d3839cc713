"""Reading register files, a page at a time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from services.beneficiaries.register.model import ENTER, READ, job_of
from services.beneficiaries.register.tables import registrations
from shared.kernel.errors import NotFound
from shared.web.pages import Page, decode, page


def find_registration(connection: Connection, registration_id: UUID) -> dict[str, Any]:
    """One register file with its jobs. Raises: NotFound registration_unknown."""
    row = (
        connection.execute(select(registrations).where(registrations.c.id == registration_id))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound("registration_unknown", f"There is no registration {registration_id}.")
    return _shown(row)


def registrations_of(connection: Connection, query: dict[str, Any]) -> Page[dict[str, Any]]:
    """The register files in the order in which they came."""
    wanted = select(registrations).order_by(registrations.c.id).limit(query["limit"] + 1)
    if query["state"]:
        wanted = wanted.where(registrations.c.state == query["state"])
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(registrations.c.id > after[0])
    found = connection.execute(wanted).mappings().all()
    return page([_shown(row) for row in found], query["limit"], lambda one: [str(one["id"])])


def _shown(row: RowMapping) -> dict[str, Any]:
    entering = row["decided_by"] is not None and row["state"] != "rejected"
    return {
        **row,
        "reading_job_id": job_of(READ, row["id"]),
        "entering_job_id": job_of(ENTER, row["id"]) if entering else None,
    }
