"""Notifications between a stand-in for the portal, a real mail server and a small text-message gateway."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from deploy.local.provisioning import Addresses
from deploy.oversight.invariants import invariants_of, places
from services.notifications.deliveries.api import blueprint
from services.notifications.deliveries.gateways import Contacts, MailServer, SmsGateway
from services.notifications.deliveries.sender import Sender
from services.notifications.listening import HANDLERS
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.journal.envelope import Envelope
from shared.kernel import canonical
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.ids import id_of, new_id
from shared.web.app import build_app
from shared.web.auth import TokenVerifier
from shared.web.context import Context

NOW = datetime(2035, 8, 5, 1, tzinfo=UTC)  # after every default that the database's own clock sets
DISTRICT = str(id_of("test-unit", "district"))
ISSUER, AUDIENCE = "https://portal.test", "fundtrail"


@dataclass
class Stranger:
    """A small HTTP server whose answers the test decides; it keeps what it was sent."""

    answer: Callable[[str, str, Any], tuple[int, Any]]
    received: list[tuple[str, str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._take("GET", None)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self._take("POST", json.loads(self.rfile.read(length)))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server uses
                """Say nothing."""

            def _take(self, method: str, body: Any) -> None:  # noqa: ANN401 - JSON
                outer.received.append((method, self.path, body))
                status, told = outer.answer(method, self.path, body)
                content = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Mailbox:
    """Takes mails like any mail server, or refuses them when told to."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []
        self.refuses = False

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: ANN401, N802 - aiosmtpd's name and types
        if self.refuses:
            return "451 Try again later"
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 Kept"


class PortalStandIn:
    """Answers sign-ins and questions for contacts; the test says who holds what."""

    def __init__(self) -> None:
        self.people: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.status = 200
        self.valid_tokens = {"token-0"}
        self.sign_ins = 0
        self.stranger = Stranger(self._answer)

    def _answer(self, method: str, path: str, _: object) -> tuple[int, Any]:
        if method == "POST":
            self.sign_ins += 1
            return 200, {"access_token": f"token-{self.sign_ins}"}
        self.asked.append(path)
        return self.status, {"items": self.people}


@dataclass
class Desk:
    """The service's database with its handlers, its sender and its API."""

    addresses: Addresses
    clock: FixedClock
    portal: PortalStandIn
    mailbox: Mailbox
    gateway: Stranger
    sender: Sender = field(init=False)
    opened: list[Engine] = field(default_factory=list)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))

    def __post_init__(self) -> None:
        self.unit_of_work = UnitOfWork(self.engine(self.addresses.service), self.clock)
        self.owner = self.engine(self.addresses.owner)
        published = KeySet([self.key]).as_dict(private=False)
        verifier = TokenVerifier(ISSUER, AUDIENCE, lambda: published, self.clock)
        self.app: Flask = build_app(
            Context("notifications", self.unit_of_work, verifier, self.clock), [blueprint]
        )

    def engine(self, url: str) -> Engine:
        self.opened.append(make_engine(url, application="tests-notifications", pool_size=4))
        return self.opened[-1]

    def rows(self, query: str, **values: Any) -> list[Any]:  # noqa: ANN401 - values of SQL
        with self.owner.connect() as connection:
            return list(connection.execute(text(query), values))

    def findings(self) -> list[str]:
        with self.engine(self.addresses.reader).connect() as connection:
            rules = invariants_of("notifications")
            return [str(one) for rule in rules for one in places("notifications", connection, rule)]

    def hand(self, kind: str, facts: dict[str, Any], event_id: str | None = None) -> str:
        """Give the worker's handler an event."""
        found = Envelope(
            id=event_id or str(new_id()),
            source="allocation",
            epoch=1,
            position=1,
            topic="events",
            type=f"vn.fundtrail.{kind}.v1",
            key="key",
            subjects=(),
            occurred_at=NOW,
            recorded_at=NOW,
            actor="officer-1",
            backdated=False,
            data=canonical.encode(facts),
        )
        with self.unit_of_work.begin(Act.system("notifications", NOW)) as work:
            HANDLERS[found.type](work, found)
        return found.id

    def states(self) -> list[tuple[str, str]]:
        rows = self.rows("SELECT channel, state FROM deliveries ORDER BY channel, state")
        return [(row.channel, row.state) for row in rows]

    def ask(
        self,
        method: str,
        path: str,
        subject: str,
        grants: dict[str, list[str]] | None = None,
        **options: Any,  # noqa: ANN401 - as werkzeug takes them
    ) -> TestResponse:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "exp": int(self.clock.now().timestamp()) + 600,
            "grants": grants or {},
        }
        token = jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)
        headers = {"Authorization": f"Bearer {token}"}
        return self.app.test_client().open(path, method=method, headers=headers, **options)


def officer(name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Somebody whom the portal names."""
    return {
        "user_id": name,
        "display_name": f"Cán bộ {name}",
        "email": f"{name}@demo.example",
        "phone": "0900000001",
        "language": "vi",
        **changes,
    }


@pytest.fixture
def desk(database: Callable[[str], Addresses], tmp_path: Path) -> Iterator[Desk]:
    """A desk with everything around it; every invariant holds when the test is over."""
    portal, mailbox = PortalStandIn(), Mailbox()
    gateway = Stranger(lambda *_: (202, {}))
    mail = Controller(mailbox, hostname="127.0.0.1", port=free_port(), ready_timeout=10)
    mail.start()
    account = tmp_path / "account.json"
    account.write_text(json.dumps({"username": "service-notifications", "password": "x" * 20}))
    opened = Desk(database("notifications"), FixedClock(NOW), portal, mailbox, gateway)
    opened.sender = Sender(
        opened.unit_of_work,
        Contacts(portal.stranger.url, account),
        MailServer("127.0.0.1", mail.port),
        SmsGateway(f"{gateway.url}/messages"),
    )
    try:
        yield opened
        assert opened.findings() == []
    finally:
        mail.stop()
        portal.stranger.close()
        gateway.close()
        for engine in opened.opened:
            engine.dispose()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
