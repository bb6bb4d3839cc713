"""The API of allocation: composition root of one gunicorn worker."""

from __future__ import annotations

from flask import Flask

from services.allocation import parts
from services.allocation.decisions.api import blueprint as decisions
from services.allocation.ledger.api import blueprint as ledger
from services.allocation.legal_bases.api import blueprint as legal_bases
from services.allocation.listening import HANDLERS
from services.allocation.refusals import REFUSALS
from services.allocation.treasury.api import blueprint as treasury
from services.allocation.units.api import blueprint as units
from services.allocation.year_end.api import blueprint as year_end
from shared.inbox.api import HANDLERS_PART
from shared.inbox.api import blueprint as quarantine
from shared.settings import Settings
from shared.web import server
from shared.web.app import build_app
from shared.web.context import make_context


def create_app(settings: Settings) -> Flask:
    """The application, ready to serve."""
    known = {"documents": parts.documents(settings), HANDLERS_PART: HANDLERS}
    context = make_context("allocation", settings, REFUSALS, known)
    return build_app(context, [units, legal_bases, ledger, year_end, decisions, treasury, quarantine])


def serve(settings: Settings) -> int:
    """The exit status once the API was told to stop."""
    return server.serve(settings, create_app)
