"""gunicorn without files: the application is made in each worker after the fork, never before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from shared.settings import Settings
from shared.telemetry import exposition
from shared.web import admission
from shared.web.doorkeeper import DoorkeptWorker

TIMEOUT_S = 60
GRACEFUL_S = 20
BACKLOG = 512
KEEPALIVE_S = 1
REQUEST_LINE_MAX = 8190


class Server(BaseApplication):  # type: ignore[misc] # gunicorn brings no types
    """One service's API under gunicorn."""

    def __init__(self, settings: Settings, make_app: Callable[[], Flask]) -> None:
        self._settings = settings
        self._make_app = make_app
        super().__init__()

    def load_config(self) -> None:
        """Set every option that matters by hand."""
        options: dict[str, Any] = {
            "bind": f"{self._settings.host}:{self._settings.port}",
            "workers": self._settings.api_workers,
            "threads": admission.threads_for(self._settings.api_threads),
            "worker_class": DoorkeptWorker,
            "timeout": TIMEOUT_S,
            "graceful_timeout": GRACEFUL_S,
            "backlog": BACKLOG,
            "keepalive": KEEPALIVE_S,
            "limit_request_line": REQUEST_LINE_MAX,
            "preload_app": False,
            "control_socket_disable": True,
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "proc_name": "fundtrail",
            "child_exit": exposition.worker_ended,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application of one worker, with a place for each connection that its pool keeps."""
        app = self._make_app()
        admission.limit(app, self._settings.api_threads)
        return app


def serve(settings: Settings, create_app: Callable[[Settings], Flask]) -> int:
    """The exit status once gunicorn was told to stop."""
    sys.argv = sys.argv[:1]  # gunicorn reads the command line too, and ours is none of its business
    exposition.begin()
    Server(settings, lambda: create_app(settings)).run()
    return 0
