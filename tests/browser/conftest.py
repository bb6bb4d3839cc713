"""An instance with a demonstration month, and a browser before it; both serve the whole run.

FUNDTRAIL_BROWSER_HOME names the home of an instance that runs already, for who writes pages.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from deploy.demo.client import Person
from tests.browser.colleagues import asker, hire
from tests.browser.desk import Desk, chromium
from tests.e2e.instance import PERSONS, fresh_instance

DEMO_S, TEST_S = 240, 600
GIVEN, GIVEN_PAGES = "FUNDTRAIL_BROWSER_HOME", "FUNDTRAIL_BROWSER_PAGES"
LONGEST_FIRST = ("test_main_path", "test_months", "test_decisions")  # no browser is left alone with them


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    items.sort(key=lambda item: item.path.stem not in LONGEST_FIRST)


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """The state folder of an instance in which a month was paid."""
    if GIVEN in os.environ:
        given = Path(os.environ[GIVEN])
        hire(given)
        yield given
        return
    with fresh_instance() as instance:
        with instance.demo(PERSONS) as demo:
            assert demo.finish(DEMO_S) == 0, demo.story()
        hire(instance.home.root)
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
    people: dict[str, Person] = {}

    def get(username: str, service: str, path: str, **query: Any) -> Any:  # noqa: ANN401 - JSON
        if username not in people:
            people[username] = asker(home, username)
        return people[username].get(service, path, **query)

    return get
