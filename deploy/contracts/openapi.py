"""The OpenAPI documents of all services, made from their applications without any server."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

from flask import Flask

from deploy.contracts.registry import service_names
from services.portal.start import ensure_keys
from shared.settings import Settings
from shared.web.context import EXTENSION, Context

NOWHERE = "127.0.0.1:1"  # nothing is asked while documents are made

Document = dict[str, Any]


def documents() -> dict[str, Document]:
    """Each service's document, as it serves it at /openapi.json."""
    with tempfile.TemporaryDirectory(prefix="fundtrail-contracts-") as folder:
        settings = _settings(Path(folder))
        return {service: _document(service, settings) for service in service_names()}


def _document(service: str, settings: Settings) -> Document:
    app: Flask = importlib.import_module(f"services.{service}.app").create_app(settings)
    context: Context = app.extensions[EXTENSION]
    try:
        document: Document = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].document()
        return document
    finally:
        context.unit_of_work.engine.dispose()


def _settings(folder: Path) -> Settings:
    settings = Settings.from_environment(
        {
            "FUNDTRAIL_SERVICE_DATABASE_URL": f"postgresql+psycopg://nobody:none@{NOWHERE}/none",
            "FUNDTRAIL_BUS_URL": f"kafka://{NOWHERE}",
            "FUNDTRAIL_ISSUER": f"http://{NOWHERE}",
            "FUNDTRAIL_JWKS_URL": f"http://{NOWHERE}/jwks",
            "FUNDTRAIL_STATE_DIR": str(folder),
        }
    )
    settings.keys_dir.mkdir(parents=True)
    ensure_keys(settings.keys_dir)
    return settings
