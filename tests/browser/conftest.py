"""An instance with a demonstration month, and a browser before it; both serve the whole run.

FUNDTRAIL_BROWSER_HOME names the home of an instance that runs already, for who writes pages.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from deploy.demo.client import Account, Addresses, Person
from tests.browser.codes import next_code
from tests.browser.desk import Desk, account_in, chromium
from tests.e2e.instance import fresh_instance

PERSONS = 2_000  # so that every district has payments that came back, and why
DEMO_S = 240
GIVEN, GIVEN_PAGES = "FUNDTRAIL_BROWSER_HOME", "FUNDTRAIL_BROWSER_PAGES"


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """The state folder of an instance in which a month was paid."""
    if GIVEN in os.environ:
        yield Path(os.environ[GIVEN])
        return
    with fresh_instance() as instance:
        with instance.demo(PERSONS) as demo:
            assert demo.finish(DEMO_S) == 0, demo.story()
        yield instance.home.root


@pytest.fixture(scope="session")
def desk(home: Path) -> Iterator[Desk]:
    """Chromium before the pages of the instance."""
    told: dict[str, Any] = json.loads((home / "run.json").read_text())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield Desk(browser, home, os.environ.get(GIVEN_PAGES, told["pages"]))
        browser.close()


@pytest.fixture(scope="session")
def ask(home: Path) -> Callable[..., Any]:
    """`ask("cs.so", "beneficiaries", "/v1/lists", period="2024-08")`: a fact as the API has it."""
    return asking(home)


def asking(home: Path) -> Callable[..., Any]:
    """What asks the APIs of an instance in the name of its people."""
    told = json.loads((home / "run.json").read_text())
    addresses = Addresses(**{name: told["addresses"][name] for name in Addresses.__dataclass_fields__})
    people: dict[str, Person] = {}

    def get(username: str, service: str, path: str, **query: Any) -> Any:  # noqa: ANN401 - JSON
        if username not in people:
            people[username] = Asker(addresses, Account(**account_in(home, username)), home=home)
        return people[username].get(service, path, **query)

    return get


@dataclass(slots=True, kw_only=True)
class Asker(Person):
    """One account at the APIs, whose codes nobody at a screen uses too."""

    home: Path

    def code(self, secret: str) -> str:
        return next_code(self.home, self.account.username, secret)
