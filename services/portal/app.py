"""The portal's API: composition root of one gunicorn worker."""

from __future__ import annotations

from flask import Flask

from services.portal.listening import HANDLERS
from services.portal.refusals import REFUSALS
from services.portal.sessions.api import blueprint as sessions
from services.portal.sessions.tokens import load_issuer
from services.portal.users.api import blueprint as users
from services.portal.users.factors import load_factors
from shared.inbox.api import HANDLERS_PART
from shared.inbox.api import blueprint as quarantine
from shared.settings import Settings
from shared.web import server
from shared.web.app import build_app
from shared.web.context import make_context


def create_app(settings: Settings) -> Flask:
    """The application, ready to serve."""
    issuer = load_issuer(settings.issuer, settings.audience, settings.keys_dir)
    factors = load_factors(settings.keys_dir)
    parts = {"issuer": issuer, "factors": factors, HANDLERS_PART: HANDLERS}
    return build_app(make_context("portal", settings, REFUSALS, parts), [sessions, users, quarantine])


def serve(settings: Settings) -> int:
    """The exit status once the API was told to stop."""
    return server.serve(settings, create_app)
