"""What the person at the screen asks of the services, with their own token and nothing else.

The portal holds no business rule: what a service refuses is shown as it was refused, and what does not answer
is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from services.portal.calls.multipart import File, Multipart

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 30
UPLOAD_TIMEOUT_S = 120
CONNECTIONS = 16
RETRY_AFTER_S = 5
PAGE_ROWS = 500
BUSY = frozenset({429, 503})

Query = Mapping[str, Any]


class SignedOut(Exception):
    """A service does not take the token: the session is over."""


class Away(Exception):
    """A service does not answer, or has no room. Units: `retry_after_s` seconds."""

    def __init__(self, service: str, retry_after_s: int = RETRY_AFTER_S) -> None:
        super().__init__(service)
        self.service = service
        self.retry_after_s = retry_after_s


class Refused(Exception):
    """A service said no. Shape: `faults` have the fields of a problem's `errors` (RFC 9457).

    `values` are the facts of its `detail`, by name.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("code")))
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail", ""))
        self.faults: list[dict[str, Any]] = list(problem.get("errors", ()))
        self.values: Mapping[str, Any] = dict(problem.get("values", {}))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered. Shape: `body` is JSON, where the content is."""

    body: Any
    content: bytes = b""
    media_type: str = ""
    name: str = ""


def _connections() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=8, pool_maxsize=CONNECTIONS, max_retries=0))
    return session


@dataclass(frozen=True, slots=True)
class Services:
    """Where the services are; one of it serves all threads of a process."""

    addresses: Mapping[str, str]
    connections: requests.Session = field(default_factory=_connections)

    def for_person(self, token: str, day: str | None = None) -> Caller:
        """The services as one person reaches them, on a business date of their choice where they may."""
        headers = {"Authorization": f"Bearer {token}"} | ({"Business-Date": day} if day else {})
        return Caller(self, headers)

    def is_ready(self, service: str) -> bool:
        """Whether the service says of itself that it can do its work."""
        try:
            url = f"{self.addresses[service]}/readyz"
            return bool(self.connections.get(url, timeout=CONNECT_TIMEOUT_S).ok)
        except requests.RequestException:
            return False


@dataclass(frozen=True, slots=True)
class Caller:
    """Asks services in the name of one person.

    Raises, all of it: Refused, Away, SignedOut.
    """

    services: Services
    headers: Mapping[str, str]

    def on(self, day: str) -> Caller:
        """The same, asked as things stood on a day."""
        return Caller(self.services, {**self.headers, "Business-Date": day})

    def get(self, service: str, path: str, query: Query | None = None) -> Any:  # noqa: ANN401 - JSON
        """What a service shows."""
        return self.answer(service, path, query).body

    def pages(self, service: str, path: str, query: Query | None = None) -> Iterator[Any]:
        """Every item of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.get(service, path, {**(query or {}), "limit": PAGE_ROWS, "cursor": cursor})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def answer(self, service: str, path: str, query: Query | None = None) -> Answer:
        """The same, with whatever content came."""
        kept = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        return self._send("GET", service, path, params=kept)

    def post(
        self,
        service: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str,
        version: str | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """An act. Idempotent: under one `key` it is done once, however often it is sent."""
        return self.send(service, path, body, key=key, version=version).body

    def put(self, service: str, path: str, body: Mapping[str, Any], *, key: str, version: str) -> Any:  # noqa: ANN401
        """The same for what takes the place of the version that was seen."""
        return self._send("PUT", service, path, json=body, headers=_act(key, version)).body

    def send(
        self,
        service: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str,
        version: str | None = None,
    ) -> Answer:
        """The same as a post, with whatever content came back."""
        return self._send("POST", service, path, json=body, headers=_act(key, version))

    def upload(
        self,
        service: str,
        path: str,
        file: File,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        key: str,
        query: Query | None = None,
        version: str | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """A file with the fields of its form; with a `version`, in place of the one that was seen.

        Idempotent: as an act is.
        """
        form = Multipart(key, fields or {}, file)
        return self._send(
            "PUT" if version else "POST",
            service,
            path,
            params=dict(query or {}),
            data=form,
            headers={**_act(key, version), "Content-Type": form.media_type},
            timeout=(CONNECT_TIMEOUT_S, UPLOAD_TIMEOUT_S),
        ).body

    def _ask(self, method: str, url: str, **options: Any) -> requests.Response:  # noqa: ANN401
        """What is answered, asked once more where the line breaks.

        A service lets go of a line that nobody used for a second, and who asks in that moment is cut off. A
        question may be asked twice, an act has its key; a file is read but once.
        """
        ask = partial(self.services.connections.request, method, url, allow_redirects=False, **options)
        try:
            return ask()
        except requests.ConnectTimeout:
            raise
        except requests.ConnectionError:
            if "data" in options:
                raise
            return ask()

    def _send(self, method: str, service: str, path: str, **options: Any) -> Answer:  # noqa: ANN401
        headers = {**self.headers, **options.pop("headers", {})}
        timeout = options.pop("timeout", (CONNECT_TIMEOUT_S, READ_TIMEOUT_S))
        url = self.services.addresses[service] + path
        try:
            reply = self._ask(method, url, headers=headers, timeout=timeout, **options)
        except requests.RequestException as error:
            raise Away(service) from error
        if reply.status_code in BUSY:
            raise Away(service, _seconds(reply.headers.get("Retry-After")))
        if reply.status_code == requests.codes.unauthorized:
            raise SignedOut
        if reply.status_code >= requests.codes.bad_request:
            raise Refused(reply.status_code, _problem(reply))
        return _answered(reply)


def _act(key: str, version: str | None) -> Mapping[str, str]:
    return {"Idempotency-Key": key} | ({"If-Match": f'"{version}"'} if version else {})


def _answered(reply: requests.Response) -> Answer:
    media_type = reply.headers.get("Content-Type", "")
    named = reply.headers.get("Content-Disposition", "").partition('filename="')[2].partition('"')[0]
    body = reply.json() if "json" in media_type and reply.content else None
    return Answer(body, reply.content, media_type, named)


def _problem(reply: requests.Response) -> Mapping[str, Any]:
    try:
        found = reply.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"code": "unknown", "detail": f"HTTP {reply.status_code}"}


def _seconds(text: str | None) -> int:
    return int(text) if text and text.isdigit() else RETRY_AFTER_S
