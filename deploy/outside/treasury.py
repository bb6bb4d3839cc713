"""The State Treasury, simulated: confirms withdrawal requests a little after they were made.

It works through the public API with a service account whose user name and password appear in its folder, as a
person at a counter would, and knows nothing else. What it calls stands in `Endpoints`.
"""

from __future__ import annotations

import argparse
import json
import logging
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from deploy.outside.folders import stop_event

CREDENTIALS = "credentials.json"
POLL_S, POLL_MAX_S = 0.2, 1.0  # it asks less often the longer nobody has asked for money
GROWTH = 1.5
DELAY_S = 0.02
TIMEOUT_S = 10
PAGE_MAX = 100
NAMESPACE = uuid.UUID("b3b9d2ea-6a0f-5c0e-9f0f-3c8c55a0d2f1")

log = logging.getLogger("treasury")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Every address and field that the Treasury depends on."""

    token: str = "/v1/tokens"  # noqa: S105 - a path, no secret
    open_requests: str = "/v1/withdrawals?state=requested"
    confirmation: str = "/v1/withdrawals/{id}/confirmation"
    items: str = "items"
    request_id: str = "id"
    requested_on: str = "requested_on"
    reference: str = "reference"


class Treasury:
    """One clerk with one account."""

    def __init__(
        self, portal: str, allocation: str, folder: Path, endpoints: Endpoints | None = None
    ) -> None:
        self._portal = portal
        self._allocation = allocation
        self._folder = folder
        self._endpoints = endpoints or Endpoints()
        self._session = requests.Session()
        self._session.headers["Connection"] = "close"  # an API lets go of a line that was idle for a second

    def run(self, stop: threading.Event, delay_s: float = DELAY_S) -> None:
        """Confirm until told to stop; whatever is away is tried again."""
        signed_in, pause_s = False, POLL_S
        while not stop.wait(pause_s):
            pause_s = min(pause_s * GROWTH, POLL_MAX_S)
            try:
                signed_in = signed_in or self._sign_in()
                if signed_in and self._confirm_open(stop, delay_s):
                    pause_s = POLL_S
            except requests.HTTPError as error:
                signed_in = signed_in and error.response.status_code != requests.codes.unauthorized
                log.warning("refused: %s %s", error, error.response.text[:300])
            except requests.RequestException as error:
                log.warning("nobody answers: %s", error)

    def _sign_in(self) -> bool:
        path = self._folder / CREDENTIALS
        if not path.exists():
            return False  # nobody has opened an account for us yet
        credentials = json.loads(path.read_text())
        wanted = {name: credentials[name] for name in ("username", "password")}
        reply = requests.post(self._portal + self._endpoints.token, json=wanted, timeout=TIMEOUT_S)
        reply.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"
        return True

    def _confirm_open(self, stop: threading.Event, delay_s: float) -> int:
        """The number of requests that were found."""
        reply = self._session.get(self._allocation + self._endpoints.open_requests, timeout=TIMEOUT_S)
        reply.raise_for_status()
        found = reply.json()[self._endpoints.items][:PAGE_MAX]
        for request in found:
            if stop.wait(delay_s):
                break
            self._confirm(request)
        return len(found)

    def _confirm(self, request: Mapping[str, Any]) -> None:
        name = str(request[self._endpoints.request_id])
        reply = self._session.post(
            self._allocation + self._endpoints.confirmation.format(id=name),
            json={self._endpoints.reference: f"KBNN-{name[:8]}"},
            headers={
                "Idempotency-Key": str(uuid.uuid5(NAMESPACE, name)),
                "Business-Date": str(request[self._endpoints.requested_on]),  # it answers the same day
            },
            timeout=TIMEOUT_S,
        )
        reply.raise_for_status()
        log.info("confirmed %s", name)


def main() -> None:
    """Work until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help=f"{CREDENTIALS} appears there")
    parser.add_argument("--portal", required=True, help="base address of the issuer")
    parser.add_argument("--allocation", required=True, help="base address of the allocation API")
    parser.add_argument("--delay-s", type=float, default=DELAY_S, help="time taken for each request")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.folder.mkdir(parents=True, exist_ok=True)
    Treasury(options.portal, options.allocation, options.folder).run(stop_event(), options.delay_s)


if __name__ == "__main__":
    main()
