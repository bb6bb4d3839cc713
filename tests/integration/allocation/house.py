"""The allocation service on a database of its own, and the people who ask it: used by every test here."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from deploy.local.provisioning import Addresses
from deploy.oversight.findings import Finding
from deploy.oversight.invariants import invariants_of, places
from services.allocation.ledger import handlers as ledger
from services.allocation.ledger import store as ledger_store
from services.allocation.ledger.model import AccountKey, CapitalKind, Kind, Outcome, Role, Transfer
from services.allocation.legal_bases.model import article_id_of
from services.allocation.listening import HANDLERS
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.journal.envelope import Envelope
from shared.kernel import canonical
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock, at_business_noon
from shared.kernel.ids import id_of, new_id
from shared.kernel.money import vnd
from shared.kernel.periods import Period

SERVICE = "allocation"
ISSUER = "https://issuer.test"
AUDIENCE = "fundtrail"
TODAY = date(2024, 8, 5)
NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)
MERIT_ARTICLE = article_id_of("TT-44-2022", "10", "merit_monthly")
GRAVE_ARTICLE = article_id_of("ND-75-2021", "11", "cemetery_grave_new")
LAPSED_ARTICLE = article_id_of("TT-46-2022", "toàn văn", "poverty_programme")
CEMETERY_ARTICLE = article_id_of("NQ-68-2021", "toàn văn", "cemetery_work")
MERIT: Mapping[str, str] = {"component": "merit-371", "source": "central", "capital_kind": "recurrent"}


@dataclass
class House:
    """One allocation database, seen by its roles; every act in it is dated noon of 5 August 2024."""

    addresses: Addresses
    clock: FixedClock
    opened: list[Engine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unit_of_work = UnitOfWork(self.engine(self.addresses.service), self.clock)
        self.owner = self.engine(self.addresses.owner)

    def engine(self, url: str) -> Engine:
        self.opened.append(make_engine(url, application="tests-allocation", pool_size=4))
        return self.opened[-1]

    def close(self) -> None:
        for engine in self.opened:
            engine.dispose()

    def act(self, actor: str = "officer-1", on: date | None = None) -> Act:
        return Act(actor=actor, occurred_at=at_business_noon(on) if on else self.clock.now())

    def rows(self, query: str, **values: Any) -> list[Any]:  # noqa: ANN401 - values of SQL
        with self.owner.connect() as connection:
            return list(connection.execute(text(query), values))

    def one(self, query: str, **values: Any) -> Any:  # noqa: ANN401 - a value of SQL
        with self.owner.connect() as connection:
            return connection.scalar(text(query), values)

    def waiting(self) -> int:
        """How many locks of this database somebody waits for."""
        return int(
            self.one(
                "SELECT count(*) FROM pg_locks w WHERE NOT w.granted AND EXISTS (SELECT 1 FROM pg_locks h "
                "WHERE h.pid = w.pid AND h.database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database()))"
            )
        )

    def journal(self, kind: str) -> list[dict[str, Any]]:
        """The data of every journal row of a type, oldest first; `kind` is the type's middle."""
        rows = self.rows(
            "SELECT data FROM journal WHERE type = :type ORDER BY seq", type=f"vn.fundtrail.{kind}.v1"
        )
        return [canonical.decode(bytes(row.data)) for row in rows]

    def findings(self) -> list[Finding]:
        """Every place where an invariant of the service does not hold, as its reader sees it."""
        engine = self.engine(self.addresses.reader)
        with engine.connect() as connection:
            return [
                finding
                for invariant in invariants_of(SERVICE)
                for finding in places(SERVICE, connection, invariant)
            ]

    # --- the ledger -------------------------------------------------------------------------------

    def open(self, *keys: AccountKey) -> None:
        with self.unit_of_work.begin(self.act()) as work:
            ledger_store.open_accounts(work.connection, keys)

    def move(self, *batch: Transfer) -> list[Outcome]:
        with self.unit_of_work.begin(self.act()) as work:
            return ledger.transfer(work, batch)

    def fund(self, target: AccountKey, amount: int, line: UUID | None = None) -> Transfer:
        """Money from its source into an account, whatever the account is."""
        source = account(Role.SOURCE, None)
        self.open(source, target)
        given = transfer(source, target, amount, decision_line=line)
        (outcome,) = self.move(given)
        assert outcome.refusal is None
        return given

    def available(self, key: AccountKey) -> int:
        left = self.one(
            "SELECT credits_posted - debits_posted - debits_pending FROM accounts WHERE id = :id", id=key.id
        )
        return int(left or 0)

    # --- events of beneficiaries ------------------------------------------------------------------

    def hand(self, kind: str, facts: Mapping[str, Any], on: date = TODAY) -> None:
        """Give the worker's handler an event, in a transaction of its own, as the consumer does."""
        found = envelope(f"vn.fundtrail.{kind}.v1", facts, on)
        act = Act(actor=found.actor, occurred_at=found.occurred_at, causation=found.id)
        with self.unit_of_work.begin(act) as work:
            HANDLERS[found.type](work, found)


