from __future__ import annotations

import sys
from types import ModuleType

import pytest

from shared import entry
from shared.settings import Settings

NEEDED = {
    "SERVICE_DATABASE_URL": "postgresql+psycopg://x@y/z",
    "BUS_URL": "kafka://x:1",
    "ISSUER": "http://i",
    "JWKS_URL": "http://i/j",
}
ROLES = {"worker": "made_up_module:run", "api": "made_up_module:serve"}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Settings]]:
    """A module with two roles; what was called with which settings."""
    calls: list[tuple[str, Settings]] = []
    module = ModuleType("made_up_module")

    def role(name: str, status: int) -> object:
        def run(settings: Settings) -> int:
            calls.append((name, settings))
            return status

        return run

    vars(module).update(run=role("run", 0), serve=role("serve", 3))
    monkeypatch.setitem(sys.modules, "made_up_module", module)
    monkeypatch.setattr(entry, "configure", lambda *_: None)
    for name, value in NEEDED.items():
        monkeypatch.setenv(f"FUNDTRAIL_{name}", value)
    return calls


def started(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["services.toys", *words])
    return entry.main("toys", ROLES)


def test_the_role_that_is_named_runs_with_the_settings(
    called: list[tuple[str, Settings]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert started(monkeypatch, "worker") == 0
    assert [(name, settings.bus_url) for name, settings in called] == [("run", "kafka://x:1")]


def test_the_status_of_the_role_is_the_status_of_the_process(
    called: list[tuple[str, Settings]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert started(monkeypatch, "api") == 3


@pytest.mark.parametrize("words", [(), ("nonsense",), ("worker", "api"), ("--help",)])
def test_anything_else_is_answered_with_the_roles(
    called: list[tuple[str, Settings]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    assert started(monkeypatch, *words) == 2
    assert capsys.readouterr().err == "Usage: python -m services.toys worker|api\n"
    assert called == []


def test_a_missing_setting_stops_the_start_with_its_name(
    called: list[tuple[str, Settings]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FUNDTRAIL_ISSUER")
    assert started(monkeypatch, "worker") == 2
    assert "FUNDTRAIL_ISSUER" in capsys.readouterr().err
    assert called == []
