"""Access tokens: short-lived, signed with ES256, readable by every service through the published key set.

Source: RFC 9068, RFC 7517. The private key is a file of mode 0600 beside the database, never inside it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, KeySetSerialization

from shared.kernel.ids import new_id
from shared.kernel.principals import Principal
from shared.web.auth import ALGORITHM

ACCESS_LIFETIME = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(hours=12)
REFRESH_BYTES = 32
KEY_FILE = "issuer.pem"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs access tokens under one name."""

    name: str
    audience: str
    key: ECKey

    def access_token(self, principal: Principal, session_id: str, now: datetime) -> str:
        """A token for 15 minutes."""
        issued_at = int(now.timestamp())
        claims = {
            "iss": self.name,
            "aud": self.audience,
            "sub": principal.subject,
            "sid": session_id,
            "name": principal.name,
            "unit": principal.unit,
            "grants": {name: list(units) for name, units in principal.grants.items()},
            "iat": issued_at,
            "exp": issued_at + int(ACCESS_LIFETIME.total_seconds()),
            "jti": str(new_id()),
        }
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": self.key.thumbprint()}
        return jwt.encode(header, claims, self.key)

    def published_keys(self) -> KeySetSerialization:
        """The key set that services verify with."""
        public = self.key.as_dict(private=False) | {
            "kid": self.key.thumbprint(),
            "use": "sig",
            "alg": ALGORITHM,
        }
        return KeySet([ECKey.import_key(public)]).as_dict(private=False)


def load_issuer(name: str, audience: str, keys_dir: Path) -> Issuer:
    """The issuer whose key lies in the keys folder."""
    return Issuer(name, audience, ECKey.import_key((keys_dir / KEY_FILE).read_bytes()))


def ensure_key(keys_dir: Path) -> None:
    """A signing key lies in the folder; one that is there already stays."""
    path = keys_dir / KEY_FILE
    if path.exists():
        return
    keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = ECKey.generate_key("P-256").as_pem(private=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def new_refresh_token() -> str:
    """A random refresh token."""
    return secrets.token_urlsafe(REFRESH_BYTES)


def refresh_hash(token: str) -> str:
    """What is stored of a refresh token: it has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
