"""The pages of evidence."""

from __future__ import annotations

from tests.browser.known.knowing import Ask, Known

NO_PAGES = frozenset(
    f"evidence.{name}"
    for name in ("find_payment", "payment_proof", "entry_proof", "checkpoint", "vkey", "verifier")
)
INSPECTOR = "thanhtra"
RETURNED = "vn.fundtrail.payments.returned.v1"


def returned_payment(ask: Ask) -> tuple[int, str]:
    """The entry that tells of a payment that came back, and the payment."""
    index = ask(INSPECTOR, "audit", "/v1/entries", type=RETURNED, limit=1)["items"][0]["index"]
    data = ask(INSPECTOR, "audit", f"/v1/entries/{index}")["data"]
    return index, data["items"][0]["payment_id"]


def pages(ask: Ask) -> dict[str, Known]:
    """By endpoint: who looks, where, and one fact that must stand there."""
    index, payment = returned_payment(ask)
    at = "/evidence"
    return {
        "evidence.search": Known(INSPECTOR, f"{at}?type=payments.returned", "Khoản chi bị hoàn trả"),
        "evidence.entry": Known(INSPECTOR, f"{at}/entries/{index}", payment),
        "evidence.chain": Known(INSPECTOR, f"{at}/payments/{payment}", "44/2022/TT-BTC"),
        "evidence.verify": Known(INSPECTOR, f"{at}/verify?payment={payment}", "fundtrail verify payment-"),
        "evidence.verify_proof": Known(INSPECTOR, f"{at}/verify/proof?payment={payment}", "ĐÃ CHỨNG MINH"),
        "evidence.verify_growth": Known(INSPECTOR, f"{at}/verify/growth", "Đây không phải là một điểm chốt"),
        "evidence.verify_stretch": Known(INSPECTOR, f"{at}/verify/stretch?from=0&to=300", "256–"),
    }
