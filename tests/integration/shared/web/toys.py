# mypy: disallow-untyped-decorators=False
"""A small API that uses everything the web kernel offers; it stands for any feature's `api.py`."""

from __future__ import annotations

import threading
from typing import Any

from flask_smorest.fields import Upload
from marshmallow import Schema, fields
from sqlalchemy import text

from shared.kernel.errors import Fault, NotFound, Rejected
from shared.kernel.ids import new_id
from shared.web.acting import (
    PUBLIC,
    SIGNED_IN,
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
from shared.web.schemas import Closed, PageQuery, TextField, VndField, page_of
from shared.web.uploads import content_of
from tests.integration.shared.conftest import Counted

blueprint = Blueprint("toys", __name__, url_prefix="/v1/toys", description="Toys.")

entered, go_on = threading.Event(), threading.Event()


class MakeToySchema(Closed):
    """What a toy needs."""

    name = TextField(40, required=True)
    amount_vnd = VndField(required=True)


class ToySchema(Schema):
    """A toy."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    amount_vnd = fields.Integer(required=True)
    made_on = fields.Date(required=True)


class FileSchema(Closed):
    """A file."""

    file = Upload(required=True)


class SizeSchema(Schema):
    """How large something is."""

    size = fields.Integer(required=True)


ToyPageSchema = page_of(ToySchema, "ToyPage")


@blueprint.post("")
@acts("toys.make", idempotent=True)
@blueprint.arguments(MakeToySchema)
@blueprint.response(201, ToySchema)
def make_toy(body: dict[str, Any]) -> dict[str, Any]:
    """Make a toy."""
    work = current_work()
    if body["name"] == "slow":
        entered.set()
        go_on.wait(20)
    if body["name"] == "refused":
        fault = Fault("too_dear", "It costs too much.", "/amount_vnd", value="7", cure="Ask for less.")
        raise Rejected("toy_refused", "This toy is refused.", [fault])
    if body["name"] == "crash":
        raise ZeroDivisionError("secret words of a stack trace")
    work.connection.execute(text("INSERT INTO effects (key, value) VALUES (:name, :amount_vnd)"), body)
    work.record(Counted(body["name"], body["amount_vnd"]))
    return {"id": new_id(), "made_on": work.act.business_date, **body}


@blueprint.get("")
@reads("toys.read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ToyPageSchema)
def list_toys(query: dict[str, Any]) -> dict[str, Any]:
    """No toys at all, as known on a day."""
    count = current_connection().scalar(text("SELECT count(*) FROM effects"))
    return {"items": [], "next_cursor": f"{count} {business_day()} {query['limit']}"}


@blueprint.put("/<name>")
@acts("toys.make")
@blueprint.response(204)
def change_toy(name: str) -> None:
    """Change a toy that stands at version 3."""
    if name == "unknown":
        raise NotFound("toy_unknown", "There is no such toy.")
    expect_version(3)
    current_work().record(Counted(name, 4))
    show_version(4)


@blueprint.post("/file")
@acts("toys.make", files=True)
@blueprint.arguments(FileSchema, location="files")
@blueprint.response(200, SizeSchema)
def take_file(files: dict[str, Any]) -> dict[str, int]:
    """The size of a file."""
    return {"size": len(content_of(files["file"]))}


@blueprint.get("/open")
@reads(PUBLIC)
def show_openly() -> dict[str, bool]:
    """Anybody may ask this."""
    return {"open": True}


@blueprint.get("/me")
@reads(SIGNED_IN)
def show_me() -> dict[str, str]:
    """Who asks."""
    return {"subject": current_principal().subject}
