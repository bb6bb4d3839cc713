"""What a request needs from its process; made once by the composition root and kept on the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app

from shared.db.unit_of_work import UnitOfWork
from shared.kernel.clock import Clock
from shared.web.auth import TokenVerifier

EXTENSION = "fundtrail"


@dataclass(frozen=True, slots=True)
class Context:
    """One service's dependencies; `parts` holds those that only its own features know."""

    service: str
    unit_of_work: UnitOfWork
    verifier: TokenVerifier
    clock: Clock
    parts: Mapping[str, Any] = field(default_factory=dict)


def current_context() -> Context:
    """The dependencies of the service that answers this request."""
    return cast("Context", current_app.extensions[EXTENSION])
