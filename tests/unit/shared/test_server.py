from __future__ import annotations

import sys

import pytest
from flask import Flask

from shared.settings import Settings
from shared.web import admission, server
from shared.web.server import Server

SETTINGS = Settings.from_environment(
    {
        "FUNDTRAIL_SERVICE_DATABASE_URL": "postgresql+psycopg://x@y/z",
        "FUNDTRAIL_BUS_URL": "kafka://x:1",
        "FUNDTRAIL_ISSUER": "http://i",
        "FUNDTRAIL_JWKS_URL": "http://i/j",
        "FUNDTRAIL_PORT": "8701",
        "FUNDTRAIL_API_THREADS": "6",
    }
)


@pytest.fixture(autouse=True)
def no_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["services.toys"])


def application() -> Flask:
    app = Flask("x")
    admission.install(app)
    return app


def made() -> Server:
    return Server(SETTINGS, application)


def test_what_matters_is_set_by_hand() -> None:
    options = made().cfg.settings
    assert options["bind"].get() == ["127.0.0.1:8701"]
    assert options["threads"].get() == admission.threads_for(6)
    assert options["timeout"].get() == server.TIMEOUT_S
    assert options["graceful_timeout"].get() == server.GRACEFUL_S
    assert options["backlog"].get() == server.BACKLOG
    assert options["limit_request_line"].get() == server.REQUEST_LINE_MAX


def test_the_application_is_made_after_the_fork() -> None:
    assert made().cfg.settings["preload_app"].get() is False
    calls: list[int] = []

    def make() -> Flask:
        calls.append(1)
        return application()

    lazy = Server(SETTINGS, make)
    assert calls == []
    lazy.load()
    assert calls == [1]


def test_no_more_work_at_once_than_there_are_connections() -> None:
    app = made().load()
    assert app.extensions[admission.EXTENSION].places.count == 6


def test_the_command_line_is_none_of_gunicorns_business(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(sys, "argv", ["services.toys", "api"])
    monkeypatch.setattr(Server, "run", lambda _: seen.append(list(sys.argv)))
    assert server.serve(SETTINGS, lambda _: Flask("x")) == 0
    assert seen == [["services.toys"]]
