"""What services believe: tokens of this portal, by its published keys, in their time."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from services.portal.sessions import tokens
from services.portal.sessions.tokens import ACCESS_LIFETIME, Issuer, load_issuer
from shared.kernel.errors import Unavailable
from shared.kernel.principals import Principal
from shared.web.auth import REFRESH_AT_MOST_EVERY, REFRESH_EVERY, TokenVerifier, Unauthenticated, keys_from
from tests.integration.portal.conftest import AUDIENCE, ISSUER, PROVINCE, Account, Portal

PEOPLE = {"subject": "u1", "name": "Cán bộ", "unit": PROVINCE, "grants": {"users.manage": (PROVINCE,)}}


@pytest.fixture
def officer(portal: Portal, boss: str) -> Account:
    return portal.hire(boss, "lan", "finance_officer")


def claims(portal: Portal, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    now = int(portal.clock.now().timestamp())
    told = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u1",
        "exp": now + 600,
        "iat": now,
        "grants": {"users.manage": [PROVINCE]},
    }
    return {name: value for name, value in {**told, **changes}.items() if value is not ...}


def signed(portal: Portal, key: Any = None, header: Any = None, **changes: Any) -> str:  # noqa: ANN401
    """A token as the portal would sign it, with other claims, another key or another header."""
    told = {"alg": "ES256", "kid": portal.issuer.key.thumbprint(), **(header or {})}
    return jwt.encode(told, claims(portal, **changes), key or portal.issuer.key, algorithms=[told["alg"]])


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def by_public_key(portal: Portal) -> str:
    text = f"{part({'alg': 'HS256', 'kid': portal.issuer.key.thumbprint()})}.{part(claims(portal))}"
    signature = hmac.digest(portal.issuer.key.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def bent(portal: Portal, place: int, **changes: Any) -> str:  # noqa: ANN401 - JSON
    """A good token, one part of which says something else now."""
    parts = signed(portal).split(".")
    told = json.loads(base64.urlsafe_b64decode(parts[place] + "=="))
    parts[place] = part({**told, **changes})
    return ".".join(parts)


def second(portal: Portal) -> int:
    return int(portal.clock.now().timestamp())


BAD: dict[str, Callable[[Portal], str]] = {
    "no algorithm": lambda portal: f"{part({'alg': 'none'})}.{part(claims(portal))}.",
    "no algorithm in capitals": lambda portal: f"{part({'alg': 'NONE'})}.{part(claims(portal))}.",
    "no algorithm and a signature": lambda portal: (
        f"{part({'alg': 'none'})}.{part(claims(portal))}.{signed(portal).split('.')[2]}"
    ),
    "the published key as a secret": by_public_key,
    "a secret of its own": lambda portal: signed(portal, OctKey.import_key("x" * 32), {"alg": "HS256"}),
    "another curve": lambda portal: signed(portal, ECKey.generate_key("P-384"), {"alg": "ES384"}),
    "a key of another kind": lambda portal: signed(portal, RSAKey.generate_key(2048), {"alg": "RS256"}),
    "a stranger's key under our id": lambda portal: signed(portal, ECKey.generate_key("P-256")),
    "a stranger's key under its own id": lambda portal: signed(
        portal, ECKey.generate_key("P-256"), {"kid": "stranger"}
    ),
    "a key in its own header": lambda portal: bent(
        portal, 0, jwk=ECKey.generate_key("P-256").as_dict(private=False)
    ),
    "a header that names an address of keys": lambda portal: bent(portal, 0, jku="https://evil.test/keys"),
    "a claim changed afterwards": lambda portal: bent(portal, 1, sub="admin"),
    "a right added afterwards": lambda portal: bent(portal, 1, grants={"decisions.issue": [PROVINCE]}),
    "a longer life added afterwards": lambda portal: bent(portal, 1, exp=2**40),
    "without a signature": lambda portal: ".".join([*signed(portal).split(".")[:2], ""]),
    "a signature of zeros": lambda portal: ".".join(
        [*signed(portal).split(".")[:2], base64.urlsafe_b64encode(bytes(64)).decode().rstrip("=")]
    ),
    "half a signature": lambda portal: signed(portal)[:-40],
    "two parts": lambda portal: ".".join(signed(portal).split(".")[:2]),
    "four parts": lambda portal: signed(portal) + ".x",
    "another issuer": lambda portal: signed(portal, iss="https://evil.test"),
    "an issuer that only begins alike": lambda portal: signed(portal, iss=ISSUER + ".evil.test"),
    "no issuer": lambda portal: signed(portal, iss=...),
    "another audience": lambda portal: signed(portal, aud="elsewhere"),
    "other audiences": lambda portal: signed(portal, aud=["elsewhere", "nowhere"]),
    "no audience": lambda portal: signed(portal, aud=...),
    "no subject": lambda portal: signed(portal, sub=...),
    "no end": lambda portal: signed(portal, exp=...),
    "an end that is no number": lambda portal: signed(portal, exp="tomorrow"),
    "an end a second ago": lambda portal: signed(portal, exp=second(portal) - 1),
    "a beginning in an hour": lambda portal: signed(portal, nbf=second(portal) + 3600),
    "issued in an hour": lambda portal: signed(portal, iat=second(portal) + 3600),
    "rights of another shape": lambda portal: signed(portal, grants=["users.manage"]),
    "rights that are a number": lambda portal: signed(portal, grants={"users.manage": 5}),
    "rights that are a text": lambda portal: signed(portal, grants={"users.manage": PROVINCE}),
    "rights for no unit by name": lambda portal: signed(portal, grants={"users.manage": [7]}),
    "nothing at all": lambda _: "",
    "a space": lambda _: " ",
    "letters": lambda _: "abc",
    "dots": lambda _: "...",
    "very many dots": lambda _: "." * 5000,
    "no letters of ours": lambda _: "é.é.é",
    "a page of letters": lambda _: "A" * 20_000,
}


@pytest.mark.parametrize("kind", BAD)
def test_a_token_that_is_not_ours_in_every_part_opens_nothing(portal: Portal, kind: str) -> None:
    token = BAD[kind](portal)
    with pytest.raises(Unauthenticated):
        portal.verifier.verify(token)


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind != "no letters of ours"])
def test_and_over_http_it_is_answered_with_401(portal: Portal, kind: str) -> None:
    before = portal.one("SELECT count(*) FROM journal")
    reply = portal.create(BAD[kind](portal), "lan", "finance_officer")
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert portal.one("SELECT count(*) FROM journal") == before
    assert portal.one("SELECT count(*) FROM users WHERE username = 'lan'") == 0


def test_a_token_with_several_audiences_is_good_where_ours_is_among_them(portal: Portal) -> None:
    assert portal.verifier.verify(signed(portal, aud=["elsewhere", AUDIENCE])).subject == "u1"


def test_a_token_without_rights_is_somebody_without_rights(portal: Portal) -> None:
    found = portal.verifier.verify(signed(portal, grants={}))
    assert found.grants == {}
    assert portal.create(signed(portal, grants={}), "lan", "finance_officer").status_code == 403


@pytest.mark.parametrize("age", [0, 1, 14 * 60, 15 * 60 - 1])
def test_a_token_is_good_until_its_last_second(portal: Portal, officer: Account, age: int) -> None:
    token = portal.access(officer)
    portal.clock.advance(timedelta(seconds=age))
    assert portal.verifier.verify(token).subject == officer.user_id


@pytest.mark.parametrize("age", [1, 60, 24 * 3600])
def test_and_not_a_moment_longer(portal: Portal, officer: Account, age: int) -> None:
    token = portal.access(officer)
    portal.clock.advance(ACCESS_LIFETIME + timedelta(seconds=age))
    with pytest.raises(Unauthenticated):
        portal.verifier.verify(token)


# --- the published keys --------------------------------------------------------------------------


def test_the_key_set_needs_no_token_and_holds_public_halves_only(portal: Portal) -> None:
    reply = portal.ask("GET", "/.well-known/jwks.json")
    assert reply.status_code == 200
    (key,) = reply.get_json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")


def test_a_key_is_named_by_its_own_thumbprint(portal: Portal, officer: Account) -> None:
    (key,) = portal.ask("GET", "/.well-known/jwks.json").get_json()["keys"]
    assert key["kid"] == ECKey.import_key(key).thumbprint()
    header = json.loads(base64.urlsafe_b64decode(portal.access(officer).split(".")[0] + "=="))
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": key["kid"]}


def other_issuer(folder: Path) -> Issuer:
    tokens.ensure_key(folder)
    return load_issuer(ISSUER, AUDIENCE, folder)


def test_a_new_key_of_the_portal_is_found_by_its_id(portal: Portal, tmp_path: Path) -> None:
    """The portal gets a new key: tokens of both are good while both are published."""
    old, new = portal.issuer, other_issuer(tmp_path / "new")
    published = [old]

    def fetch() -> Any:  # noqa: ANN401 - a key set
        return {"keys": [one.published_keys()["keys"][0] for one in published]}

    verifier = TokenVerifier(ISSUER, AUDIENCE, fetch, portal.clock)
    principal = Principal(**PEOPLE)
    now = portal.clock.now()
    assert verifier.verify(old.access_token(principal, "s", now)).subject == "u1"
    published.append(new)
    portal.clock.advance(REFRESH_AT_MOST_EVERY + timedelta(seconds=1))
    assert verifier.verify(new.access_token(principal, "s", portal.clock.now())).subject == "u1"
    assert verifier.verify(old.access_token(principal, "s", portal.clock.now())).subject == "u1"


def test_a_key_that_was_withdrawn_opens_nothing_after_a_while(portal: Portal, tmp_path: Path) -> None:
    old, new = portal.issuer, other_issuer(tmp_path / "new")
    published = [old]

    def fetch() -> Any:  # noqa: ANN401 - a key set
        return published[0].published_keys()

    verifier = TokenVerifier(ISSUER, AUDIENCE, fetch, portal.clock)
    principal = Principal(**PEOPLE)
    verifier.verify(old.access_token(principal, "s", portal.clock.now()))
    published[0] = new
    portal.clock.advance(REFRESH_EVERY + timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        verifier.verify(old.access_token(principal, "s", portal.clock.now()))


def test_two_portals_do_not_believe_each_other(portal: Portal, tmp_path: Path) -> None:
    other = other_issuer(tmp_path / "other")
    token = other.access_token(Principal(**PEOPLE), "s", portal.clock.now())
    with pytest.raises(Unauthenticated, match="not signed by the issuer"):
        portal.verifier.verify(token)


@pytest.mark.parametrize("kept", [timedelta(0), timedelta(minutes=4)])
def test_an_issuer_that_is_away_stops_nobody_while_its_keys_are_kept(portal: Portal, kept: timedelta) -> None:
    answers = [portal.issuer.published_keys()]

    def get(_: str) -> Any:  # noqa: ANN401 - a key set
        if not answers:
            raise ConnectionError("away")
        return answers.pop()

    verifier = TokenVerifier(ISSUER, AUDIENCE, keys_from("http://portal", get), portal.clock)
    verifier.verify(signed(portal))
    portal.clock.advance(kept)
    assert verifier.verify(signed(portal)).subject == "u1"
    portal.clock.advance(REFRESH_EVERY)
    portal.clock.advance(timedelta(seconds=1))
    with pytest.raises(Unavailable):
        verifier.verify(signed(portal))


def test_one_key_set_serves_many_tokens(portal: Portal) -> None:
    asked: list[int] = []

    def fetch() -> Any:  # noqa: ANN401 - a key set
        asked.append(1)
        return KeySet([portal.issuer.key]).as_dict(private=False)

    verifier = TokenVerifier(ISSUER, AUDIENCE, fetch, portal.clock)
    for _ in range(50):
        verifier.verify(signed(portal, header={"kid": portal.issuer.key.thumbprint()}))
    assert len(asked) == 1
