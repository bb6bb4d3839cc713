"""The AsyncAPI document hangs together: whatever it refers to is there, and nothing in it stands alone.

The official JSON Schema of AsyncAPI 3.0 is no part of this repository; these are its rules on structure that
our document can break.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.contracts import files
from deploy.contracts.documents import target
from deploy.contracts.registry import published
from shared.bus import cloud_events
from shared.journal import envelope

NAME = re.compile(r"[A-Za-z0-9._-]+")
ROOT_FIELDS = {
    "asyncapi",
    "id",
    "info",
    "servers",
    "defaultContentType",
    "channels",
    "operations",
    "components",
}


@pytest.fixture(scope="module")
def document(event_files: files.Files) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(event_files[Path("events/asyncapi.json")])
    return whole


def references(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_it_is_version_3_with_fields_of_that_version_only(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert set(document) <= ROOT_FIELDS
    assert {"title", "version"} <= set(document["info"])


def test_every_reference_leads_somewhere(document: dict[str, Any], event_files: files.Files) -> None:
    found = list(references(document))
    assert len(found) > 100
    for one in found:
        if one.startswith("#"):
            assert target(document, {"$ref": one}), one
        else:
            assert Path("events") / one in event_files, one


def test_names_are_those_that_the_standard_allows(document: dict[str, Any]) -> None:
    parts = [document["channels"], document["operations"], *document["components"].values()]
    assert [name for part in parts for name in part if not NAME.fullmatch(name)] == []


def test_a_channel_is_a_topic_and_every_topic_has_one(document: dict[str, Any]) -> None:
    topics = {topic for one in published() for topic in one.topics}
    assert {channel["address"] for channel in document["channels"].values()} == topics
    for name, channel in document["channels"].items():
        assert channel["bindings"]["kafka"]["topic"] == name
        expected = {one.type for one in published() if name in one.topics}
        assert set(channel["messages"]) == expected


def test_an_operation_sends_the_messages_of_its_channel(document: dict[str, Any]) -> None:
    channels = set()
    for operation in document["operations"].values():
        assert operation["action"] == "send"
        place = operation["channel"]["$ref"]
        channels.add(place.rpartition("/")[2])
        messages = {one["$ref"] for one in operation["messages"]}
        assert messages == {
            f"{place}/messages/{name}" for name in target(document, operation["channel"])["messages"]
        }
    assert channels == set(document["channels"])


def test_a_message_has_headers_a_payload_and_a_key(document: dict[str, Any]) -> None:
    messages = document["components"]["messages"]
    assert set(messages) == {one.type for one in published()}
    for one in published():
        message = messages[one.type]
        assert message["payload"]["schema"]["$ref"] == f"schemas/{one.type}.json"
        assert one.key in message["bindings"]["kafka"]["key"]["description"]
        assert message["headers"]["$ref"] == "#/components/schemas/CloudEventHeaders"


def test_the_headers_told_are_those_that_are_sent(document: dict[str, Any]) -> None:
    told = document["components"]["schemas"]["CloudEventHeaders"]
    optional = {cloud_events.PREFIX + name for name in envelope.OPTIONAL_TEXTS.values()}
    assert set(told["properties"]) - set(told["required"]) == optional
