"""Every route of every service names its permission and its contract; nothing can be forgotten."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from services.portal.start import ensure_keys
from shared.settings import Settings
from shared.web.acting import BACKDATE_PERMISSION, PUBLIC, SIGNED_IN

SERVICES = ("allocation", "beneficiaries", "notifications", "audit", "portal")
WITHOUT_PERMISSION = {"/livez", "/readyz", "/metrics", "/openapi.json"}  # nothing in them is anybody's secret
GAP = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
WRITING = {"POST", "PUT", "PATCH", "DELETE"}
MONEY = ("transfers", "withdrawals", "decisions", "lists", "payroll", "openings", "statements")


@dataclass(frozen=True)
class Route:
    """One way into one service."""

    service: str
    method: str
    path: str
    view: Any

    @property
    def permission(self) -> str | None:
        return getattr(self.view, "permission", None)

    @property
    def contract(self) -> Mapping[str, Any]:
        contract: Mapping[str, Any] = getattr(self.view, "_apidoc", {})
        return contract

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path}"


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Flask]:
    """Every service's application, on a database that nobody asks."""
    state = tmp_path_factory.mktemp("state")
    settings = Settings.from_environment(
        {
            "FUNDTRAIL_SERVICE_DATABASE_URL": "postgresql+psycopg://nobody:none@127.0.0.1:1/none",
            "FUNDTRAIL_BUS_URL": "kafka://127.0.0.1:1",
            "FUNDTRAIL_ISSUER": "http://127.0.0.1:1",
            "FUNDTRAIL_JWKS_URL": "http://127.0.0.1:1/jwks",
            "FUNDTRAIL_STATE_DIR": str(state),
        }
    )
    make_keys(settings.keys_dir)
    return {
        service: importlib.import_module(f"services.{service}.app").create_app(settings)
        for service in SERVICES
    }


def make_keys(folder: Path) -> None:
    """What `migrate` of the portal leaves behind."""
    folder.mkdir(parents=True, exist_ok=True)
    ensure_keys(folder)


@pytest.fixture(scope="module")
def routes(apps: dict[str, Flask]) -> list[Route]:
    return [
        Route(service, method, rule.rule, app.view_functions[rule.endpoint])
        for service, app in apps.items()
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def of_features(routes: list[Route]) -> Iterator[Route]:
    return (route for route in routes if route.path not in WITHOUT_PERMISSION)


def catalogue() -> set[str]:
    """Every permission that some role gives."""
    roles = json.loads(files("services.portal.roles").joinpath("data", "roles.json").read_text())
    return set(_permissions_in(roles))


def _permissions_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "permissions":
                yield from inner
            else:
                yield from _permissions_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _permissions_in(inner)


def test_every_route_names_its_permission(routes: list[Route]) -> None:
    assert [str(route) for route in of_features(routes) if not route.permission] == []


def test_every_permission_can_be_given(routes: list[Route]) -> None:
    known = catalogue() | {PUBLIC, SIGNED_IN}
    unknown = {
        f"{route}: {route.permission}" for route in of_features(routes) if route.permission not in known
    }
    assert unknown == set()


def test_every_permission_in_the_catalogue_opens_something(routes: list[Route]) -> None:
    used = {route.permission for route in routes} | {BACKDATE_PERMISSION}
    assert catalogue() - used == set()


def test_every_route_states_what_it_answers(routes: list[Route]) -> None:
    silent = {route.path for route in routes if "response" not in route.contract}
    assert silent == {"/openapi.json"}, "the document does not tell of itself"


def test_every_body_has_a_schema(apps: dict[str, Flask]) -> None:
    """A request body in the document of the API has a schema; what has none takes no body."""
    for service, app in apps.items():
        document = app.test_client().get("/openapi.json").get_json()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if method.upper() in WRITING and "requestBody" in operation:
                    contents = operation["requestBody"]["content"].values()
                    assert all("schema" in content for content in contents), f"{service} {method} {path}"


def test_what_moves_or_promises_money_is_idempotent(routes: list[Route]) -> None:
    careless = [
        str(route)
        for route in of_features(routes)
        if route.method == "POST"
        and route.path.split("/")[2] in MONEY
        and not getattr(route.view, "idempotent", False)
        and not route.path.endswith(("/file", "/annexes", "/formulas"))  # these write nothing that counts
    ]
    assert careless == []


def test_reading_needs_no_key(routes: list[Route]) -> None:
    keyed = [route for route in routes if getattr(route.view, "idempotent", False)]
    assert [str(route) for route in keyed if route.method == "GET"] == []


def test_the_public_can_change_nothing_but_its_own_sign_in(routes: list[Route]) -> None:
    public = [str(route) for route in routes if route.permission == PUBLIC and route.method in WRITING]
    assert all(one.startswith("portal POST /v1/tokens") for one in public), public


def test_addresses_are_versioned(routes: list[Route]) -> None:
    outside = {"/.well-known/jwks.json"}  # where RFC 8414 puts it
    assert [
        str(r) for r in of_features(routes) if not r.path.startswith("/v1/") and r.path not in outside
    ] == []


def test_schema_names_are_unique_in_each_document(apps: dict[str, Flask]) -> None:
    for app in apps.values():
        document = app.test_client().get("/openapi.json").get_json()
        assert not [name for name in document["components"]["schemas"] if name[-1].isdigit()]


def test_the_routes_that_are_served_stand_in_the_document_and_no_others(apps: dict[str, Flask]) -> None:
    for service, app in apps.items():
        served = {
            (GAP.sub(r"{\1}", rule.rule), method.lower())
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
        document = app.test_client().get("/openapi.json").get_json()
        told = {
            (path, method)
            for path, methods in document["paths"].items()
            for method in methods
            if method != "parameters"
        }
        assert served - {("/openapi.json", "get")} == told, service
