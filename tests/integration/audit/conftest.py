"""An audit service on a database of its own, and journal rows to feed it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import Connection, Engine, text
from werkzeug.test import TestResponse

from deploy.local.provisioning import Addresses
from services.audit.findings import Finding
from services.audit.log import handlers, keys, model, proofs
from services.audit.log.api import blueprint as log_api
from services.audit.log.check import check
from services.audit.log.loops import Signing
from services.audit.log.notes import Signer
from services.audit.search.api import blueprint as search_api
from services.audit.search.check import check as check_search
from services.audit.search.handlers import Indexing, ensure_cursor
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.journal.envelope import Envelope
from shared.kernel import canonical
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.ids import id_of
from shared.web.app import build_app
from shared.web.auth import TokenVerifier
from shared.web.context import Context

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)
ORIGIN = "fundtrail.test/audit"
ISSUER = "https://issuer.test"
AUDIENCE = "fundtrail"
INSPECTOR = "inspector-1"


@dataclass
class Audit:
    """The parts of an audit service under test, working as the roles they have in production."""

    unit_of_work: UnitOfWork
    owner: Engine
    reader: Engine
    clock: FixedClock
    folder: Path
    signer: Signer

    @property
    def act(self) -> Act:
        return Act.system("audit", self.clock.now())

    def take(self, *items: Envelope) -> int:
        """Entries the log grew by."""
        taken = handlers.Taken(0, more=True)
        arrivals = [model.arrival_of(item) for item in items]
        grown = 0
        while taken.more:
            with self.unit_of_work.begin(self.act) as work:
                taken = handlers.take(work, arrivals)
            grown, arrivals = grown + taken.entries, []
        return grown

    def sign(self) -> str | None:
        """The new checkpoint's note."""
        return Signing(self.unit_of_work, self.signer, self.folder).step()

    def index(self) -> None:
        """Bring the search index up to the log."""
        while Indexing(self.unit_of_work).step():
            pass

    def findings(self) -> list[Finding]:
        """What the checks find, as the read-only role."""
        with self.reader.connect() as connection:
            return check(connection, self.signer.verifier) + check_search(connection)

    def tamper(self, statement: str, **values: Any) -> int:  # noqa: ANN401 - values of SQL
        """Rows changed behind the service's back."""
        with self.owner.begin() as connection:
            result = (
                connection.execute(text(statement), values)
                if values
                else connection.exec_driver_sql(statement)
            )
            return result.rowcount

    def reading(self) -> Connection:
        """A connection of the read-only role; close it."""
        return self.reader.connect()


@pytest.fixture
def audit(database: Callable[[str], Addresses], tmp_path: Path) -> Iterator[Audit]:
    """A log that was just begun."""
    addresses = database("audit")
    clock = FixedClock(NOON)
    service, owner, reader = (
        make_engine(url, application="tests-audit")
        for url in (addresses.service, addresses.owner, addresses.reader)
    )
    unit_of_work = UnitOfWork(service, clock)
    folder = tmp_path / "keys"
    with unit_of_work.begin(Act.system("audit", NOON)) as work:
        keys.ensure_log(work, folder, ORIGIN)
        ensure_cursor(work)
    yield Audit(unit_of_work, owner, reader, clock, folder, keys.load_signer(folder))
    for engine in (service, owner, reader):
        engine.dispose()


MakeEnvelope = Callable[..., Envelope]


@pytest.fixture
def envelope() -> MakeEnvelope:
    """`envelope("portal", 3, data={...}, type="...")`: a journal row; data with `items` is a bulk row."""

    def make(source: str = "allocation", position: int = 1, **changes: Any) -> Envelope:  # noqa: ANN401
        data: dict[str, Any] = changes.pop("data", {"number": position})
        epoch = changes.pop("epoch", 1)
        fields: dict[str, Any] = {
            "id": str(id_of("test", source, epoch, position)),
            "topic": "events",
            "type": "vn.fundtrail.tests.happened.v1",
            "key": "K1",
            "subjects": (),
            "occurred_at": NOON,
            "recorded_at": NOON,
            "actor": "officer-1",
            "backdated": False,
            "items_root": proofs.items_root(data["items"]).hex() if "items" in data else None,
        }
        return Envelope(
            source=source, epoch=epoch, position=position, data=canonical.encode(data), **(fields | changes)
        )

    return make


@pytest.fixture
def rows(envelope: MakeEnvelope) -> Callable[..., list[Envelope]]:
    """`rows("portal", 1, 300)`: the journal rows at these positions, both included."""

    def make(source: str, first: int, last: int, **changes: Any) -> list[Envelope]:  # noqa: ANN401
        return [envelope(source, position, **changes) for position in range(first, last + 1)]

    return make


@dataclass
class Inspector:
    """Requests under a token that holds some permissions, or none."""

    client: FlaskClient
    key: ECKey
    clock: FixedClock

    def get(self, path: str, *permissions: str) -> TestResponse:
        """The answer to a request by somebody with these permissions; without any, by nobody."""
        headers = {"Authorization": f"Bearer {self._token(permissions)}"} if permissions else {}
        return self.client.get(path, headers=headers)

    def _token(self, permissions: tuple[str, ...]) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": INSPECTOR,
            "name": "Thanh tra viên",
            "exp": int(self.clock.now().timestamp()) + 600,
            "grants": {permission: ["root"] for permission in permissions},
        }
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)


@pytest.fixture
def inspector(audit: Audit) -> Inspector:
    """The service's API, asked by an inspector."""
    key = ECKey.generate_key("P-256", {"kid": "test"}, auto_kid=True)
    published = KeySet([key]).as_dict(private=False)
    verifier = TokenVerifier(ISSUER, AUDIENCE, lambda: published, audit.clock)
    app = build_app(Context("audit", audit.unit_of_work, verifier, audit.clock), [log_api, search_api])
    return Inspector(app.test_client(), key, audit.clock)
