"""Access tokens: what they say, how long, and that only the public half of the key leaves the portal."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from services.portal.sessions import tokens
from services.portal.sessions.tokens import Issuer
from shared.kernel.principals import Principal

NOW = datetime(2024, 8, 5, 1, tzinfo=UTC)
PRINCIPAL = Principal("user-1", "Cán bộ", "unit-1", {"decisions.draft": ("unit-1", "unit-2")})


@pytest.fixture
def issuer() -> Issuer:
    return Issuer("https://portal.test", "fundtrail", ECKey.generate_key("P-256"))


def test_a_token_says_who_for_whom_until_when_and_what_is_granted(issuer: Issuer) -> None:
    token = jwt.decode(issuer.access_token(PRINCIPAL, "session-1", NOW), issuer.key)
    assert token.claims["sub"] == "user-1"
    assert (token.claims["iss"], token.claims["aud"]) == ("https://portal.test", "fundtrail")
    assert token.claims["exp"] - token.claims["iat"] == 15 * 60
    assert token.claims["iat"] == int(NOW.timestamp())
    assert token.claims["grants"] == {"decisions.draft": ["unit-1", "unit-2"]}
    assert (token.claims["unit"], token.claims["sid"]) == ("unit-1", "session-1")
    assert (token.header["alg"], token.header["typ"]) == ("ES256", "at+jwt")


def test_no_two_tokens_are_the_same(issuer: Issuer) -> None:
    made = {issuer.access_token(PRINCIPAL, "session-1", NOW) for _ in range(20)}
    assert len({jwt.decode(one, issuer.key).claims["jti"] for one in made}) == 20


def test_the_published_set_verifies_by_the_key_id_in_the_header(issuer: Issuer) -> None:
    published = KeySet.import_key_set(issuer.published_keys())
    token = jwt.decode(issuer.access_token(PRINCIPAL, "session-1", NOW), published)
    assert token.header["kid"] == published.keys[0].kid == issuer.key.thumbprint()


def test_the_private_half_is_not_published(issuer: Issuer) -> None:
    (shown,) = issuer.published_keys()["keys"]
    assert set(shown) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    tokens.ensure_key(folder)
    path = folder / tokens.KEY_FILE
    made = path.read_bytes()
    tokens.ensure_key(folder)
    assert path.read_bytes() == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_issuer_signs_with_the_key_of_its_folder_after_a_restart_too(tmp_path: Path) -> None:
    tokens.ensure_key(tmp_path)
    before, after = (tokens.load_issuer("https://portal.test", "fundtrail", tmp_path) for _ in range(2))
    token = before.access_token(PRINCIPAL, "session-1", NOW)
    assert jwt.decode(token, KeySet.import_key_set(after.published_keys())).claims["sub"] == "user-1"


def test_refresh_tokens_are_long_and_kept_as_hashes() -> None:
    made = {tokens.new_refresh_token() for _ in range(100)}
    assert len(made) == 100
    hashes = {tokens.refresh_hash(one) for one in made}
    assert len(hashes) == 100
    assert hashes.isdisjoint(made)