def account(
    role: Role, unit: UUID | None, party: str | None = None, year: int = 2024, component: str = "merit-371"
) -> AccountKey:
    """An account of merit money."""
    return AccountKey(year, component, "central", CapitalKind.RECURRENT, unit, role, party)


def transfer(
    debit: AccountKey,
    credit: AccountKey,
    amount: int,
    kind: Kind = Kind.DIRECT,
    **more: Any,  # noqa: ANN401 - fields of a transfer
) -> Transfer:
    """A transfer under a new id, unless one is given."""
    return Transfer(
        id=more.pop("id", None) or new_id(),
        debit_account=debit.id,
        credit_account=credit.id,
        amount=vnd(amount),
        kind=kind,
        effective_on=TODAY,
        period=Period.of(TODAY),
        **more,
    )


def envelope(kind: str, facts: Mapping[str, Any], on: date = TODAY) -> Envelope:
    """An event of beneficiaries as it comes from the bus."""
    return Envelope(
        id=str(new_id()),
        source="beneficiaries",
        epoch=1,
        position=1,
        topic="events",
        type=kind,
        key=str(facts.get("list_id", "")),
        subjects=(),
        occurred_at=at_business_noon(on),
        recorded_at=NOON,
        actor="approver-1",
        backdated=False,
        data=canonical.encode(facts),
    )


@dataclass
class Person:
    """Somebody with a token of their own."""

    app: Flask
    key: ECKey
    clock: FixedClock
    subject: str
    grants: Mapping[str, Sequence[str]]

    def token(self) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self.subject,
            "name": self.subject,
            "exp": int(self.clock.now().timestamp()) + 600,
            "grants": {permission: list(units) for permission, units in self.grants.items()},
        }
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - as werkzeug takes them
    ) -> TestResponse:
        client: FlaskClient = self.app.test_client()
        signed = {"Authorization": f"Bearer {self.token()}", **(headers or {})}
        return client.open(path, method=method, headers=signed, **options)

    def get(self, path: str, **query: Any) -> Any:  # noqa: ANN401 - any JSON
        reply = self.ask("GET", path, query_string={name: str(value) for name, value in query.items()})
        assert reply.status_code == 200, reply.get_data(as_text=True)
        return reply.get_json()

    def pages(self, path: str, **query: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
        """Every item of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, **query, **cursor)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def send(
        self,
        path: str,
        body: Any = None,  # noqa: ANN401 - any JSON, or nothing
        key: str | None = "",
        on: date | None = None,
        *,
        method: str = "POST",
        seen: int | None = None,
        **options: Any,  # noqa: ANN401 - as werkzeug takes them
    ) -> TestResponse:
        """An act; a key of None sends none, the empty one stands for a new one. `seen`: the version."""
        headers = {} if key is None else {"Idempotency-Key": key or str(new_id())}
        if seen is not None:
            headers["If-Match"] = f'"{seen}"'
        if on is not None:
            headers["Business-Date"] = on.isoformat()
        if body is not None:
            options["json"] = body
        return self.ask(method, path, headers, **options)


def problem(reply: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The body of an error, which has the status and the code."""
    body: dict[str, Any] = reply.get_json()
    assert (reply.status_code, body["code"]) == (status, code), body
    assert reply.content_type == "application/problem+json"
    return body


@functools.cache
def unit_id(code: str, since: str = "") -> UUID:
    """An id that stands for a unit in tests that need no register."""
    return id_of("test-unit", code, since)
