"""The pages: composition root of one gunicorn worker. It holds no rule; it asks services as the visitor."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from flask import Flask

from services.portal import config
from services.portal.calls.services import Services
from services.portal.decisions.drafting import ANNEX
from services.portal.decisions.drafting import blueprint as drafting
from services.portal.decisions.paper import blueprint as papers
from services.portal.decisions.revising import ANNEX_AGAIN
from services.portal.decisions.revising import blueprint as revising
from services.portal.decisions.views import blueprint as decisions
from services.portal.entrance.views import blueprint as entrance
from services.portal.evidence.views import blueprint as evidence
from services.portal.home.views import blueprint as home
from services.portal.look import page as look
from services.portal.look.rooms import Room
from services.portal.money.views import blueprint as money
from services.portal.months.registers import REGISTER
from services.portal.months.statements import STATEMENT
from services.portal.months.views import blueprint as months
from services.portal.operations.views import blueprint as operations
from services.portal.refusals import REFUSALS
from services.portal.sessions.tokens import load_issuer
from services.portal.showcase.views import blueprint as showcase
from services.portal.uploads import files
from services.portal.uploads.api import blueprint as uploads
from services.portal.users.factors import load_factors
from services.portal.visits import errors, guard
from services.portal.visits.handlers import Desk
from services.portal.visits.provider import Provider, provider_of
from shared.kernel.clock import SystemClock
from shared.kernel.sealing import Sealer
from shared.settings import Settings
from shared.web import server
from shared.web.app import build_app
from shared.web.auth import TokenVerifier, keys_from
from shared.web.context import Context, get_keys, make_context

FORM_BYTES_MAX = 24 * 1024 * 1024  # an annex or an answer of a provider, with its fields
FORM_PARTS_MAX = 5_000  # a table of some hundred lines
TYPED_BYTES_MAX = 4 * 1024 * 1024
VISIT_LIFETIME = timedelta(days=30)
ROOMS = (
    Room("/", "look.room_home", "signed_in"),
    Room("/decisions", "look.room_decisions", "decisions.read"),
    Room("/money", "look.room_money", "ledger.read"),
    Room("/months", "look.room_months", "lists.read"),
    Room("/evidence", "look.room_evidence", "audit.search"),
    Room("/operations", "look.room_operations", "operations.read"),
)
FILES = (ANNEX, ANNEX_AGAIN, REGISTER, STATEMENT)
BLUEPRINTS = (
    home,
    entrance,
    showcase,
    uploads,
    decisions,
    drafting,
    revising,
    papers,
    money,
    months,
    evidence,
    operations,
)


def create_app(settings: Settings) -> Flask:
    """The application, ready to show pages."""
    desk = Desk(
        load_issuer(settings.issuer, settings.audience, settings.keys_dir),
        load_factors(settings.keys_dir),
        Sealer(config.key(settings.keys_dir, config.VISITS_KEY_FILE)),
        _provider(settings.audience),
    )
    parts: dict[str, Any] = {
        "desk": desk,
        "services": Services(config.addresses(os.environ)),
        "backup_metrics_url": config.backup_metrics_url(os.environ),
    }
    context = make_context("portal", settings, REFUSALS, parts)
    secure = config.pages_url(os.environ).startswith("https://")
    return build_pages(context, config.key(settings.keys_dir, config.COOKIE_KEY_FILE), secure=secure)


def build_pages(context: Context, cookie_key: bytes, *, secure: bool) -> Flask:
    """The pages over a context whose parts are a `desk` and the `services`.

    With `secure` their cookies travel over TLS alone.
    """
    app = build_app(context, [])
    app.config.update(
        ROOMS=ROOMS,
        SECRET_KEY=cookie_key,
        MAX_CONTENT_LENGTH=FORM_BYTES_MAX,
        MAX_FORM_PARTS=FORM_PARTS_MAX,
        MAX_FORM_MEMORY_SIZE=TYPED_BYTES_MAX,
        PERMANENT_SESSION_LIFETIME=VISIT_LIFETIME,
        SESSION_COOKIE_NAME="__Host-fundtrail" if secure else "fundtrail",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # the session has an end; a form that outlives it is kept
        WTF_CSRF_SSL_STRICT=secure,
    )
    look.install(app)
    guard.install(app)
    errors.install(app)
    files.install(app, FILES)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if (provider := context.parts["desk"].provider) is not None:
        provider.serve(app)
    return app


def _provider(audience: str) -> Provider | None:
    told = config.provider(os.environ)
    if not told:
        return None
    verifier = TokenVerifier(told["issuer"], audience, keys_from(told["keys"], get_keys), SystemClock())
    return provider_of(told, verifier)


def serve(settings: Settings) -> int:
    """The exit status once the pages were told to stop."""
    return server.serve(settings, create_app)
