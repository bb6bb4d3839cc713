"""What every page shares: templates and their words, assets, and headers that let nothing foreign in.

Source: CSP level 3; no script or style stands in a page, so `self` is all that is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flask import Blueprint, Flask, Response, abort, current_app, g, render_template, request, url_for
from flask_babel import Babel
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader

from services.portal.look import assets, formats, language, refusals

EXTENSION = "fundtrail-assets"
FORM_TARGETS = "FORM_TARGETS"  # other origins to which a form may lead, such as that of another issuer
POLICY = (  # beside where forms may lead: `form-action`, which holds for redirects behind them too
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; manifest-src 'none'"
)
HEADERS: Mapping[str, str] = {
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
YEAR_S = 31_536_000

blueprint = Blueprint("look", __name__, template_folder="templates")


def install(app: Flask) -> None:
    """The application can show pages."""
    app.extensions[EXTENSION] = {one.name: (name, one) for name, one in assets.load().items()}
    Babel(app, default_locale=language.DEFAULT, locale_selector=_language)
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    govuk = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    app.jinja_loader = ChoiceLoader([*filter(None, [app.jinja_loader]), govuk])
    env.globals.update(_=language.words, asset=asset_url, scale=formats.scale, language=language.current)
    env.globals.update(said=refusals.said)
    env.filters.update(
        money=formats.money,
        dong=formats.dong,
        whole=formats.whole,
        day=formats.day,
        typed_day=formats.typed_day,
        moment=formats.moment,
        month=formats.month,
        megabytes=formats.megabytes,
        in_order=formats.in_order,
        named=named,
        said_fault=refusals.said_fault,
        said_failure=refusals.said_failure,
    )
    app.register_blueprint(blueprint)
    app.after_request(_guarded)


def named(code: str, group: str) -> str:
    """The words for a code of the services, such as a state; the code itself where there are none."""
    key = f"{group}.{code}"
    words = language.words(key)
    return code if words == key else words


def asset_url(name: str) -> str:
    """Where a browser finds an asset, under a name that changes with its content."""
    found = next(one for plain, one in _assets().values() if plain == name)
    return url_for("look.asset", name=found.name)


@blueprint.get("/assets/<name>")
def asset(name: str) -> Response:
    """One asset, compressed for who takes that."""
    if name not in _assets():
        abort(404)
    _, found = _assets()[name]
    zipped = "gzip" in request.headers.get("Accept-Encoding", "")
    reply = Response(found.zipped if zipped else found.content, content_type=found.media_type)
    if zipped:
        reply.headers["Content-Encoding"] = "gzip"
    reply.headers["Vary"] = "Accept-Encoding"
    reply.headers["Cache-Control"] = assets.FOR_EVER
    return reply


asset.permission = "public"  # type: ignore[attr-defined]


def _assets() -> dict[str, tuple[str, assets.Asset]]:
    return cast("dict[str, tuple[str, assets.Asset]]", current_app.extensions[EXTENSION])


def _language() -> str:
    return str(getattr(g, "language", "") or language.DEFAULT)


def _guarded(reply: Response) -> Response:
    for name, value in HEADERS.items():
        reply.headers[name] = value
    targets = " ".join(["'self'", *current_app.config.get(FORM_TARGETS, ())])
    reply.headers["Content-Security-Policy"] = f"{POLICY}; form-action {targets}"
    if current_app.config["SESSION_COOKIE_SECURE"]:
        reply.headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
    return reply


def show(template: str, **values: Any) -> str:  # noqa: ANN401 - whatever the page shows
    """A page, or only its middle where htmx asked for that."""
    return render_template(template, part_only="HX-Request" in request.headers, **values)
