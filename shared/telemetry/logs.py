"""Structured logs on standard error: one JSON object a line, no personal data in any field."""

from __future__ import annotations

import logging
import sys
from functools import partial

import structlog
from structlog.typing import EventDict


def configure(service: str, role: str, level: str) -> None:
    """Let every log line of this process carry its time, level, service and role."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            partial(_named, service=service, role=role),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _named(_: object, __: str, event: EventDict, *, service: str, role: str) -> EventDict:
    return {"service": service, "role": role} | dict(event)
