"""What a request needs from its process; made once by the composition root and kept on the application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.request import urlopen

from flask import current_app
from joserfc.jwk import KeySetSerialization

from shared.db.unit_of_work import UnitOfWork
from shared.kernel.clock import Clock, SystemClock
from shared.service import Refusals, make_unit_of_work
from shared.settings import Settings
from shared.web.auth import TokenVerifier, keys_from

EXTENSION = "fundtrail"
KEYS_TIMEOUT_S = 5


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


def make_context(
    service: str, settings: Settings, refusals: Refusals | None = None, parts: Mapping[str, Any] | None = None
) -> Context:
    """What the requests of one API process need."""
    clock = SystemClock()
    verifier = TokenVerifier(
        settings.issuer, settings.audience, keys_from(settings.jwks_url, get_keys), clock
    )
    return Context(
        service, make_unit_of_work(service, "api", settings, refusals), verifier, clock, parts or {}
    )


def get_keys(url: str) -> KeySetSerialization:
    """An issuer's published keys, asked for now. Raises: OSError, ValueError."""
    # Five processes of the API would each import a client library of 60 modules for this one question.
    with urlopen(url, timeout=KEYS_TIMEOUT_S) as reply:  # noqa: S310 - an address of our own settings
        keys: KeySetSerialization = json.load(reply)
    return keys
