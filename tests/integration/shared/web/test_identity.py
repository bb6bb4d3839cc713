from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from shared.kernel.errors import Unavailable
from shared.web import auth
from shared.web.auth import REFRESH_EVERY, TokenVerifier, Unauthenticated, keys_from
from tests.integration.shared.web.conftest import AUDIENCE, ISSUER, problem

if TYPE_CHECKING:
    from tests.integration.shared.web.conftest import Caller

GOOD = {"name": "a", "amount_vnd": 1}


def unsigned(claims: dict[str, Any]) -> str:
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."
    )


def forged(officer: Caller) -> str:
    other = ECKey.generate_key("P-256")
    return jwt.encode({"alg": "ES256", "kid": officer.key.kid}, officer.claims(), other)


def by_public_key(officer: Caller) -> str:
    """The old trick: the published key taken as the secret of a symmetric algorithm."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, officer.claims())]
    text = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    signature = hmac.digest(officer.key.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def altered(officer: Caller) -> str:
    head, _, signature = officer.token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(officer.claims(sub="head-1")).encode()).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


TOKENS: dict[str, Callable[[Caller], str]] = {
    "expired": lambda officer: officer.token(exp=int(officer.desk.clock.now().timestamp()) - 1),
    "of another issuer": lambda officer: officer.token(iss="https://evil.test"),
    "for another audience": lambda officer: officer.token(aud="elsewhere"),
    "without an end": lambda officer: officer.token(exp=None),
    "without a subject": lambda officer: officer.token(sub=None),
    "without a signature": lambda officer: unsigned(officer.claims()),
    "signed by another": forged,
    "signed with the public key": by_public_key,
    "altered": altered,
    "too long": lambda officer: officer.token(name="x" * 20_000),
    "no token": lambda _: "abc",
    "two dots": lambda _: "..",
}


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_that_cannot_be_trusted_opens_nothing(officer: Caller, kind: str) -> None:
    headers = {"Authorization": f"Bearer {TOKENS[kind](officer)}", "Idempotency-Key": "k"}
    reply = officer.ask("POST", "/v1/toys", headers, json=GOOD)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    problem(reply)
    assert officer.desk.one("SELECT count(*) FROM journal") == 0


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token abc"])
def test_without_a_bearer_token_one_is_asked_to_sign_in(officer: Caller, header: str) -> None:
    reply = officer.ask("GET", "/v1/toys", {"Authorization": header})
    assert (reply.status_code, problem(reply)["code"]) == (401, "unauthorized")


def test_an_act_without_the_permission_is_denied_and_recorded(officer: Caller) -> None:
    reply = officer.with_("toys.read").make(GOOD)
    assert (reply.status_code, problem(reply)["code"]) == (403, "permission_missing")
    assert "toys.make" in reply.get_json()["detail"]
    (row,) = officer.refusals()
    data = json.loads(bytes(row.data))
    assert (data["permission"], data["denied"], data["actor_id"]) == ("toys.make", True, "officer-1")
    assert row.topic == "trail"
    assert officer.desk.one("SELECT count(*) FROM effects") == 0


def test_a_question_without_the_permission_is_denied_and_recorded(officer: Caller) -> None:
    reply = officer.with_("toys.make").ask("GET", "/v1/toys")
    assert reply.status_code == 403
    (row,) = officer.refusals()
    assert json.loads(bytes(row.data))["method"] == "GET"


def test_a_permission_for_no_unit_is_none(officer: Caller) -> None:
    token = officer.token(grants={"toys.read": []})
    assert officer.ask("GET", "/v1/toys", {"Authorization": f"Bearer {token}"}).status_code == 403


def test_anybody_signed_in_may_ask_who_they_are(officer: Caller) -> None:
    assert officer.with_().ask("GET", "/v1/toys/me").get_json() == {"subject": "officer-1"}
    assert officer.app.test_client().get("/v1/toys/me").status_code == 401


def test_what_is_public_needs_no_token(officer: Caller) -> None:
    assert officer.app.test_client().get("/v1/toys/open").get_json() == {"open": True}


def test_keys_are_fetched_once_and_again_after_a_while(officer: Caller) -> None:
    fetched: list[int] = []

    def fetch() -> Any:  # noqa: ANN401 - a key set
        fetched.append(1)
        return KeySet([officer.key]).as_dict(private=False)

    clock = officer.desk.clock
    verifier = TokenVerifier(ISSUER, AUDIENCE, fetch, clock)
    for _ in range(3):
        assert verifier.verify(officer.token()).subject == "officer-1"
    assert len(fetched) == 1
    clock.advance(REFRESH_EVERY + timedelta(seconds=1))
    verifier.verify(officer.token())
    assert len(fetched) == 2


def test_a_new_key_of_the_issuer_is_found_without_waiting(officer: Caller) -> None:
    keys = [officer.key]
    verifier = TokenVerifier(
        ISSUER, AUDIENCE, lambda: KeySet(list(keys)).as_dict(private=False), officer.desk.clock
    )
    verifier.verify(officer.token())
    officer.key = ECKey.generate_key("P-256", auto_kid=True)
    keys.append(officer.key)
    officer.desk.clock.advance(timedelta(seconds=3))
    assert verifier.verify(officer.token()).subject == "officer-1"


def test_forged_tokens_do_not_make_us_fetch_keys_all_the_time(officer: Caller) -> None:
    fetched: list[int] = []

    def fetch() -> Any:  # noqa: ANN401 - a key set
        fetched.append(1)
        return KeySet([officer.key]).as_dict(private=False)

    verifier = TokenVerifier(ISSUER, AUDIENCE, fetch, officer.desk.clock)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            verifier.verify(forged(officer))
    assert len(fetched) <= 2


@pytest.mark.parametrize(
    "fault",
    [ConnectionError("away"), TimeoutError("slow"), JSONDecodeError("no key set", "<html>", 0)],
    ids=["away", "slow", "a page instead of keys"],
)
def test_an_issuer_that_is_away_makes_us_unavailable_not_unsafe(officer: Caller, fault: Exception) -> None:
    def get(_: str) -> Any:  # noqa: ANN401 - never returns
        raise fault

    verifier = TokenVerifier(ISSUER, AUDIENCE, keys_from("http://issuer", get), officer.desk.clock)
    with pytest.raises(Unavailable, match="sign-in service"):
        verifier.verify(officer.token())


def test_a_token_that_was_seen_before_still_ends(officer: Caller) -> None:
    clock = officer.desk.clock
    verifier = TokenVerifier(ISSUER, AUDIENCE, lambda: KeySet([officer.key]).as_dict(private=False), clock)
    token = officer.token(exp=int(clock.now().timestamp()) + 60)
    assert verifier.verify(token).subject == verifier.verify(token).subject == "officer-1"
    clock.advance(timedelta(seconds=61))
    with pytest.raises(Unauthenticated, match="expired"):
        verifier.verify(token)


def test_a_token_that_was_seen_before_ends_with_its_key(officer: Caller) -> None:
    keys = [officer.key]
    clock = officer.desk.clock
    verifier = TokenVerifier(ISSUER, AUDIENCE, lambda: KeySet(list(keys)).as_dict(private=False), clock)
    token = officer.token(exp=int(clock.now().timestamp()) + 3600)
    verifier.verify(token)
    keys[:] = [ECKey.generate_key("P-256", auto_kid=True)]
    clock.advance(REFRESH_EVERY + timedelta(seconds=1))
    with pytest.raises(Unauthenticated, match="not signed"):
        verifier.verify(token)


def test_more_tokens_than_are_kept_are_all_believed(officer: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "KEPT_MAX", 2)
    key_set = KeySet([officer.key]).as_dict(private=False)
    verifier = TokenVerifier(ISSUER, AUDIENCE, lambda: key_set, officer.desk.clock)
    tokens = [officer.token(sub=f"officer-{number}") for number in range(5)]
    for _ in range(2):
        assert [verifier.verify(one).subject for one in tokens] == [f"officer-{n}" for n in range(5)]
    assert len(verifier._kept) <= 2
