"""Traces: what a request waited for, through journal and bus into other services.

Off unless FUNDTRAIL_OTLP_URL is set: nothing of OpenTelemetry is imported then, and every call here costs as
much as a function that does nothing. A trace's name travels as `traceparent`: from the request's header into
the act, with the journal row over the bus, and from there into the acts that the row causes elsewhere
(docs/adr/0008). No value of a request, a statement or an error stands in a span.
Source: W3C Trace Context.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, Protocol

from shared.settings import SettingMissing

OTLP_SETTING = "FUNDTRAIL_OTLP_URL"
OTLP_MODULE = "shared.telemetry.otlp"
HEADER = "HTTP_TRACEPARENT"
UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})

WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Sent(Protocol):
    """What a span says of a row on its way: its id and type, and whose trace it belongs to."""

    @property
    def id(self) -> str:
        """The row's id."""

    @property
    def type(self) -> str:
        """The type of the fact."""

    @property
    def traceparent(self) -> str | None:
        """The span that caused the row."""


class Tracer(Protocol):
    """What the parts of a process ask of tracing."""

    def serving(self, method: str, traceparent: str | None) -> AbstractContextManager[str | None]:
        """A request is answered within the block, which gets the name that its act is to carry."""

    def answered(self, method: str, route: str, status: int) -> None:
        """The request under way was answered."""

    def sending(self, service: str, rows: Sequence[Sent]) -> AbstractContextManager[None]:
        """Journal rows are sent to the bus within the block."""

    def handling(
        self, service: str, event_type: str, traceparent: str | None
    ) -> AbstractContextManager[str | None]:
        """A received fact has its effect within the block, which gets the name that its act is to carry."""


class Off:
    """Names are passed on, and nothing is noted."""

    def serving(self, _: str, traceparent: str | None) -> AbstractContextManager[str | None]:
        """The caller's name."""
        return nullcontext(traceparent)

    def answered(self, _: str, __: str, ___: int) -> None:
        """Nothing."""

    def sending(self, _: str, __: Sequence[Sent]) -> AbstractContextManager[None]:
        """Nothing."""
        return nullcontext()

    def handling(self, _: str, __: str, traceparent: str | None) -> AbstractContextManager[str | None]:
        """The sender's name."""
        return nullcontext(traceparent)


OFF = Off()
_current: Tracer = OFF


def current() -> Tracer:
    """The tracer of this process."""
    return _current


def use(tracer: Tracer) -> None:
    """From now on the parts of this process ask this tracer."""
    global _current  # noqa: PLW0603 - one tracer a process, as there is one log
    _current = tracer


def is_on() -> bool:
    """Whether spans are noted."""
    return _current is not OFF


def begin(process: str) -> None:
    """Spans of this process go to the collector that the environment names, if it names one. Idempotent.

    Raises: SettingMissing where a collector is named and the packages for it are not installed.
    """
    url = os.environ.get(OTLP_SETTING)
    if not url or is_on():
        return
    try:
        make: Callable[[str, str], Tracer] = import_module(OTLP_MODULE).make
    except ModuleNotFoundError as error:
        raise SettingMissing(
            f"{OTLP_SETTING} asks for traces, but {error.name} is not installed: install "
            "requirements/telemetry.lock, or unset it."
        ) from error
    use(make(process, url))


def traced(application: WsgiApplication) -> WsgiApplication:
    """The application, each of whose requests is a span, and whose acts carry that span's name."""

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        if environ.get("PATH_INFO") in UNTRACED:
            return application(environ, start_response)
        with _current.serving(environ["REQUEST_METHOD"], environ.get(HEADER)) as name:
            if name:
                environ[HEADER] = name
            return application(environ, start_response)

    return call
