"""One request is one trace: the API, its SQL, the relay's sending, the effect elsewhere and beyond."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from flask.testing import FlaskClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import Engine, text

from deploy.local.provisioning import Addresses
from shared.bus.open import open_bus
from shared.bus.port import Bus
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork, Work
from shared.inbox.consumer import Consumer
from shared.journal.envelope import Envelope
from shared.journal.relay import Relay, topics_of
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Unavailable
from shared.kernel.ids import new_id
from shared.telemetry import tracing
from shared.telemetry.otlp import Spans
from shared.web.acting import PUBLIC, acts, current_work
from shared.web.app import build_app
from shared.web.auth import TokenVerifier
from shared.web.blueprint import Blueprint
from shared.web.context import Context

SECRET = "Nguyễn Văn Kín"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0{}"

blueprint = Blueprint("told", __name__, description="One fact a request.")


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody told us something."""

    TYPE: ClassVar[str] = "vn.fundtrail.traces.told.v1"
    KEY: ClassVar[str] = "key"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    key: str
    words: str


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody heard what was told."""

    TYPE: ClassVar[str] = "vn.fundtrail.traces.heard.v1"
    KEY: ClassVar[str] = "key"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    key: str


@blueprint.post("/v1/told")
@acts(PUBLIC)
def tell() -> dict[str, Any]:
    """Tell one fact."""
    current_work().record(Told("key", SECRET))
    return {}


@blueprint.post("/v1/broken")
@acts(PUBLIC)
def fail() -> dict[str, Any]:
    """Make the database quote what it was given."""
    current_work().connection.execute(text("SELECT CAST(:words AS integer)"), {"words": SECRET})
    return {}


class Chain:
    """An API with its relay, and a service that hears, with a relay of its own."""

    def __init__(self, sender: Engine, receiver: Engine, bus: Bus) -> None:
        clock = SystemClock()
        names = [f"traces{new_id().hex[-10:]}" for _ in range(2)]
        telling, hearing = (UnitOfWork(engine, clock) for engine in (sender, receiver))
        verifier = TokenVerifier("issuer", "fundtrail", lambda: {"keys": []}, clock)
        app = build_app(Context(names[0], telling, verifier, clock), [blueprint])
        self.client: FlaskClient = app.test_client()
        self._bus = bus
        self._relays = [
            Relay(name, engine, bus, clock) for name, engine in zip(names, (sender, receiver), strict=True)
        ]
        self._topics = topics_of(names[0])[:1]
        self._consumer = Consumer(names[1], bus, self._topics, hearing, {Told.TYPE: self._hear})
        self.engines = sender, receiver

    @staticmethod
    def _hear(work: Work, item: Envelope) -> None:
        work.record(Heard(item.key))

    def go_through(self) -> None:
        """What was told is sent, heard, and what follows is sent."""
        for number, relay in enumerate(self._relays):
            while not relay.step():
                pass
            if number == 0:
                with closing(self._bus.subscribe("traces", self._topics)) as subscription:
                    while not self._consumer.step(subscription, threading.Event()):
                        pass

    def traceparents(self) -> list[list[str | None]]:
        """What the journal of each service keeps."""
        return [list(self._stored(engine)) for engine in self.engines]

    @staticmethod
    def _stored(engine: Engine) -> list[str | None]:
        with engine.connect() as connection:
            return list(connection.scalars(text("SELECT traceparent FROM journal ORDER BY seq")))


@pytest.fixture
def noted() -> Iterator[InMemorySpanExporter]:
    """Everything that is noted while tracing is on, for the length of a test."""
    exporter = InMemorySpanExporter()
    spans = Spans("tests", SimpleSpanProcessor(exporter))
    tracing.use(spans)
    yield exporter
    tracing.use(tracing.OFF)
    spans.close()


@pytest.fixture
def chain(
    request: pytest.FixtureRequest,
    noted: InMemorySpanExporter,
    database: Callable[[str], Addresses],
    empty_database: Callable[[str], Addresses],
) -> Iterator[Chain]:
    on_kafka = getattr(request, "param", "postgres") == "kafka"
    bus = open_bus(request.getfixturevalue("kafka_url") if on_kafka else empty_database("bus").owner, "tests")
    engines = [make_engine(database(name).service, application="traces") for name in ("portal", "allocation")]
    yield Chain(engines[0], engines[1], bus)
    bus.close()
    for engine in engines:
        engine.dispose()


def by_kind(noted: InMemorySpanExporter) -> Mapping[SpanKind, list[ReadableSpan]]:
    found: dict[SpanKind, list[ReadableSpan]] = defaultdict(list)
    for span in noted.get_finished_spans():
        found[span.kind].append(span)
    return found


def parent(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def name_of(span: ReadableSpan) -> str:
    place = span.context
    return f"00-{place.trace_id:032x}-{place.span_id:016x}-{place.trace_flags:02x}"


@pytest.mark.parametrize("chain", ["postgres", pytest.param("kafka", marks=pytest.mark.kafka)], indirect=True)
def test_one_request_is_one_trace_through_both_services(chain: Chain, noted: InMemorySpanExporter) -> None:
    assert chain.client.post("/v1/told").status_code == 200
    chain.go_through()
    found = by_kind(noted)
    (request,), (handling,) = found[SpanKind.SERVER], found[SpanKind.CONSUMER]
    assert {span.context.trace_id for span in noted.get_finished_spans()} == {request.context.trace_id}
    assert request.parent is None
    assert (request.name, handling.name) == ("POST /v1/told", f"handle {Told.TYPE}")
    sent = {span.name: span for span in found[SpanKind.PRODUCER]}
    assert parent(sent[f"send {Told.TYPE}"]) == parent(handling) == request.context.span_id
    assert parent(sent[f"send {Heard.TYPE}"]) == handling.context.span_id
    assert chain.traceparents() == [[name_of(request)], [name_of(handling)]]
    statements = defaultdict(list)
    for span in found[SpanKind.CLIENT]:
        statements[parent(span)].append((span.attributes or {})["db.statement"])
    for span in (request, handling):
        assert any(str(one).startswith("INSERT INTO journal") for one in statements[span.context.span_id])


def test_a_callers_trace_goes_on_and_one_that_is_not_to_be_noted_is_not(
    chain: Chain, noted: InMemorySpanExporter
) -> None:
    chain.client.post("/v1/told", headers={"traceparent": CALLER.format(0)})
    chain.go_through()
    assert noted.get_finished_spans() == ()
    ((kept,), (following,)) = chain.traceparents()
    assert {str(one).split("-")[1] for one in (kept, following)} == {CALLER.split("-")[1]}
    chain.client.post("/v1/told", headers={"traceparent": CALLER.format(1)})
    (request,) = by_kind(noted)[SpanKind.SERVER]
    assert f"{request.context.trace_id:032x}" == CALLER.split("-")[1]
    assert f"{parent(request):016x}" == CALLER.split("-")[2]


@pytest.mark.parametrize("name", ["", "x", "00-0-0-01", "ff-" + CALLER.format(1)[3:], "a" * 9000])
def test_a_name_that_is_none_begins_a_trace_of_its_own(
    chain: Chain, noted: InMemorySpanExporter, name: str
) -> None:
    assert chain.client.post("/v1/told", headers={"traceparent": name}).status_code == 200
    (request,) = by_kind(noted)[SpanKind.SERVER]
    assert request.parent is None
    assert chain.traceparents()[0] == [name_of(request)]


def test_no_value_of_a_request_a_statement_or_an_error_is_noted(
    chain: Chain, noted: InMemorySpanExporter
) -> None:
    chain.client.post("/v1/told", query_string={"name": SECRET}, json={"name": SECRET})
    assert chain.client.post("/v1/broken").status_code == 500
    chain.go_through()
    spans = noted.get_finished_spans()
    assert SECRET not in "".join(span.to_json(indent=None) for span in spans)
    assert "K\\u00edn" not in "".join(span.to_json(indent=None) for span in spans)
    failed = {
        span.name for span in spans if not span.status.is_ok and span.status.status_code.name == "ERROR"
    }
    assert failed >= {"POST /v1/broken", "SELECT"}


def test_what_a_loop_does_of_its_own_accord_and_what_a_probe_asks_are_no_traces(
    chain: Chain, noted: InMemorySpanExporter
) -> None:
    for relay in chain._relays:
        relay.step()
    for path in ("/livez", "/readyz", "/metrics"):
        assert chain.client.get(path).status_code == 200
    assert noted.get_finished_spans() == ()


def test_rows_that_the_bus_did_not_take_are_noted_as_failed(
    chain: Chain, noted: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise Unavailable("away")

    chain.client.post("/v1/told")
    monkeypatch.setattr(chain._bus, "hand_over", refuse)
    with pytest.raises(Unavailable):
        chain.go_through()
    (sent,) = by_kind(noted)[SpanKind.PRODUCER]
    assert sent.status.status_code is StatusCode.ERROR
