"""Signing in at a real Keycloak with our realm, in a real browser: what docs/operations.md promises."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import make_server

from deploy.demo.client import TOTP_STEP_S, totp
from deploy.keycloak.realm import AUDIENCE, PORTAL_CLIENT
from services.portal.calls.services import Services
from services.portal.site import build_pages
from services.portal.visits.handlers import Desk
from services.portal.visits.provider import provider_of
from shared.kernel.clock import SystemClock
from shared.kernel.sealing import Sealer
from shared.testing.waiting import wait_until
from shared.web.auth import TokenVerifier
from shared.web.context import Context
from tests.browser.codes import step_now
from tests.browser.desk import chromium
from tests.integration.portal.conftest import COOKIE_KEY, PROVINCE, Portal
from tests.integration.portal.keycloak import Keycloak, free_port, keycloak, program

USERNAME, PASSWORD, NAME = "ha.thanh", "mật khẩu đủ dài", "Hà Thanh (minh họa)"
SERVICES = ("portal", "allocation", "beneficiaries", "notifications", "audit")


@pytest.fixture(scope="module")
def address() -> str:
    """Where the pages are."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def issuer(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    maven, java = shutil.which("mvn"), shutil.which("java")
    if maven is None or java is None:
        pytest.skip("Java and Maven fetch and run Keycloak.")
    cache = Path(os.environ.get("FUNDTRAIL_CACHE", Path.home() / ".cache" / "fundtrail"))
    with keycloak(program(maven, cache), tmp_path_factory.mktemp("keycloak"), address) as one:
        one.hire(USERNAME, PASSWORD, NAME, "finance_approver", PROVINCE)
        yield one


@pytest.fixture
def pages(portal: Portal, issuer: Keycloak, address: str) -> Iterator[str]:
    """The pages, served; no other service answers them."""
    clock = portal.unit_of_work.clock = SystemClock()
    provider = provider_of(
        {"issuer": issuer.issuer, "client": PORTAL_CLIENT},
        TokenVerifier(issuer.issuer, AUDIENCE, issuer.keys, clock),
    )
    desk = Desk(portal.issuer, portal.factors, Sealer(bytes(range(32))), provider)
    parts = {"desk": desk, "services": Services(dict.fromkeys(SERVICES, "http://127.0.0.1:1"))}
    context = Context("portal", portal.unit_of_work, portal.verifier, clock, parts)
    app = build_pages(context, COOKIE_KEY, secure=False)
    server = make_server("127.0.0.1", int(address.rpartition(":")[2]), app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser.new_page(locale="vi-VN")
        browser.close()


@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_person_of_keycloak_is_inside_with_what_keycloak_grants_and_outside_afterwards(
    pages: str, page: Page
) -> None:
    page.goto(f"{pages}/account")
    page.locator("main a.govuk-button").click()
    give_password(page)
    used = set_up_codes(page)
    page.wait_for_url(f"{pages}/account")
    expect(page.locator("h1")).to_contain_text("Thanh")
    expect(page.locator("main")).to_contain_text("thẩm định quyết định")

    page.goto(f"{pages}/unlock?next=/account")
    page.locator("main a.govuk-button").click()  # who comes back to a locked screen is asked again
    page.fill("#password", PASSWORD)
    page.click("#kc-login")
    give_code(page, used)
    page.wait_for_url(f"{pages}/account")

    page.get_by_role("button", name="Đổi người dùng").click()
    page.wait_for_url(f"{pages}/sign-in*")
    page.goto(f"{pages}/account")
    page.locator("main a.govuk-button").click()
    expect(page.locator("#username")).to_be_visible()  # no session is left there either


def give_password(page: Page) -> None:
    page.fill("#username", USERNAME)
    page.fill("#password", PASSWORD)
    page.click("#kc-login")


def set_up_codes(page: Page) -> tuple[str, int]:
    """The secret that Keycloak gives at the first sign-in, and the half minute whose code was used."""
    page.click("#mode-manual")
    secret = page.locator("#kc-totp-secret-key").inner_text().replace(" ", "")
    step = step_now()
    page.fill("#totp", totp(secret, step * TOTP_STEP_S))
    page.fill("#userLabel", "test")
    page.click("#saveTOTPBtn")
    return secret, step


def give_code(page: Page, used: tuple[str, int]) -> None:
    secret, step = used
    wait_until(lambda: step_now() > step, 2 * TOTP_STEP_S, "the next code")
    page.fill("#otp", totp(secret, step_now() * TOTP_STEP_S))
    page.click("#kc-login")
