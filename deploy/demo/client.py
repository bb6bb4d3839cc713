"""A person at the API: signs in with password and authenticator, acts on a business date, may press twice.

It knows base addresses and documented HTTP, and nothing of the services behind them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.filepost import encode_multipart_formdata

TIMEOUT_S = 120
JOB_TIMEOUT_S = 600
POLL_S = 0.1
ATTEMPTS = 60
RETRY_S = 0.5
TOTP_STEP_S = 30
REFRESH_AFTER_S = 600
BOUNDARY = "fundtrail-demonstration"  # fixed, so that a repeated upload is the same request
NAMESPACE = uuid.UUID("0d3e5f0a-3f51-5c36-9c28-7d8c1b5f2a90")


class Refused(Exception):
    """The API said no; status and problem tell why."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.code = str(problem.get("code"))
        self.detail = str(problem.get("detail"))


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the APIs are."""

    portal: str
    allocation: str
    beneficiaries: str
    notifications: str
    audit: str


@dataclass(slots=True)
class Account:
    """What a person knows by heart, and the authenticator in the pocket."""

    username: str
    password: str
    totp_secret: str | None = None
    user_id: str | None = None


@dataclass(slots=True)
class Person:
    """One account at work."""

    addresses: Addresses
    account: Account
    session: requests.Session = field(default_factory=requests.Session)
    signed_in_at: float = 0.0
    refresh_token: str = ""

    def __post_init__(self) -> None:
        self.session.mount("http://", HTTPAdapter(pool_maxsize=4, max_retries=0))

    def get(self, service: str, path: str, day: date | None = None, **query: Any) -> Any:  # noqa: ANN401
        """What the API shows, as things stood on a day where one is given."""
        return self._json(self._send("GET", service, path, day, params=query))

    def text(self, service: str, path: str) -> str:
        """A plain text."""
        return self._send("GET", service, path, None).text

    def pages(self, service: str, path: str, **query: Any) -> Iterator[Any]:  # noqa: ANN401
        """Every item of a list, page after page."""
        cursor: str | None = None
        while True:
            asked = {**query, "limit": 500} | ({"cursor": cursor} if cursor else {})
            page = self.get(service, path, **asked)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def post(
        self,
        service: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        on: date | None = None,
        act: str | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Do something; `act` names it, so that a repeat of the whole job does it once."""
        return self._json(self._send("POST", service, path, on, act=act, json=body))

    def upload(
        self,
        service: str,
        path: str,
        name: str,
        content: bytes,
        fields: Mapping[str, str] | None = None,
        on: date | None = None,
        act: str | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Send a file with the fields of its form."""
        parts: list[tuple[str, Any]] = [*(fields or {}).items(), ("file", (name, content))]
        data, content_type = encode_multipart_formdata(parts, BOUNDARY)
        headers = {"Content-Type": content_type}
        return self._json(self._send("POST", service, path, on, act=act, data=data, headers=headers))

    def download(self, service: str, path: str, on: date | None = None) -> tuple[str, bytes]:
        """The name and content of a file."""
        reply = self._send("POST", service, path, on)
        disposition = reply.headers.get("Content-Disposition", "")
        return disposition.partition('filename="')[2].rstrip('"'), reply.content

    def wait_for_job(self, service: str, job_id: str) -> dict[str, Any]:
        """The job once it is done. Raises: Refused where it failed."""
        until = time.monotonic() + JOB_TIMEOUT_S
        while time.monotonic() < until:
            job: dict[str, Any] = self.get(service, f"/v1/jobs/{job_id}")
            if job["state"] == "done":
                return job
            if job["state"] == "failed":
                raise Refused(422, {"code": "job_failed", "detail": job["failure"]})
            time.sleep(POLL_S)
        raise TimeoutError(f"job {job_id} is not done after {JOB_TIMEOUT_S} s")

    def code(self, secret: str) -> str:
        """The six digits to sign in with."""
        return totp(secret, time.time())

    def _send(
        self,
        method: str,
        service: str,
        path: str,
        on: date | None,
        act: str | None = None,
        **options: Any,  # noqa: ANN401 - those of requests
    ) -> requests.Response:
        headers = dict(options.pop("headers", {}))
        if on is not None:
            headers["Business-Date"] = on.isoformat()
        if act is not None:
            headers["Idempotency-Key"] = str(uuid.uuid5(NAMESPACE, f"{self.account.username}|{act}"))
        url = getattr(self.addresses, service) + path
        for _ in range(ATTEMPTS):
            self._ensure_signed_in()
            try:
                reply = self.session.request(method, url, headers=headers, timeout=TIMEOUT_S, **options)
            except requests.ConnectionError:
                time.sleep(RETRY_S)  # the part is away; the key makes the repeat harmless
                continue
            if reply.status_code == requests.codes.unauthorized:
                self.signed_in_at = 0.0
            elif reply.status_code == requests.codes.too_many_requests:
                time.sleep(float(reply.headers.get("Retry-After", RETRY_S)))  # nothing of it was done
            elif reply.status_code == requests.codes.service_unavailable:
                time.sleep(RETRY_S)
            else:
                return self._checked(reply)
        raise TimeoutError(f"{method} {url} was not answered in {ATTEMPTS} attempts")

    @staticmethod
    def _checked(reply: requests.Response) -> requests.Response:
        if reply.ok:
            return reply
        try:
            problem = reply.json()
        except ValueError:
            problem = {"code": "not_json", "detail": reply.text[:200]}
        raise Refused(reply.status_code, problem)

    @staticmethod
    def _json(reply: requests.Response) -> Any:  # noqa: ANN401 - JSON
        return reply.json() if reply.content else None

    def _ensure_signed_in(self) -> None:
        if self.signed_in_at and time.monotonic() - self.signed_in_at < REFRESH_AFTER_S:
            return
        for _ in range(ATTEMPTS):
            reply = self._sign_in()
            if reply is not None and reply.ok:
                tokens = reply.json()
                self.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
                self.signed_in_at = time.monotonic()
                return
            time.sleep(RETRY_S if reply is None or reply.status_code >= 500 else 1.0)
        raise TimeoutError(f"{self.account.username} could not sign in")

    def _sign_in(self) -> requests.Response | None:
        wanted = {"username": self.account.username, "password": self.account.password}
        if self.account.totp_secret:
            wanted["totp"] = self.code(self.account.totp_secret)
        try:
            reply = requests.post(f"{self.addresses.portal}/v1/tokens", json=wanted, timeout=TIMEOUT_S)
        except requests.ConnectionError:
            return None
        if reply.status_code == requests.codes.unauthorized and reply.json()["code"] != "totp_used":
            raise Refused(reply.status_code, reply.json())
        return reply


def totp(secret: str, now_s: float) -> str:
    """The six digits an authenticator shows. Source: RFC 6238."""
    counter = struct.pack(">Q", int(now_s) // TOTP_STEP_S)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
