"""A service as its process puts it together, one who asks it, and what its document says can be asked."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, KeySetSerialization
from werkzeug.test import TestResponse

from deploy.local.provisioning import Addresses
from services.audit import start as audit
from services.portal.roles.model import catalogue
from services.portal.start import ensure_keys
from shared.kernel.ids import new_id
from shared.settings import Settings
from shared.web.auth import TokenVerifier
from shared.web.context import EXTENSION, Context

SERVICES = ("allocation", "beneficiaries", "notifications", "audit", "portal")
METHODS = ("get", "post", "put", "patch", "delete")
WITHOUT_TOKEN = {"/livez", "/readyz", "/metrics"}
TOKEN_S = 3600
ISSUER, AUDIENCE = "https://issuer.test", "fundtrail"
SAMPLES = {"uuid": str(new_id()), "date": "2024-08-05", "period": "2024-08"}


@dataclass(frozen=True)
class Operation:
    """One way into a service, as its own document of the API tells it."""

    method: str
    path: str
    parameters: tuple[Mapping[str, Any], ...]
    contents: tuple[str, ...]
    schema: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def queries(self) -> dict[str, Mapping[str, Any]]:
        return {one["name"]: one for one in self.parameters if one["in"] == "query"}

    @property
    def is_paged(self) -> bool:
        return "cursor" in self.queries

    def place(self, **given: str) -> str:
        """The path with a value of the right type in each gap, unless one is given."""
        kinds = {one["name"]: one["schema"] for one in self.parameters if one["in"] == "path"}
        return re.sub(r"\{(\w+)\}", lambda gap: given.get(gap[1]) or sample(gap[1], kinds[gap[1]]), self.path)

    def query(self, **given: object) -> dict[str, object]:
        """What the address must carry, with what is given beside it."""
        needed = {
            name: sample(name, one["schema"]) for name, one in self.queries.items() if one.get("required")
        }
        return {**needed, **given}


def sample(name: str, schema: Mapping[str, Any]) -> str:
    """A value that the schema takes."""
    if name == "period":
        return SAMPLES["period"]
    if "integer" in schema.get("type", ""):
        return str(schema.get("minimum", 1))
    return SAMPLES.get(schema.get("format", ""), "x")


@dataclass
class Caller:
    """A person with every permission there is, before one service."""

    service: str
    app: Flask
    key: ECKey
    document: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.document = self.app.test_client().get("/openapi.json").get_json()

    @property
    def context(self) -> Context:
        found: Context = self.app.extensions[EXTENSION]
        return found

    @property
    def operations(self) -> list[Operation]:
        return [
            self._operation(method, path, told)
            for path, told in self.document["paths"].items()
            for method in METHODS
            if method in told
        ]

    def _operation(self, method: str, path: str, told: Mapping[str, Any]) -> Operation:
        one = told[method]
        parameters = (*told.get("parameters", ()), *one.get("parameters", ()))
        contents = one.get("requestBody", {}).get("content", {})
        schema = contents.get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        found = self.document["components"]["schemas"].get(name, schema)
        return Operation(method, path, tuple(parameters), tuple(contents), found)

    def token(self, grants: Mapping[str, Sequence[str]] | None = None, subject: str = SAMPLES["uuid"]) -> str:
        """The token of a person with these grants, or with every permission in one unit."""
        if grants is None:
            grants = {one: [SAMPLES["uuid"]] for role in catalogue().values() for one in role.permissions}
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "name": "Cán bộ",
            "unit": SAMPLES["uuid"],
            "exp": int(self.context.clock.now().timestamp()) + TOKEN_S,
            "grants": {permission: list(units) for permission, units in grants.items()},
        }
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)

    def published_keys(self) -> KeySetSerialization:
        """What the issuer of the tokens shows of its key."""
        return KeySet([self.key]).as_dict(private=False)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - as werkzeug takes them
    ) -> TestResponse:
        signed = {
            "Authorization": f"Bearer {self.token()}",
            "Idempotency-Key": str(new_id()),
            "If-Match": '"1"',
            **(headers or {}),
        }
        return self.app.test_client().open(path, method=method.upper(), headers=signed, **options)


def started(service: str, addresses: Addresses, folder: Path) -> Caller:
    """One service, with an issuer of the test in place of the portal."""
    settings = Settings.from_environment(
        {
            "FUNDTRAIL_SERVICE_DATABASE_URL": addresses.service,
            "FUNDTRAIL_BUS_URL": "kafka://127.0.0.1:1",
            "FUNDTRAIL_ISSUER": ISSUER,
            "FUNDTRAIL_JWKS_URL": f"{ISSUER}/keys",
            "FUNDTRAIL_STATE_DIR": str(folder),
        }
    )
    ensure_keys(settings.keys_dir)
    app: Flask = importlib.import_module(f"services.{service}.app").create_app(settings)
    key = ECKey.generate_key("P-256", auto_kid=True)
    caller = Caller(service, app, key)
    published, context = caller.published_keys(), caller.context
    verifier = TokenVerifier(ISSUER, AUDIENCE, lambda: published, context.clock)
    app.extensions[EXTENSION] = replace(context, verifier=verifier)
    if service == "audit":
        audit.load(context.unit_of_work, settings)
    return caller


def complaint(reply: TestResponse) -> dict[str, Any]:
    """The body of an error, which has the shape that every error of every service has."""
    assert reply.content_type == "application/problem+json", reply.get_data(as_text=True)
    body: dict[str, Any] = reply.get_json()
    assert body["status"] == reply.status_code
    assert body["type"] == f"urn:fundtrail:problem:{body['code']}"
    assert set(body) <= {"type", "title", "status", "code", "detail", "values", "errors"}
    return body
