"""The ledger's API in this process: one house, one clock, and a way to start it anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from deploy.local.provisioning import Addresses
from services.allocation.ledger.api import blueprint as ledger
from services.allocation.refusals import REFUSALS
from services.allocation.year_end.api import blueprint as year_end
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.clock import FixedClock
from shared.web.auth import TokenVerifier
from shared.web.blueprint import Blueprint
from shared.web.context import Context
from tests.integration.allocation.house import AUDIENCE, ISSUER, NOON, SERVICE, House
from tests.integration.models.answers import Answer

MakeApp = Callable[[Context, Sequence[Blueprint]], Flask]
KEY = ECKey.generate_key("P-256", auto_kid=True)


class Counter:
    """One allocation database and the API that stands before it."""

    def __init__(
        self, addresses: Addresses, make: MakeApp, units: Iterable[UUID], now: datetime = NOON
    ) -> None:
        self.house = House(addresses, FixedClock(now))
        self._make = make
        self._units = [str(one) for one in units]
        self.restart()

    @property
    def clock(self) -> FixedClock:
        return self.house.clock

    @property
    def unit_of_work(self) -> UnitOfWork:
        """The one that the API works with."""
        return self._context.unit_of_work

    def restart(self) -> None:
        """A new engine, unit of work and verifier; nothing that was in memory is left."""
        published = KeySet([KEY]).as_dict(private=False)
        verifier = TokenVerifier(ISSUER, AUDIENCE, lambda: published, self.clock)
        work = UnitOfWork(self.house.engine(self.house.addresses.service), self.clock, REFUSALS)
        self._context = Context(SERVICE, work, verifier, self.clock)

    def send(self, path: str, body: object, key: str | None, who: str = "teller") -> Answer:
        """The answer to a POST."""
        headers = {"Authorization": f"Bearer {self._token(who)}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body)
        app = self._make(self._context, [ledger, year_end])
        reply = app.test_client().post(path, data=data, content_type="application/json", headers=headers)
        hit = reply.headers.get("Idempotency-Hit") == "true"
        return Answer(reply.status_code, reply.data, hit, reply.headers.get("Retry-After"))

    def close(self) -> None:
        self.house.close()

    def _token(self, who: str) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": who,
            "name": who,
            "exp": int(self.clock.now().timestamp()) + 600,
            "grants": {"ledger.transfer": self._units},
        }
        return jwt.encode({"alg": "ES256", "kid": KEY.kid}, claims, KEY)
