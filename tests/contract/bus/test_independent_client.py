"""A stranger's client reads payment events with nothing but what is published: no line of ours is in it.

It is another client library, and it knows docs/events alone: the topic, the headers and the schemas.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer, Message
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.conftest import Sent

DOCS = Path(__file__).parents[3] / "docs" / "events"
FAMILY = "vn.fundtrail.payments."
PATIENCE_S = 60


class Stranger:
    """Knows the AsyncAPI document and what it refers to."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = json.loads((DOCS / "asyncapi.json").read_text())

    def topic(self) -> str:
        """The one address on which payment events are sent."""
        (found,) = {
            channel["address"]
            for channel in self.document["channels"].values()
            if any(name.startswith(FAMILY) for name in channel["messages"])
        }
        return str(found)

    def headers(self) -> Draft202012Validator:
        return _validator(self.document["components"]["schemas"]["CloudEventHeaders"])

    def payload(self, name: str) -> tuple[Draft202012Validator, str]:
        """The schema of a type's data, and the field that is its key."""
        message = self.document["components"]["messages"][name]
        schema = json.loads((DOCS / message["payload"]["schema"]["$ref"]).read_text())
        return _validator(schema), schema["x-key"]


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def read(servers: str, topic: str, count: int) -> Iterator[Message]:
    """So many records of a topic."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": f"stranger-{uuid.uuid4().hex}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    try:
        consumer.subscribe([topic])
        deadline = time.monotonic() + PATIENCE_S
        while count and time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is not None and message.error() is None:
                yield message
                count -= 1
    finally:
        consumer.close()


@pytest.mark.kafka
def test_a_strangers_client_reads_every_payment_by_the_published_contract(sent_payments: Sent) -> None:
    stranger = Stranger()
    told = [row for row in sent_payments.rows if row.topic == "events"]
    messages = list(read(sent_payments.servers, stranger.topic(), len(told)))
    assert len(messages) == len(told)

    ids, sequences, payments = set[str](), defaultdict[str, list[int]](list), []
    for message in messages:
        headers = {name: value.decode() for name, value in message.headers()}
        assert list(stranger.headers().iter_errors(headers)) == []
        validator, key = stranger.payload(headers["ce_type"])
        data = json.loads(message.value())
        assert list(validator.iter_errors(data)) == []
        assert message.key().decode() == headers["ce_partitionkey"] == str(data[key])
        ids.add(headers["ce_id"])
        sequences[message.key().decode()].append(int(headers["ce_sequence"]))
        if headers["ce_type"].startswith(FAMILY):
            payments += [
                (headers["ce_type"], item["payment_id"], item["amount_vnd"]) for item in data["items"]
            ]

    assert len(ids) == len(told), "every event has an id of its own"
    assert all(one == sorted(one) for one in sequences.values()), "the order of a key was lost"
    assert sorted(payments) == sorted(
        (row.type, item["payment_id"], item["amount_vnd"])
        for row in told
        if row.type.startswith(FAMILY)
        for item in row.data["items"]
    )
    assert len({name for name, _, _ in payments}) == 5, (
        "instructed, settled, returned, returned late, reissued"
    )


def test_the_client_is_a_strangers() -> None:
    """Nothing of ours is imported by this file."""
    lines = Path(__file__).read_text().splitlines()
    imported = [one.split()[1] for one in lines if one.startswith(("from ", "import "))]
    assert not [one for one in imported if one.split(".")[0] in {"shared", "services", "deploy"}]
