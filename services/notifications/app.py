"""The API of notifications: composition root of one gunicorn worker."""

from __future__ import annotations

from flask import Flask

from services.notifications.deliveries.api import blueprint as deliveries
from services.notifications.listening import HANDLERS
from shared.inbox.api import HANDLERS_PART
from shared.inbox.api import blueprint as quarantine
from shared.settings import Settings
from shared.web import server
from shared.web.app import build_app
from shared.web.context import make_context


def create_app(settings: Settings) -> Flask:
    """The application, ready to serve."""
    return build_app(
        make_context("notifications", settings, parts={HANDLERS_PART: HANDLERS}), [deliveries, quarantine]
    )


def serve(settings: Settings) -> int:
    """The exit status once the API was told to stop."""
    return server.serve(settings, create_app)
