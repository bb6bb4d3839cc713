"""The audit service's API: composition root of one gunicorn worker."""

from __future__ import annotations

from flask import Flask

from services.audit.log.api import blueprint as log
from services.audit.refusals import REFUSALS
from services.audit.search.api import blueprint as search
from shared.service import make_context
from shared.settings import Settings
from shared.web.app import build_app


def create_app(settings: Settings) -> Flask:
    """The application, ready to serve."""
    return build_app(make_context("audit", settings, REFUSALS), [log, search])
