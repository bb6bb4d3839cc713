"""Reading register files, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, select

from services.beneficiaries.register.model import ENTER, READ, SEALED, job_of
from services.beneficiaries.register.tables import changes, persons, registrations
from shared.db.many import one_of
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


def find_change(connection: Connection, change_id: UUID) -> dict[str, Any]:
    """One reported change. Raises: NotFound change_unknown."""
    row = connection.execute(_reported().where(changes.c.id == change_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("change_unknown", f"There is no request for change {change_id}.")
    return _without_sealed(row)


def changes_of(connection: Connection, units: Sequence[UUID], query: dict[str, Any]) -> Page[dict[str, Any]]:
    """The changes reported about persons of some communes, the newest first."""
    wanted = _reported().where(one_of(persons.c.commune_id, units))
    wanted = wanted.order_by(changes.c.id.desc()).limit(query["limit"] + 1)
    if query["state"]:
        wanted = wanted.where(changes.c.state == query["state"])
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(changes.c.id < after[0])
    found = [_without_sealed(row) for row in connection.execute(wanted).mappings()]
    return page(found, query["limit"], lambda one: [str(one["id"])])


def with_persons(connection: Connection, units: Sequence[UUID], shown: Page[Any]) -> Page[dict[str, Any]]:
    """The same rows, each with the `person` it is about, or None where that one lives in none of the units.

    Shape: each row is a row of a statement or a mapping, and has a `person_id`.
    """
    rows = [dict(getattr(row, "_mapping", row)) for row in shown.items]
    ids = {row["person_id"] for row in rows}
    wanted = select(persons).where(one_of(persons.c.id, ids), one_of(persons.c.commune_id, units))
    known = {row["id"]: row for row in connection.execute(wanted).mappings()} if units else {}
    return Page([{**row, "person": known.get(row["person_id"])} for row in rows], shown.next_cursor)


def _reported() -> Select[Any]:
    return select(changes, persons.c.number.label("person_number"), persons.c.commune_id).join(
        persons, persons.c.id == changes.c.person_id
    )


def _without_sealed(row: RowMapping) -> dict[str, Any]:
    return {**row, "details": {} if SEALED in row["details"] else row["details"]}


def _shown(row: RowMapping) -> dict[str, Any]:
    entering = row["decided_by"] is not None and row["state"] != "rejected"
    return {
        **row,
        "reading_job_id": job_of(READ, row["id"]),
        "entering_job_id": job_of(ENTER, row["id"]) if entering else None,
    }
