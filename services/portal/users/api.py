"""Accounts over HTTP."""

from __future__ import annotations

from typing import Any

from services.portal.users import handlers, queries
from services.portal.users.commands import Assignment, CreateUser
from services.portal.users.handlers import NewUser
from services.portal.users.schemas import (
    ContactQuery,
    ContactsSchema,
    CreatedUserSchema,
    NewUserSchema,
)
from shared.kernel.ids import new_id
from shared.web.acting import acts, business_day, current_connection, current_work, reads
from shared.web.blueprint import Blueprint
from shared.web.context import current_context

blueprint = Blueprint("users", __name__, url_prefix="/v1", description="Accounts and the roles they hold.")


@blueprint.post("/users")
@acts("users.manage")
@blueprint.arguments(NewUserSchema)
@blueprint.response(201, CreatedUserSchema)
def create_user(body: dict[str, Any]) -> NewUser:
    """Make an account; its TOTP secret is shown this once."""
    held = tuple(Assignment(**one) for one in body.pop("assignments"))
    command = CreateUser(user_id=new_id(), assignments=held, **body)
    return handlers.create_user(current_work(), current_context().parts["factors"], command)


@blueprint.get("/contacts")
@reads("contacts.read")
@blueprint.arguments(ContactQuery, location="query")
@blueprint.response(200, ContactsSchema)
def contacts(query: dict[str, Any]) -> dict[str, Any]:
    """How to reach the holders of a permission for a unit."""
    found = queries.holders(current_connection(), query["permission"], query["unit_id"], business_day())
    return {"items": found}
