"""Spans over OTLP. Imported only where a collector is named: this is the one module that knows OpenTelemetry.

A span is begun by a request, by a row that a traced act recorded, or inside another span; what a loop does of
its own accord is not noted, else every look at a cursor would be a trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from shared.telemetry.tracing import Sent

EXPORT_TIMEOUT_S = 5
FAILED_FROM = 500
# An error's text may quote a person's data: a span says that there was an error, the log says which.
QUIET: Mapping[str, Any] = {"record_exception": False, "set_status_on_exception": False}
PROPAGATOR = TraceContextTextMapPropagator()


def make(process: str, url: str) -> Spans:
    """A tracer that sends its spans to a collector, in batches and never in anybody's way."""
    return Spans(process, BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=EXPORT_TIMEOUT_S)))


class Spans:
    """Notes spans of requests, statements, rows sent and facts received."""

    def __init__(self, process: str, processor: SpanProcessor) -> None:
        resource = Resource.create({"service.namespace": "fundtrail", "service.name": process})
        self._provider = TracerProvider(
            sampler=CausedOnly(), resource=resource, span_limits=SpanLimits(max_events=0)
        )
        self._provider.add_span_processor(processor)
        self._tracer = QuietTracer(self._provider.get_tracer("fundtrail"))
        self._statements = PsycopgInstrumentor()
        self._statements.instrument(tracer_provider=QuietProvider(self._provider))

    def close(self) -> None:
        """What was noted is sent; statements are not noted any more."""
        self._statements.uninstrument()
        self._provider.shutdown()

    @contextmanager
    def serving(self, method: str, traceparent: str | None) -> Iterator[str | None]:
        """A span of the request, in the caller's trace where it has one."""
        context = _context(traceparent)
        with self._tracer.start_as_current_span(method, context=context, kind=SpanKind.SERVER):
            yield _name()

    def answered(self, method: str, route: str, status: int) -> None:
        """The route, as it is written in the code, and the status."""
        span = trace.get_current_span()
        span.update_name(f"{method} {route}")
        span.set_attributes(
            {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        )
        if status >= FAILED_FROM:
            span.set_status(Status(StatusCode.ERROR))

    @contextmanager
    def sending(self, service: str, rows: Sequence[Sent]) -> Iterator[None]:
        """A span for each row that belongs to a trace, as long as the bus takes to store the page."""
        spans = [self._row(service, row) for row in rows if row.traceparent]
        try:
            yield
        except Exception:
            for span in spans:
                span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            for span in spans:
                span.end()

    @contextmanager
    def handling(self, service: str, event_type: str, traceparent: str | None) -> Iterator[str | None]:
        """A span of the effect, in the trace of the act that recorded the fact."""
        if not traceparent:
            yield traceparent
            return
        attributes = {"messaging.operation.type": "process", "fundtrail.consumer": service}
        with self._tracer.start_as_current_span(
            f"handle {event_type}", _context(traceparent), SpanKind.CONSUMER, attributes
        ):
            yield _name()

    def _row(self, service: str, row: Sent) -> Span:
        attributes = {
            "messaging.operation.type": "send",
            "messaging.message.id": row.id,
            "fundtrail.source": service,
        }
        return self._tracer.start_span(
            f"send {row.type}", _context(row.traceparent), SpanKind.PRODUCER, attributes
        )


class CausedOnly(Sampler):
    """Notes a request, and what happens within a span or by its name; a caller may ask not to be noted."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,  # noqa: ARG002 - as above
        name: str,  # noqa: ARG002 - as above
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002 - as above
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Whether a span is noted."""
        parent = trace.get_current_span(parent_context).get_span_context()
        noted = parent.trace_flags.sampled if parent.is_valid else kind is SpanKind.SERVER
        decision = Decision.RECORD_AND_SAMPLE if noted else Decision.DROP
        return SamplingResult(decision, attributes, trace_state)

    def get_description(self) -> str:
        """Its name."""
        return "CausedOnly"


class QuietTracer(trace.Tracer):
    """A tracer whose spans say nothing of an error but that there was one."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def start_span(self, *args: Any, **options: Any) -> Span:  # noqa: ANN401 - passed on as they are
        """A span that its caller ends."""
        return self._tracer.start_span(*args, **{**options, **QUIET})

    @contextmanager
    def start_as_current_span(self, *args: Any, **options: Any) -> Iterator[Span]:  # type: ignore[override] # noqa: ANN401 - passed on
        """A span that lasts as long as the block."""
        with self._tracer.start_as_current_span(*args, **{**options, **QUIET}) as span:
            try:
                yield span
            except Exception:
                span.set_status(Status(StatusCode.ERROR))
                raise


class QuietProvider(trace.TracerProvider):
    """Gives quiet tracers to those who would note an error's text."""

    def __init__(self, provider: trace.TracerProvider) -> None:
        self._provider = provider

    def get_tracer(self, *args: Any, **options: Any) -> trace.Tracer:  # noqa: ANN401 - passed on as they are
        """A quiet tracer."""
        return QuietTracer(self._provider.get_tracer(*args, **options))


def _context(traceparent: str | None) -> Context:
    """The context that a name stands for; an unreadable one stands for none."""
    return PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {}, Context())


def _name() -> str | None:
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")
