"""A process is told what it needs at one place, and what is secret there can come from a file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from shared.settings import IN_A_FILE, PREFIX, SettingMissing, Settings, bus_url, owner_database_url
from tests.architecture.test_imports import ROOT, name_of, tree

# Who looks at the environment; everybody else is handed what he needs.
READING = {
    "shared.entry",  # every role of every service begins here
    "shared.migration",  # the owner's address is for migrations alone
    "shared.telemetry.tracing",  # asked before there are settings, by any process
    "shared.telemetry.exposition",  # a variable of the library, which reads it at its import
    "services.audit.start",
    "services.notifications.worker",
    "services.portal.site",
}
WITH_PASSWORDS = ("SERVICE_DATABASE_URL", "OWNER_DATABASE_URL", "BUS_URL")


def sources() -> list[Path]:
    return sorted(path for part in ("shared", "services") for path in (ROOT / part).rglob("*.py"))


def looks_around(module: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv", "environb"}
        and ast.unparse(node) != "request.environ"  # what a request brings is no environment of the process
        for node in ast.walk(module)
    )


def test_few_look_at_the_environment() -> None:
    assert {name_of(path) for path in sources() if looks_around(tree(path))} == READING


def test_a_look_at_the_environment_would_be_found() -> None:
    assert looks_around(ast.parse("import os; x = os.environ.get('A')"))
    assert looks_around(ast.parse("import os; x = os.getenv('A')"))
    assert not looks_around(ast.parse("def f(environment): return environment['A']"))
    assert not looks_around(ast.parse("from flask import request; x = request.environ.get('A')"))


def test_addresses_with_passwords_are_read_at_one_place() -> None:
    naming = {
        name_of(path)
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant)
        and node.value in {*WITH_PASSWORDS, *(PREFIX + one for one in WITH_PASSWORDS)}
    }
    assert naming == {"shared.settings"}


@pytest.mark.parametrize("name", WITH_PASSWORDS)
def test_an_address_with_a_password_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    told = {f"{PREFIX}{one}": "x" for one in (*WITH_PASSWORDS, "ISSUER", "JWKS_URL")}
    del told[PREFIX + name]
    secret = tmp_path / "secret"
    secret.write_text("kept apart\n")
    told[f"{PREFIX}{name}{IN_A_FILE}"] = str(secret)
    settings = Settings.from_environment({**told, f"{PREFIX}OWNER_DATABASE_URL": "x"})
    found = {
        "SERVICE_DATABASE_URL": settings.database_url,
        "OWNER_DATABASE_URL": owner_database_url(told),
        "BUS_URL": bus_url(told),
    }
    assert found[name] == "kept apart"
    secret.unlink()
    with pytest.raises(SettingMissing, match=f"{name}{IN_A_FILE}"):
        (owner_database_url if name.startswith("OWNER") else Settings.from_environment)(told)
