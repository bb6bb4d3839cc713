"""Tracing that nobody asked for: names are passed on, nothing is loaded, nothing is noted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import SettingMissing
from shared.telemetry import tracing

ROOT = Path(__file__).parents[3]
PROCESSES = ("services.allocation.app", "services.beneficiaries.worker", "services.audit.worker")


def loaded(*lines: str, **environment: str) -> list[str]:
    """The modules of OpenTelemetry that a fresh process has loaded after some lines."""
    script = "\n".join(
        [*lines, "import sys", "print(*[n for n in sys.modules if n.startswith('opentelemetry')])"]
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.split()


BEGIN = "from shared.telemetry import tracing; tracing.begin('tests')"


def test_without_a_collector_no_process_loads_the_library() -> None:
    """Nor where the containers' file gives the setting without a value."""
    assert loaded(*(f"import {name}" for name in PROCESSES), BEGIN, FUNDTRAIL_OTLP_URL="") == []


def test_with_a_collector_the_library_is_loaded() -> None:
    assert "opentelemetry.sdk.trace" in loaded(BEGIN, FUNDTRAIL_OTLP_URL="http://127.0.0.1:1/v1/traces")


def test_without_its_packages_the_start_ends_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNDTRAIL_OTLP_URL", "http://127.0.0.1:1/v1/traces")
    monkeypatch.setattr(tracing, "OTLP_MODULE", "shared.telemetry.not_installed")
    with pytest.raises(
        SettingMissing, match=r"not_installed is not installed: .*requirements/telemetry\.lock"
    ):
        tracing.begin("tests")
    assert not tracing.is_on()


def test_names_are_passed_on_as_they_came() -> None:
    off = tracing.OFF
    assert tracing.current() is off
    assert not tracing.is_on()
    for name in ("00-aa-bb-01", None):
        with off.serving("GET", name) as given, off.handling("portal", "type", name) as handled:
            assert (given, handled) == (name, name)
    with off.sending("portal", []) as nothing:
        assert nothing is None
    off.answered("GET", "/", 200)


def test_a_request_without_a_name_gets_none_while_tracing_is_off() -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/v1/units"}
    assert tracing.traced(lambda given, _: [repr(sorted(given)).encode()])(environ, None) == [
        b"['PATH_INFO', 'REQUEST_METHOD']"
    ]
