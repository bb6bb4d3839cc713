"""The API of allocation: composition root of one gunicorn worker."""

from __future__ import annotations

from flask import Flask

from services.allocation.units.api import blueprint as units
from shared.service import make_context
from shared.settings import Settings
from shared.web.app import build_app


def create_app(settings: Settings) -> Flask:
    """The application, ready to serve."""
    return build_app(make_context("allocation", settings), [units])
