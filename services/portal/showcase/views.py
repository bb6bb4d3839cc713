"""Every part that pages are made of, on one page."""

from __future__ import annotations

from flask import Blueprint

from services.portal.look.language import words
from services.portal.look.page import show
from services.portal.visits.guard import here, page
from services.portal.visits.model import Kept
from shared.web.acting import PUBLIC

blueprint = Blueprint("showcase", __name__, template_folder="templates")


@blueprint.get("/design")
@page(PUBLIC)
def design() -> str:
    """The parts of pages with what they look like and when they are used."""
    return show("showcase/design.html", kept=_refused())


def _refused() -> Kept:
    """A form that was refused: what is wrong stands above the page, linked to its fields, and under each."""
    faults = [
        {"pointer": "/sample", "code": "unit_unknown", "value": "Xa Tra Lin", "cure": words("showcase.cure")},
        {"pointer": "/words", "code": "field_required"},
    ]
    return Kept(here(), here(), {}, "request_invalid", faults=faults)
