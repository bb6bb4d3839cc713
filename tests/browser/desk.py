"""People at a browser: real Chromium, one signed-in state for each person, and what a page must be."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import TimeoutError as TooLate

from tests.browser.codes import next_code

WIDE, NARROW = 1440, 360
HEIGHT = 900
LOCKED_SOON_AFTER_S = 480  # a screen locks itself after ten minutes
PAGE_BYTES_MAX = 150 * 1024
USED = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]'
NUMBER_WHAT_CAN_BE_USED = """(selector) => [...document.querySelectorAll(selector)]
  .filter((one) => !one.disabled && one.getClientRects().length && one.checkVisibility())
  .filter((one) => !(one.type === "radio" && !one.checked))
  .map((one, place) => { one.dataset.place = place; return place; })"""
NOTE_WHAT_COMES_INTO_FOCUS = """() => {
  document.activeElement && document.activeElement.blur();
  window.seen = new Set();
  document.addEventListener("focusin", (event) => window.seen.add(event.target.dataset.place));
}"""
NAMES = (
    "chromium-headless-shell",  # without windows that nobody sees: a third of the processor time
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)


def chromium() -> str:
    """The path of a Chromium on this machine. Raises: LookupError."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    raise LookupError(f"No Chromium is on PATH; looked for {', '.join(NAMES)}.")


@dataclass
class State:
    """What a browser keeps of somebody who signed in, and when one was last given it."""

    kept: Any  # Playwright's own
    used_at: float = field(default_factory=time.monotonic)


@dataclass
class Desk:
    """One instance with its accounts, and one browser before it."""

    browser: Browser
    home: Path
    base: str
    _states: dict[tuple[str, str, str | None], State] = field(default_factory=dict)

    @contextlib.contextmanager
    def sits(
        self,
        username: str | None,
        *,
        width: int = WIDE,
        script: bool = True,
        language: str = "vi",
        day: str | None = None,
    ) -> Iterator[Page]:
        """A page of a browser at which a person, or nobody, is signed in, on a day of the past if named."""
        state = self._state(username, language, day) if username else None
        context = self._context(width, script=script, state=state)
        try:
            yield context.new_page()
        finally:
            context.close()

    def account(self, username: str) -> dict[str, Any]:
        """User name, password and the authenticator's secret."""
        return account_in(self.home, username)

    def sign_in(self, page: Page, username: str) -> None:
        """The person fills in the form."""
        account = self.account(username)
        page.goto(f"{self.base}/sign-in")
        page.fill("#username", account["username"])
        page.fill("#password", account["password"])
        if account.get("totp_secret"):
            page.fill("#totp", self.secret(username))
        page.locator("main button").click()
        assert "/sign-in" not in page.url, f"{username} could not sign in: {page.inner_text('main')}"

    def secret(self, username: str) -> str:
        """What shows who they are once more: the password, or a code that nobody beside us has used."""
        account = self.account(username)
        if not account.get("totp_secret"):
            return str(account["password"])
        return next_code(self.home, username, account["totp_secret"])

    def _state(self, username: str, language: str, day: str | None) -> Any:  # noqa: ANN401 - Playwright's own
        wanted = (username, language, day)
        known = self._states.get(wanted)
        if known is None or time.monotonic() - known.used_at > LOCKED_SOON_AFTER_S:
            context = self._context(WIDE, script=True, state=None)
            page = context.new_page()
            self.sign_in(page, username)
            if language == "en":
                page.get_by_role("button", name="English").click()
            if day is not None:
                page.goto(f"{self.base}/account")
                page.fill("#business_date", day)
                page.locator("form[action$='/account/date'] button").click()
            known = self._states[wanted] = State(context.storage_state())
            context.close()
        known.used_at = time.monotonic()
        return known.kept

    def _context(self, width: int, *, script: bool, state: Any) -> BrowserContext:  # noqa: ANN401
        return self.browser.new_context(
            viewport={"width": width, "height": HEIGHT},
            java_script_enabled=script,
            storage_state=state,
            locale="vi-VN",
        )


def account_in(home: Path, username: str) -> dict[str, Any]:
    """User name, password and the authenticator's secret of somebody of the instance."""
    if username == "admin":
        found: dict[str, Any] = json.loads((home / "first-administrator.json").read_text())
    else:
        found = json.loads((home / "demo" / "accounts.json").read_text())[username]
    return found


def ensure_arrives(page: Page, pattern: str) -> None:
    """Nothing, where the browser comes to such an address; or else the page says what was in the way."""
    try:
        page.wait_for_url(re.compile(pattern))
    except TooLate as error:
        raise AssertionError(f"{page.url}: {page.inner_text('main')[:1_000]}") from error


def ensure_accessible(page: Page) -> None:
    """Nothing, where axe-core finds no fault in the page."""
    found = Axe().run(page)
    faults = [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['target']} {one['nodes'][0]['html'][:150]}"
        for one in found.response["violations"]
    ]
    assert faults == [], "\n".join([page.url, *faults])


def ensure_fits(page: Page) -> None:
    """Nothing, where the page does not scroll sideways."""
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{page.url} is {over} px wider than its window"


def ensure_reached_by_keyboard(page: Page) -> None:
    """Nothing, where Tab comes by everything that can be used, and shows where it is."""
    wanted = page.evaluate(NUMBER_WHAT_CAN_BE_USED, USED)
    page.evaluate(NOTE_WHAT_COMES_INTO_FOCUS)
    for _ in range(len(wanted) + 3):
        page.keyboard.press("Tab")
    seen = page.evaluate("[...window.seen]")
    missed = set(wanted) - {int(place) for place in seen if place is not None}
    assert not missed, f"{page.url}: Tab does not come by {len(missed)} of {len(wanted)}"
