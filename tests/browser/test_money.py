"""A finance officer goes from a programme down to a transfer; every figure opens what is behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shared.testing.waiting import wait_until
from tests.browser.desk import Desk
from tests.browser.known.evidence import INSPECTOR
from tests.browser.known.money import OFFICER, dong

DISTRICT = "Thành phố Tam Kỳ"
AGREED_WITHIN_S = 60  # others pay meanwhile, and between two looks
SHOWN_WITHIN_MS = 5_000


def row(page: Page, name: str) -> Any:  # noqa: ANN401 - Playwright's own
    return page.locator("tbody tr", has=page.get_by_role("rowheader", name=name))


def shows(page: Page, amount: str) -> bool:
    try:
        expect(page.locator(".ft-total")).to_contain_text(amount, timeout=SHOWN_WITHIN_MS)
    except AssertionError:
        return False
    return True


def agrees(desk: Desk, page: Page, ask: Callable[..., Any]) -> bool:
    """Whether the province shows what the ledger says, and a district's transfers what the province shows."""
    page.goto(f"{desk.base}/money?year=2024")
    page.get_by_role("link", name="Ưu đãi người có công").click()
    page.get_by_role("link", name="Tỉnh Quảng Nam").first.click()
    (merit,) = ask(OFFICER, "allocation", "/v1/balances", fiscal_year=2024, component="merit-371")["items"]
    if not shows(page, dong(merit["spent_vnd"])):
        return False
    row(page, DISTRICT).get_by_role("link", name=DISTRICT).click()
    spent = row(page, DISTRICT).locator("td").nth(3).get_by_role("link")
    amount = spent.inner_text()
    spent.click()
    return shows(page, amount)


def test_from_the_programme_to_the_transfer(desk: Desk, ask: Callable[..., Any]) -> None:
    with desk.sits(OFFICER) as page:
        wait_until(lambda: agrees(desk, page, ask), AGREED_WITHIN_S, "figures that agree")
        page.get_by_role("rowheader", name="Đã chi").get_by_role("link").click()
        expect(page.locator("h1")).to_contain_text(DISTRICT)
        assert page.locator("tbody tr").count() >= 1


@pytest.mark.xdist_group(INSPECTOR)
def test_a_transfer_leads_an_inspector_to_its_trail(desk: Desk, ask: Callable[..., Any]) -> None:
    account = ask(OFFICER, "allocation", "/v1/accounts", fiscal_year=2024, role="spent")["items"][0]
    with desk.sits(INSPECTOR) as page:
        page.goto(f"{desk.base}/money/accounts/{account['id']}")
        page.get_by_role("link", name="Dấu vết").first.click()
        expect(page.locator("ol.ft-timeline").first).to_contain_text("Bút toán trên sổ cái")


def test_amounts_are_read_in_the_unit_that_was_chosen(desk: Desk) -> None:
    with desk.sits(OFFICER) as page:
        page.goto(f"{desk.base}/money?year=2024")
        page.get_by_role("button", name="triệu đồng").click()
        expect(page.locator("caption")).to_contain_text("triệu đồng")
        page.get_by_role("button", name="đồng", exact=True).click()
