"""The toy service's API on a real database, asked by persons with real tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.test import TestResponse

from shared.kernel.ids import new_id
from shared.web.app import build_app
from shared.web.auth import TokenVerifier
from shared.web.context import Context
from tests.integration.shared.web import toys

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk

ISSUER = "https://issuer.test"
AUDIENCE = "fundtrail"


@dataclass
class Caller:
    """Somebody with a token."""

    app: Flask
    desk: Desk
    key: ECKey
    subject: str = "officer-1"
    permissions: tuple[str, ...] = ("toys.make", "toys.read")

    def claims(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - claims
        now = int(self.desk.clock.now().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self.subject,
            "name": "Cán bộ",
            "exp": now + 600,
            "grants": {permission: ["root"] for permission in self.permissions},
        }
        return {**claims, **changes}

    def token(self, **changes: Any) -> str:  # noqa: ANN401 - claims
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, self.claims(**changes), self.key)

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - as werkzeug takes them
    ) -> TestResponse:
        client: FlaskClient = self.app.test_client()
        signed = {"Authorization": f"Bearer {self.token()}", **(headers or {})}
        return client.open(path, method=method, headers=signed, **options)

    def make(self, body: Any, key: str | None = "", **headers: str) -> TestResponse:  # noqa: ANN401
        """Make a toy; a key of None sends none, the empty one stands for a new one."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            named["Idempotency-Key"] = key or str(new_id())
        return self.ask("POST", "/v1/toys", named, json=body)

    def with_(self, *permissions: str, subject: str = "officer-1") -> Caller:
        return Caller(self.app, self.desk, self.key, subject, permissions)

    def refusals(self) -> list[Any]:
        return self.desk.rows(
            "SELECT * FROM journal WHERE type = 'vn.fundtrail.access.attempt_refused.v1' ORDER BY seq"
        )


@pytest.fixture
def officer(desk: Desk) -> Iterator[Caller]:
    """An officer who may make and read toys."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    published = KeySet([key]).as_dict(private=False)
    verifier = TokenVerifier(ISSUER, AUDIENCE, lambda: published, desk.clock)
    toys.entered.clear()
    toys.go_on.clear()
    app = build_app(Context("toys", desk.unit_of_work, verifier, desk.clock), [toys.blueprint])
    yield Caller(app, desk, key)
    toys.go_on.set()


def problem(reply: TestResponse) -> dict[str, Any]:
    """The body of an error, which has the shape that every error has."""
    assert reply.content_type == "application/problem+json"
    body: dict[str, Any] = reply.get_json()
    assert body["status"] == reply.status_code
    assert body["type"] == f"urn:fundtrail:problem:{body['code']}"
    assert set(body) <= {"type", "title", "status", "code", "detail", "errors", "values"}
    assert body["title"]
    return body
