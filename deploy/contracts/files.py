"""What of the contracts lies in the repository, file by file, and how it gets there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.contracts import asyncapi, json_schema, openapi, pages
from deploy.contracts.compatibility import api_breaks, event_breaks
from deploy.contracts.registry import published

DOCS = Path(__file__).parents[2] / "docs"
API, EVENTS, RELEASED = Path("api"), Path("events"), Path("released") / "v1"

Files = dict[Path, str]


class ReleaseBroken(Exception):
    """What is to be released breaks what was released before."""


def api_files() -> Files:
    """The document of each service and the page about all of them, by their places below docs/."""
    documents = openapi.documents()
    files = {API / f"{service}.json": text_of(document) for service, document in documents.items()}
    return files | {API / "index.md": pages.api_page(documents)}


def event_files() -> Files:
    """The schema of each event, the AsyncAPI document and the page, by their places below docs/."""
    events = published()
    schemas = {one.type: json_schema.of_event(one) for one in events}
    files = {EVENTS / "schemas" / f"{name}.json": text_of(schema) for name, schema in schemas.items()}
    files[EVENTS / "asyncapi.json"] = text_of(asyncapi.document(events))
    return files | {EVENTS / "README.md": pages.events_page(events, schemas)}


def text_of(document: Mapping[str, Any]) -> str:
    """A document as it is checked in."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(files: Files, docs: Path = DOCS) -> None:
    """The files are there, and none of another name beside them."""
    for folder in {path.parent for path in files}:
        (docs / folder).mkdir(parents=True, exist_ok=True)
        for found in (docs / folder).glob("*.json"):
            if found.relative_to(docs) not in files:
                found.unlink()
    for path, text in files.items():
        (docs / path).write_text(text, encoding="utf-8")


def released(part: Path, docs: Path = DOCS) -> dict[str, dict[str, Any]]:
    """What was promised, by the names of the files."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((docs / part / RELEASED).glob("*.json"))
    }


def breaks(docs: Path = DOCS) -> list[str]:
    """Everything in which today's contracts break what was released."""
    schemas = {one.type: json_schema.of_event(one) for one in published()}
    return [
        *event_breaks(released(EVENTS, docs), schemas),
        *api_breaks(released(API, docs), openapi.documents()),
    ]


def release(docs: Path = DOCS) -> None:
    """Today's contracts are promised. Raises: ReleaseBroken where they break what was promised before."""
    if found := breaks(docs):
        raise ReleaseBroken("\n".join(found))
    frozen = {
        Path(path.parts[0]) / RELEASED / path.name: text
        for path, text in (api_files() | event_files()).items()
        if path.suffix == ".json" and path.name != "asyncapi.json"
    }
    write(frozen, docs)
