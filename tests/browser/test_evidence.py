"""An inspector follows a payment, sees it proven, takes the proof home, and checks it there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.known.evidence import INSPECTOR, returned_payment

pytestmark = pytest.mark.xdist_group(INSPECTOR)  # one browser, so one code, for all of them


@pytest.fixture(scope="module")
def payment(ask: Callable[..., Any]) -> str:
    return returned_payment(ask)[1]


def taken(page: Page, link: str, folder: Path) -> Path:
    """The file that a link brings."""
    with page.expect_download() as download:
        page.get_by_role("link", name=link).first.click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


def test_a_payment_is_followed_from_the_citizen_to_the_article(desk: Desk, payment: str) -> None:
    with desk.sits(INSPECTOR) as page:
        page.goto(f"{desk.base}/evidence")
        page.fill("#payment", payment)
        page.get_by_role("button", name="Xem đường đi của khoản chi").click()
        assert page.url == f"{desk.base}/evidence/payments/{payment}"
        places = page.locator(".ft-path__place h2").all_inner_texts()
        assert places[0] == "Người hưởng"
        assert places[-1] == "Điều khoản pháp lý"
        expect(page.locator(".ft-notice")).to_contain_text("Đủ từ người hưởng đến điều khoản pháp lý")


def test_what_is_taken_home_is_proven_there_with_nothing_of_ours(
    desk: Desk, payment: str, tmp_path: Path
) -> None:
    with desk.sits(INSPECTOR) as page:
        page.goto(f"{desk.base}/evidence/verify?payment={payment}")
        proof, key, verifier = (
            taken(page, link, tmp_path)
            for link in ("Tải bằng chứng", "Tải khóa công khai", "Tải chương trình kiểm chứng")
        )
    command = [sys.executable, verifier.name, proof.name, "--key", key.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PROVEN")
    assert payment in done.stdout


def test_the_checks_of_a_proof_are_shown_in_the_page_and_without_scripts_on_one_of_their_own(
    desk: Desk, payment: str
) -> None:
    for script in (True, False):
        with desk.sits(INSPECTOR, script=script) as page:
            page.goto(f"{desk.base}/evidence/verify?payment={payment}")
            page.locator("section", has=page.locator("#payment")).get_by_role("button").click()
            expect(page.locator(".ft-verdict")).to_contain_text("ĐÃ CHỨNG MINH")
            assert page.locator(".ft-checks__one--holds").count() == 5
            assert page.locator(".ft-checks__one--fails").count() == 0
            assert ("/verify/proof" in page.url) is not script


def test_a_foreign_key_proves_nothing(desk: Desk, payment: str) -> None:
    with desk.sits(INSPECTOR) as page:
        page.goto(f"{desk.base}/evidence/verify?payment={payment}")
        page.fill("#key", "fundtrail.local/audit+00000000+AAAA")
        page.locator("section", has=page.locator("#payment")).get_by_role("button").click()
        expect(page.locator(".ft-verdict")).to_contain_text("CHƯA CHỨNG MINH")


def test_a_stretch_is_checked_bundle_by_bundle(desk: Desk) -> None:
    with desk.sits(INSPECTOR) as page:
        page.goto(f"{desk.base}/evidence/verify")
        page.fill("#to", "600")
        page.locator("section", has=page.locator("#to")).get_by_role("button").click()
        expect(page.locator(".ft-checks__end")).to_contain_text("Đã kiểm chứng hết", timeout=20_000)
        assert page.locator(".ft-checks__one--holds").count() == 3


def test_a_checkpoint_that_was_kept_is_the_beginning_of_the_log(desk: Desk, tmp_path: Path) -> None:
    with desk.sits(INSPECTOR) as page:
        page.goto(f"{desk.base}/evidence/verify")
        kept = taken(page, "Tải điểm chốt", tmp_path).read_text()
        for note, said in ((kept.replace("\n", "\n1", 1), "CHƯA CHỨNG MINH"), (kept, "ĐÃ CHỨNG MINH")):
            page.goto(f"{desk.base}/evidence/verify")
            page.fill("#checkpoint", note)
            page.locator("section", has=page.locator("#checkpoint")).get_by_role("button").click()
            expect(page.locator(".ft-verdict")).to_contain_text(said)


def test_search_narrows_and_what_an_entry_holds_opens_in_its_place(desk: Desk) -> None:
    with desk.sits(INSPECTOR) as page:
        page.goto(f"{desk.base}/evidence?type=changes.approved")
        first = page.locator("ol.ft-timeline > li").first
        first.locator("summary").click()
        expect(first.locator(".ft-sides")).to_contain_text("Trước")
        expect(first.locator(".ft-sides")).to_contain_text("Sau")
        page.goto(f"{desk.base}/evidence?type=changes.approved&from=01/01/2024")
        assert page.locator("ol.ft-timeline > li").count() >= 1
        page.goto(f"{desk.base}/evidence?from=32/1/2024")
        expect(page.get_by_role("alert")).to_contain_text("32/1/2024")
        page.goto(f"{desk.base}/evidence?person=not-an-id")
        expect(page.get_by_role("alert")).to_contain_text("Mã người hưởng")
