"""An API of two processes has one page of figures, whichever of them is asked."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from deploy.local.keeper import free_port
from shared.testing.waiting import wait_until

ROOT = Path(__file__).parents[3]
REQUESTS = 30
SCRAPES = 6
SERVE = """
from flask import Flask
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.clock import SystemClock
from shared.settings import Settings
from shared.web import server
from shared.web.app import build_app
from shared.web.auth import TokenVerifier
from shared.web.context import Context
import os, sys

def create(settings):
    clock = SystemClock()
    work = UnitOfWork(make_engine(settings.database_url, application="figures"), clock)
    verifier = TokenVerifier("issuer", "fundtrail", lambda: {"keys": []}, clock)
    return build_app(Context("counting", work, verifier, clock), [])

sys.exit(server.serve(Settings.from_environment(os.environ), create))
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[int]:
    """The port of an API with two workers, whose folder holds what an earlier run left."""
    port = free_port()
    (tmp_path / "counter_1.db").write_bytes(b"left over, and broken")
    told = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "FUNDTRAIL_SERVICE_DATABASE_URL": "postgresql+psycopg://u:p@127.0.0.1:1/x",
        "FUNDTRAIL_BUS_URL": "kafka://127.0.0.1:1",
        "FUNDTRAIL_ISSUER": "issuer",
        "FUNDTRAIL_JWKS_URL": "http://127.0.0.1:1",
        "FUNDTRAIL_PORT": str(port),
        "FUNDTRAIL_API_WORKERS": "2",
        "FUNDTRAIL_LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", SERVE], env=told, cwd=tmp_path)
    try:
        wait_until(lambda: get(port, "/livez") is not None, 30, "an API of two processes")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def get(port: int, path: str) -> str | None:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            text: str = reply.read().decode()
            return text
    except URLError:
        return None


def answered(port: int) -> float:
    """How many requests the page speaks of."""
    text = get(port, "/metrics") or ""
    counts = re.findall(r'fundtrail_http_requests_total\{.*service="counting".*\} (\S+)', text)
    return sum(map(float, counts))


def test_whichever_worker_is_asked_answers_for_all(api: int) -> None:
    before = answered(api)
    for _ in range(REQUESTS):
        assert get(api, "/livez") == "ok\n"
    seen = [answered(api) for _ in range(SCRAPES)]
    first = before + 1 + REQUESTS  # the question before was a request too
    assert seen == [first + number for number in range(SCRAPES)]
