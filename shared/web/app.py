"""The Flask application that every service shares: blueprints, errors, limits, health, what lags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram
from sqlalchemy import text

from shared.journal import positions
from shared.kernel.errors import Unavailable
from shared.kernel.ids import new_id
from shared.signs import store as signs
from shared.telemetry import exposition, tracing
from shared.web import admission, problems
from shared.web.acting import PUBLIC, current_connection, reads
from shared.web.blueprint import Blueprint
from shared.web.context import EXTENSION, Context, current_context
from shared.web.schemas import JournalHeadSchema, ProcessesSchema

BODY_BYTES_MAX = 1024 * 1024
FORM_PARTS_MAX = 150  # a form may name 100 rows beside its fields and its file
PLAIN = "text/plain"
OPERATIONS = "operations.read"
A_TEXT = {"type": "string"}

REQUESTS = Counter("fundtrail_http_requests_total", "Requests answered.", ["service", "method", "status"])
SECONDS = Histogram("fundtrail_http_request_seconds", "Time to answer a request.", ["service", "method"])

log = structlog.get_logger(__name__)
system = Blueprint("system", __name__, description="Health of the process and how far its journal was sent.")


def build_app(context: Context, blueprints: Sequence[Blueprint]) -> Flask:
    """One service's application.

    Bounds: a body of at most 1 MiB, unless a view that takes files raises it for itself.
    """
    app = Flask(context.service, static_folder=None)
    app.config.update(
        API_TITLE=f"Fundtrail {context.service}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        MAX_CONTENT_LENGTH=BODY_BYTES_MAX,
        MAX_FORM_PARTS=FORM_PARTS_MAX,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.extensions[EXTENSION] = context
    problems.register(app)
    api = problems.ProblemApi(app)
    for blueprint in (system, *blueprints):
        api.register_blueprint(blueprint)
    app.before_request(_begin)
    app.after_request(_finish)
    admission.install(app)
    if tracing.is_on():
        app.wsgi_app = tracing.traced(app.wsgi_app)  # type: ignore[method-assign, assignment]
    return app


@system.get("/livez")
@system.response(200, A_TEXT, content_type=PLAIN, description="It does.")
def live() -> Response:
    """The process runs."""
    return Response("ok\n", content_type=PLAIN)


@system.get("/readyz")
@system.response(200, A_TEXT, content_type=PLAIN, description="It can.")
@system.alt_response(503, schema=A_TEXT, content_type=PLAIN, description="Not now; the text says why.")
def ready() -> Response:
    """The process can do its work: its database answers."""
    try:
        with current_context().unit_of_work.reading() as connection:
            connection.execute(text("SELECT 1"))
    except Unavailable as error:
        return Response(f"{error.message}\n", 503, content_type=PLAIN)
    return Response("ok\n", content_type=PLAIN)


@system.get("/metrics")
@system.response(200, A_TEXT, content_type=CONTENT_TYPE_LATEST, description="The exposition format.")
def metrics() -> Response:
    """Figures for Prometheus."""
    return Response(exposition.page(), content_type=CONTENT_TYPE_LATEST)


@system.get("/v1/journal/head")
@reads(PUBLIC)
@system.response(200, JournalHeadSchema)
def journal_head() -> dict[str, Any]:
    """How many rows the journal holds and how many of them were sent."""
    connection = current_connection()
    sent = positions.cursor(connection)
    return {
        "service": current_context().service,
        "epoch": positions.epochs(connection)[-1].epoch,
        "position": positions.head(connection),
        "sent": sent.position,
    }


@system.get("/v1/processes")
@reads(OPERATIONS)
@system.response(200, ProcessesSchema)
def list_processes() -> dict[str, Any]:
    """The processes of the service beside its API, each with its last sign of life."""
    return {"items": signs.read(current_connection())}


def _begin() -> None:
    g.started_at = current_context().clock.now()
    structlog.contextvars.bind_contextvars(request_id=str(new_id()))


def _finish(response: Response) -> Response:
    context = current_context()
    seconds = (context.clock.now() - g.started_at).total_seconds()
    REQUESTS.labels(context.service, request.method, response.status_code).inc()
    SECONDS.labels(context.service, request.method).observe(seconds)
    tracing.current().answered(request.method, str(request.url_rule or "unknown"), response.status_code)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    log.info(
        "answered", method=request.method, path=request.path, status=response.status_code, seconds=seconds
    )
    structlog.contextvars.unbind_contextvars("request_id")
    return response
