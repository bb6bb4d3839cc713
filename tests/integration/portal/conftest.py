"""The portal on a database of its own, with a clock of the test, and people who sign in to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from flask import Flask
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from deploy.local.provisioning import Addresses
from deploy.oversight.invariants import invariants_of, places
from services.portal import first
from services.portal.refusals import REFUSALS
from services.portal.sessions.api import blueprint as sessions
from services.portal.sessions.tokens import Issuer, load_issuer
from services.portal.site import build_pages
from services.portal.start import ensure_keys
from services.portal.users.api import blueprint as users
from services.portal.users.factors import Factors, load_factors
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.kernel import canonical
from shared.kernel.clock import FixedClock
from shared.kernel.ids import id_of
from shared.web.auth import TokenVerifier
from shared.web.context import EXTENSION, Context
from tests.conftest import MakeApplication

ISSUER = "https://portal.test"
AUDIENCE = "fundtrail"
MORNING = datetime(2024, 8, 5, 1, tzinfo=UTC)
PASSWORD = "mật khẩu đủ dài"
COOKIE_KEY = b"a key of the test"
MakePages = Callable[[Context], Flask]
PROVINCE = str(id_of("unit-root", "49"))


@dataclass
class Account:
    """What the holder of an account knows."""

    user_id: str
    username: str
    password: str = PASSWORD
    totp_secret: str | None = None


@dataclass
class Portal:
    """The portal as a person at its API sees it, and what stands in its database."""

    addresses: Addresses
    clock: FixedClock
    state: Path
    make: MakeApplication
    opened: list[Engine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unit_of_work = UnitOfWork(self.engine(self.addresses.service), self.clock, REFUSALS)
        self.owner = self.engine(self.addresses.owner)
        ensure_keys(self.state / "keys")
        self.factors = load_factors(self.state / "keys")
        first.ensure_administrator(self.unit_of_work, self.factors, self.state)
        self.issuer: Issuer = load_issuer(ISSUER, AUDIENCE, self.state / "keys")
        self.verifier = TokenVerifier(ISSUER, AUDIENCE, self.issuer.published_keys, self.clock)
        self.opens_with(self.factors)

    def opens_with(self, factors: Factors) -> None:
        """The API on this database holds second factors under any key."""
        parts = {"issuer": self.issuer, "factors": factors}
        context = Context("portal", self.unit_of_work, self.verifier, self.clock, parts)
        self.app: Flask = self.make(context, [sessions, users])

    def engine(self, url: str) -> Engine:
        self.opened.append(make_engine(url, application="tests-portal", pool_size=4))
        return self.opened[-1]

    def rows(self, query: str, **values: Any) -> list[Any]:  # noqa: ANN401 - values of SQL
        with self.owner.connect() as connection:
            return list(connection.execute(text(query), values))

    def one(self, query: str, **values: Any) -> Any:  # noqa: ANN401 - a value of SQL
        with self.owner.connect() as connection:
            return connection.scalar(text(query), values)

    def journal(self, kind: str) -> list[dict[str, Any]]:
        rows = self.rows(
            "SELECT data FROM journal WHERE type = :type ORDER BY seq", type=f"vn.fundtrail.{kind}.v1"
        )
        return [canonical.decode(bytes(row.data)) for row in rows]

    def findings(self) -> list[str]:
        with self.engine(self.addresses.reader).connect() as connection:
            return [
                str(one) for rule in invariants_of("portal") for one in places("portal", connection, rule)
            ]

    def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        **options: Any,  # noqa: ANN401 - as werkzeug takes them
    ) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.app.test_client().open(path, method=method, headers=headers, **options)

    @property
    def administrator(self) -> Account:
        told = json.loads((self.state / first.FILE_NAME).read_text())
        return Account("", told["username"], told["password"], told["totp_secret"])

    def code(self, account: Account) -> str | None:
        """What the authenticator shows now, by an implementation that is not ours."""
        if account.totp_secret is None:
            return None
        algorithm = SHA1()  # noqa: S303 - RFC 6238
        secret = base64.b32decode(account.totp_secret)
        return TOTP(secret, 6, algorithm, 30).generate(int(self.clock.now().timestamp())).decode()

    def sign_in(self, account: Account, **changes: str | None) -> TestResponse:
        body: Mapping[str, Any] = {"username": account.username, "password": account.password}
        if account.totp_secret:
            body = {**body, "totp": self.code(account)}
        body = {name: value for name, value in {**body, **changes}.items() if value is not None}
        return self.ask("POST", "/v1/tokens", json=body)

    def tokens(self, account: Account) -> dict[str, Any]:
        reply = self.sign_in(account)
        assert reply.status_code == 200, reply.get_data(as_text=True)
        told: dict[str, Any] = reply.get_json()
        return told

    def access(self, account: Account) -> str:
        return str(self.tokens(account)["access_token"])

    def create(self, token: str, named: str, *roles: str, **changes: Any) -> TestResponse:  # noqa: ANN401
        body = {
            "username": named,
            "display_name": f"Cán bộ {named}",
            "password": PASSWORD,
            "assignments": [{"role": role, "unit_id": PROVINCE, "from_on": "2024-01-01"} for role in roles],
            **changes,
        }
        return self.ask("POST", "/v1/users", token, json=body)

    def hire(self, token: str, named: str, *roles: str, **changes: Any) -> Account:  # noqa: ANN401
        reply = self.create(token, named, *roles, **changes)
        assert reply.status_code == 201, reply.get_data(as_text=True)
        told = reply.get_json()
        return Account(told["user_id"], told["username"], totp_secret=told["totp_secret"])


@pytest.fixture
def portal(
    database: Callable[[str], Addresses], tmp_path: Path, application: MakeApplication
) -> Iterator[Portal]:
    """A portal with its first administrator; every invariant holds when the test is over."""
    opened = Portal(database("portal"), FixedClock(MORNING), tmp_path, application)
    try:
        yield opened
        assert opened.findings() == []
    finally:
        for engine in opened.opened:
            engine.dispose()


@pytest.fixture(scope="session")
def make_pages() -> MakePages:
    """The pages, with each test's context: made once, as their templates are compiled then."""
    made: list[Flask] = []

    def give(context: Context) -> Flask:
        if not made:
            made.append(build_pages(context, COOKIE_KEY, secure=False))
        made[0].extensions[EXTENSION] = context
        return made[0]

    return give


@pytest.fixture
def boss(portal: Portal) -> str:
    """The administrator's access token."""
    return portal.access(portal.administrator)
