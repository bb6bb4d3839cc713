"""Kafka with a certificate, as the containers have it with TLS: who is not believed gets no record."""

from __future__ import annotations

import gc
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deploy.kafka import acl
from deploy.kafka.broker import Certificate
from deploy.local.kafka import find_tools
from shared.bus.open import open_bus
from shared.bus.port import Record
from shared.kernel.errors import Unavailable
from tests.integration.images.certificates import Authority
from tests.integration.images.guarded_kafka import Guarded, guarded_kafka

pytestmark = [
    pytest.mark.full,
    pytest.mark.kafka,
    # kafka-python 3.0.12 leaves a socket whose handshake failed to the collector.
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
    pytest.mark.skipif(isinstance(find_tools(os.environ), str), reason="Java or Maven is not here"),
]
TOPIC = "allocation.events.v1"


@pytest.fixture(autouse=True)
def collected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What a client leaves is collected before the next test, which may not expect it.

    A record of its log would keep it longer: the error in it has a traceback, which has the socket.
    """
    caplog.set_level(logging.CRITICAL, "kafka")
    yield
    gc.collect()


@pytest.fixture(scope="module")
def node() -> Iterator[Guarded]:
    with tempfile.TemporaryDirectory(prefix="fundtrail-tls-") as name:
        folder = Path(name)
        authority = Authority(folder)
        chain = authority.key_and_chain("kafka", "127.0.0.1")
        with guarded_kafka(folder, Certificate(str(chain), str(authority.file))) as running:
            yield running


def test_who_knows_the_authority_writes_and_reads(node: Guarded) -> None:
    with closing(open_bus(node.url(acl.ADMINISTRATOR), "tests")) as bus:
        bus.ensure_topics([TOPIC])
        bus.publish([Record(TOPIC, "key", (), b"sealed on its way")])
        assert bus.last_records(TOPIC)[-1].value == b"sealed on its way"


@pytest.mark.parametrize("trust", ["none", "another", "name"])
def test_who_believes_nobody_or_somebody_else_or_calls_another_name_gets_nothing(
    node: Guarded, trust: str, tmp_path: Path
) -> None:
    url = node.url(acl.ADMINISTRATOR)
    if trust == "none":
        url = url.partition("?")[0]
    elif trust == "another":
        url = f"{url.partition('?')[0]}?ca={Authority(tmp_path, 'another').file}"
    else:
        url = url.replace("@127.0.0.1:", "@localhost:")
    with closing(open_bus(url, "tests")) as bus, pytest.raises(Unavailable):
        bus.topic_ids([TOPIC])
