"""The contracts as the code makes them today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.contracts import files, openapi
from deploy.contracts.registry import published

Documents = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def documents() -> Documents:
    """The OpenAPI document of every service."""
    return openapi.documents()


@pytest.fixture(scope="session")
def event_files() -> files.Files:
    return files.event_files()


@pytest.fixture(scope="session")
def schemas(event_files: files.Files) -> Documents:
    """The JSON Schema of every event, by its type."""
    return {
        one.type: json.loads(event_files[Path("events/schemas") / f"{one.type}.json"]) for one in published()
    }
