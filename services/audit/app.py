"""The audit service's API: composition root of one gunicorn worker."""

from __future__ import annotations

from flask import Flask

from services.audit.log.api import blueprint as log
from services.audit.refusals import REFUSALS
from services.audit.search.api import blueprint as search
from shared.settings import Settings
from shared.web import server
from shared.web.app import build_app
from shared.web.context import make_context


def create_app(settings: Settings) -> Flask:
    """The application, ready to serve."""
    return build_app(make_context("audit", settings, REFUSALS), [log, search])


def serve(settings: Settings) -> int:
    """The exit status once the API was told to stop."""
    return server.serve(settings, create_app)
