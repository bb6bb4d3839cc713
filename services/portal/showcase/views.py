"""Every part that pages are made of, on one page."""

from __future__ import annotations

from flask import Blueprint

from services.portal.look.page import show
from services.portal.visits.guard import page
from shared.web.acting import PUBLIC

blueprint = Blueprint("showcase", __name__, template_folder="templates")


@blueprint.get("/design")
@page(PUBLIC)
def design() -> str:
    """The parts of pages with what they look like and when they are used."""
    return show("showcase/design.html")
