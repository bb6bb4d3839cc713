"""`python -m tests.browser.screenshots HOME`: every page, wide and narrow, into docs/screenshots."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import GIVEN_PAGES, asking
from tests.browser.desk import HEIGHT, NARROW, WIDE, Desk, chromium
from tests.browser.test_every_page import everything_known

TALLEST = 4 * HEIGHT  # a longer page is cut: more of the same follows
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"


def main(home: Path) -> int:
    """The exit status once every page was taken."""
    told = json.loads((home / "run.json").read_text())
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        desk = Desk(browser, home, os.environ.get(GIVEN_PAGES, told["pages"]))
        for endpoint, one in sorted(everything_known(asking(home)).items()):
            with desk.sits(one.username) as page:
                page.goto(desk.base + one.path)
                for width in (WIDE, NARROW):
                    page.set_viewport_size({"width": width, "height": HEIGHT})
                    tall = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
                    clip = {"x": 0, "y": 0, "width": width, "height": tall}
                    page.screenshot(path=FOLDER / f"{endpoint}-{width}.png", full_page=True, clip=clip)
        browser.close()
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} screenshots are in {FOLDER}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
