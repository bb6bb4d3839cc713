"""Who is asking: services know an issuer, an audience and a key set, and nothing else of the sign-in.

A token carries its permissions, each with the units it holds for; the algorithm is never taken from it.
Source: RFC 9068 (JWT profile for access tokens), RFC 7517 (key sets).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.kernel.principals import Principal

ALGORITHM = "ES256"
REFRESH_EVERY = timedelta(minutes=5)
REFRESH_AT_MOST_EVERY = timedelta(seconds=2)
TOKEN_BYTES_MAX = 16 * 1024
KEPT_MAX = 1_000


class Unauthenticated(Exception):
    """The request carries no token that this service can trust."""


class TokenVerifier:
    """Checks access tokens against the issuer's published keys, which are fetched when needed and kept."""

    def __init__(
        self, issuer: str, audience: str, fetch_keys: Callable[[], KeySetSerialization], clock: Clock
    ) -> None:
        self._fetch_keys = fetch_keys
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._fetched_at: datetime | None = None
        self._kept: dict[bytes, tuple[Principal, datetime]] = {}  # by the SHA-256 of the token
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str) -> Principal:
        """The principal of a token.

        Raises: Unauthenticated where it is forged, expired or meant for others; Unavailable where the keys
        cannot be fetched.
        """
        if len(token) > TOKEN_BYTES_MAX:
            raise Unauthenticated("The token is too long to be one of ours.")
        name = hashlib.sha256(token.encode(errors="replace")).digest()
        kept = self._kept.get(name)
        if kept is not None and self._clock.now() < kept[1]:
            return kept[0]
        claims = self._checked(token)
        principal = _principal(claims)
        self._keep(name, principal, claims)
        return principal

    def _keep(self, name: bytes, principal: Principal, claims: Mapping[str, Any]) -> None:
        """Believe the token until it expires, or until the keys are asked for again."""
        if len(self._kept) >= KEPT_MAX:
            self._kept = {}
        expires = datetime.fromtimestamp(int(claims["exp"]), UTC)
        if self._fetched_at is not None:
            self._kept[name] = (principal, min(expires, self._fetched_at + REFRESH_EVERY))

    def _checked(self, token: str) -> dict[str, Any]:
        claims = self._claims(token)
        now = int(self._clock.now().timestamp())
        registry = jwt.JWTClaimsRegistry(
            now=lambda: now,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        try:
            registry.validate(claims)
        except JoseError as error:
            raise Unauthenticated(f"The token is not valid: {error}") from error
        return claims

    def _claims(self, token: str) -> dict[str, Any]:
        for attempt in range(2):
            try:
                return dict(
                    jwt.decode(token, self._key_set(refresh=attempt > 0), algorithms=[ALGORITHM]).claims
                )
            except (JoseError, ValueError) as error:
                failure = error
        raise Unauthenticated("The token is not signed by the issuer this service knows.") from failure

    def _key_set(self, *, refresh: bool) -> KeySet:
        with self._lock:
            age = self._age()
            if self._keys is None or age > REFRESH_EVERY or (refresh and age > REFRESH_AT_MOST_EVERY):
                self._keys = KeySet.import_key_set(self._fetch_keys())
                self._fetched_at = self._clock.now()
            return self._keys

    def _age(self) -> timedelta:
        return self._clock.now() - self._fetched_at if self._fetched_at else timedelta.max


def _principal(claims: Mapping[str, Any]) -> Principal:
    grants = claims.get("grants", {})
    if not isinstance(grants, dict) or not all(map(_are_units, grants.values())):
        raise Unauthenticated("The token's grants are not readable.")
    return Principal(
        subject=str(claims["sub"]),
        name=str(claims.get("name", "")),
        unit=claims.get("unit"),
        grants={permission: tuple(units) for permission, units in grants.items()},
    )


def _are_units(units: object) -> bool:
    return isinstance(units, list) and all(isinstance(unit, str) for unit in units)


def keys_from(url: str, get: Callable[[str], KeySetSerialization]) -> Callable[[], KeySetSerialization]:
    """A function that fetches the issuer's keys; a failure to reach it is Unavailable."""

    def fetch() -> KeySetSerialization:
        try:
            return get(url)
        except (OSError, ValueError) as error:  # away, or its answer is no key set
            raise Unavailable("The sign-in service does not answer; try again shortly.") from error

    return fetch
