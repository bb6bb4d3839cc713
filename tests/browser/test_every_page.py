"""Every page of the URL map: accessible, by keyboard alone, without scripts, on narrow and wide screens."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from services.portal import site
from tests.browser.desk import (
    NARROW,
    PAGE_BYTES_MAX,
    WIDE,
    Desk,
    ensure_accessible,
    ensure_fits,
    ensure_reached_by_keyboard,
)
from tests.browser.known.evidence import INSPECTOR
from tests.browser.known.knowing import Ask, Known

ROOMS = sorted(path.stem for path in (Path(__file__).parent / "known").glob("*.py") if path.stem != "knowing")
# What answers with a file, a part of a page or a redirect is no page: its own tests look at it.
NO_PAGES = frozenset({"look.asset", "entrance.unlock"}).union(
    *(getattr(importlib.import_module(f"tests.browser.known.{room}"), "NO_PAGES", ()) for room in ROOMS)
)


def endpoints() -> list[Any]:
    """Every view that a browser can look at; the inspector's in one browser: each takes a code."""
    app = Flask("map")
    for blueprint in site.BLUEPRINTS:
        app.register_blueprint(blueprint)
    found = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and "GET" in (rule.methods or ()) and rule.endpoint not in NO_PAGES
    }
    together = pytest.mark.xdist_group(INSPECTOR)
    return [pytest.param(one, marks=together if one.startswith("evidence.") else ()) for one in sorted(found)]


@pytest.fixture(scope="session")
def known(ask: Ask) -> dict[str, Known]:
    return everything_known(ask)


def everything_known(ask: Ask) -> dict[str, Known]:
    """What is known of each page, by its endpoint."""
    found: dict[str, Known] = {}
    for room in ROOMS:
        module: Any = importlib.import_module(f"tests.browser.known.{room}")
        found |= module.pages(ask)
    return found


@pytest.mark.parametrize("endpoint", endpoints())
def test_a_page_is_for_everybody(desk: Desk, known: dict[str, Known], endpoint: str) -> None:
    one = known[endpoint]
    with desk.sits(one.username) as page:
        sizes: list[int] = []
        page.on("requestfinished", lambda request: sizes.append(sum_of(request.sizes())))
        reply = page.goto(desk.base + one.path)
        assert reply is not None
        assert reply.status == 200
        page.wait_for_load_state("networkidle")
        assert one.fact in page.inner_text("body")
        assert page.locator("h1").count() == 1
        assert sum(sizes) <= PAGE_BYTES_MAX
        for width in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": 900})
            ensure_fits(page)
        ensure_accessible(page)
        ensure_reached_by_keyboard(page)


@pytest.mark.parametrize("endpoint", endpoints())
def test_a_page_needs_no_script(desk: Desk, known: dict[str, Known], endpoint: str) -> None:
    one = known[endpoint]
    with desk.sits(one.username, script=False, width=NARROW) as page:
        page.goto(desk.base + one.path)
        assert one.fact in page.locator("body").inner_text()
        assert page.locator("h1").count() == 1


def test_what_is_asked_for_anew_stays_readable(desk: Desk) -> None:
    with desk.sits(None) as page:
        page.goto(f"{desk.base}/design")
        assert page.locator("main .ft-nothing").count() > 0, "the palest text there is"
        page.evaluate("document.querySelector('main').classList.add('htmx-request')")
        ensure_accessible(page)


def sum_of(sizes: Any) -> int:  # noqa: ANN401 - Playwright's own
    return int(sizes["responseBodySize"] + sizes["responseHeadersSize"])
