"""The inspector's part: wait until nothing lags, follow a returned payment, take its proof home."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.demo.client import Person

SERVICES = ("allocation", "beneficiaries", "notifications", "audit", "portal")
LAG_TIMEOUT_S = 180
POLL_S = 0.3
RETURNED = "vn.fundtrail.payments.returned.v1"


def wait_until_nothing_lags(inspector: Person) -> int:
    """The size of the log once every row of every journal is in a signed checkpoint and searchable."""
    until = time.monotonic() + LAG_TIMEOUT_S
    while time.monotonic() < until:
        heads = {name: inspector.get(name, "/v1/journal/head")["position"] for name in SERVICES}
        state = inspector.get("audit", "/v1/log/sources")
        taken = {one["source"]: one["position"] for one in state["sources"]}
        even = all(taken.get(name, 0) >= head for name, head in heads.items())
        if even and state["signed"] == state["size"] == state["indexed"]:
            return int(state["size"])
        time.sleep(POLL_S)
    raise TimeoutError(f"the log still lags after {LAG_TIMEOUT_S} s")


def returned_payment(inspector: Person) -> str:
    """One payment that came back, found as an inspector would: by the type of the fact."""
    page = inspector.get("audit", "/v1/entries", type=RETURNED, limit=1)
    entry = inspector.get("audit", f"/v1/entries/{page['items'][0]['index']}")
    return str(entry["data"]["items"][0]["payment_id"])


def chain_of(inspector: Person, payment: str) -> Mapping[str, Any]:
    """The payment's chain; nothing may be missing in it."""
    chain: Mapping[str, Any] = inspector.get("audit", f"/v1/payments/{payment}/chain")
    if chain["missing"]:
        raise AssertionError(f"the chain of {payment} has gaps: {chain['missing']}")
    return chain


def take_home(inspector: Person, payment: str, folder: Path) -> None:
    """Leave proof, checkpoint and verifier key where any other implementation finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "payment.proof": f"/v1/payments/{payment}/proof",
        "checkpoint": "/v1/log/checkpoint",
        "log.vkey": "/v1/log/vkey",
    }
    for name, path in files.items():
        (folder / name).write_text(inspector.text("audit", path), encoding="utf-8")
