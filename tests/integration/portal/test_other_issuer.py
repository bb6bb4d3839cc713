"""Signing in at another issuer: code flow with PKCE against a small one of the test, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.test import TestResponse

from services.portal.calls.services import Services
from services.portal.site import build_pages
from services.portal.visits.handlers import Desk
from services.portal.visits.provider import provider_of
from shared.kernel.clock import FixedClock, SystemClock
from shared.kernel.sealing import Sealer
from shared.web.auth import TokenVerifier
from shared.web.context import Context
from tests.integration.portal.conftest import COOKIE_KEY, PROVINCE, Portal
from tests.integration.portal.test_visits import Browser

CLIENT, AUDIENCE = "fundtrail-portal", "fundtrail"
LIFETIME_S = 300


class Issuer:
    """Enough of an OpenID provider: discovery, a page that signs everybody in, tokens, keys, the end."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.key = ECKey.generate_key("P-256")
        self.subject, self.grants = "subject-1", {"decisions.approve": [PROVINCE], "units.read": [PROVINCE]}
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_tokens: set[str] = set()
        self.asked: list[dict[str, str]] = []
        self.url = ""
        self.ends = {"end_session_endpoint": "/end"}
        self.lifetime_s, self.client = LIFETIME_S, CLIENT

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["ES256"],
            **{name: f"{self.url}{path}" for name, path in self.ends.items()},
        }

    def keys(self) -> dict[str, Any]:
        public = self.key.as_dict(private=False) | {
            "kid": self.key.thumbprint(),
            "use": "sig",
            "alg": "ES256",
        }
        return dict(KeySet([ECKey.import_key(public)]).as_dict(private=False))

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to: everybody is let in."""
        self.asked.append(query)
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.refresh_tokens:
                return 400, {"error": "invalid_grant"}
            return 200, self._tokens(None)
        asked = self.codes.pop(form["code"], None)
        if asked is None:
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if challenge.decode().rstrip("=") != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        return 200, self._tokens(asked["nonce"])

    def _tokens(self, nonce: str | None) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        common = {"iss": self.url, "sub": self.subject, "iat": now, "exp": now + self.lifetime_s}
        header = {"alg": "ES256", "kid": self.key.thumbprint()}
        name = {"name": "Trần Thị Hà"}
        refresh = secrets.token_urlsafe(8)
        self.refresh_tokens = {refresh}
        access = {**common, **name, "aud": AUDIENCE, "grants": self.grants}
        identity = {**common, **name, "aud": self.client, "nonce": nonce}
        given = {
            "access_token": jwt.encode(header, access, self.key),
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": self.lifetime_s,
        }
        return given | ({"id_token": jwt.encode(header, identity, self.key)} if nonce else {})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    one = Issuer(FixedClock(SystemClock().now()))  # Authlib looks at the machine's clock

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/authorize":
                self._answer(302, b"", Location=one.authorize(query))
            else:
                found = one.keys() if parts.path == "/keys" else one.metadata()
                self._answer(200, json.dumps(found).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, found = one.token({name: values[0] for name, values in parse_qs(body).items()})
            self._answer(status, json.dumps(found).encode())

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield one
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def pages(portal: Portal, issuer: Issuer) -> Flask:
    portal.unit_of_work.clock = issuer.clock
    verifier = TokenVerifier(issuer.url, AUDIENCE, issuer.keys, issuer.clock)
    provider = provider_of({"issuer": issuer.url, "client": CLIENT}, verifier)
    desk = Desk(portal.issuer, portal.factors, Sealer(bytes(range(32))), provider)
    away = ("portal", "allocation", "beneficiaries", "notifications", "audit")
    services = Services(dict.fromkeys(away, "http://127.0.0.1:1"))
    parts = {"desk": desk, "services": services}
    context = Context("portal", portal.unit_of_work, portal.verifier, issuer.clock, parts)
    return build_pages(context, COOKIE_KEY, secure=False)


def sign_in(browser: Browser, path: str = "/sign-in/elsewhere?next=/account") -> TestResponse:
    """There and back again, as a browser goes."""
    there = browser.get(path)
    assert there.status_code == 302, there.get_data(as_text=True)
    back = requests.get(str(there.location), allow_redirects=False, timeout=5)
    parts = urlsplit(back.headers["Location"])
    return browser.get(f"{parts.path}?{parts.query}")


def test_who_signs_in_there_is_inside_here_with_what_the_issuer_grants(
    pages: Flask, portal: Portal, issuer: Issuer
) -> None:
    browser = Browser(pages)
    assert "/sign-in/elsewhere" in browser.get("/sign-in").get_data(as_text=True)
    assert sign_in(browser).location == "/account"
    page = browser.get("/account").get_data(as_text=True)
    assert "Trần Thị Hà" in page
    assert "thẩm định quyết định" in page
    assert issuer.asked[0]["code_challenge_method"] == "S256"
    assert "nonce" in issuer.asked[0]
    (row,) = portal.rows("SELECT tokens FROM visits")
    assert row.tokens.startswith("sealed:v1:")


def test_no_token_reaches_the_browser(pages: Flask, issuer: Issuer) -> None:
    browser = Browser(pages)
    sign_in(browser)
    with browser.client.session_transaction() as cookie:
        assert "eyJ" not in json.dumps(dict(cookie))


def test_a_token_is_renewed_while_the_issuer_gives_new_ones(pages: Flask, issuer: Issuer) -> None:
    browser = Browser(pages)
    sign_in(browser)
    issuer.grants = {"ledger.read": [PROVINCE]}
    issuer.clock.advance(timedelta(seconds=LIFETIME_S - 10))
    assert "xem sổ nguồn vốn" in browser.get("/account").get_data(as_text=True)
    issuer.refresh_tokens.clear()
    issuer.clock.advance(timedelta(seconds=LIFETIME_S - 10))
    assert browser.get("/account").location == "/sign-in?next=/account"


def test_a_code_that_is_not_ours_or_was_used_lets_nobody_in(pages: Flask, issuer: Issuer) -> None:
    browser, thief = Browser(pages), Browser(pages)
    there = browser.get("/sign-in/elsewhere")
    back = requests.get(str(there.location), allow_redirects=False, timeout=5).headers["Location"]
    parts = urlsplit(back)
    refused = thief.get(f"{parts.path}?{parts.query}")
    assert "chưa xác nhận" in refused.get_data(as_text=True)
    assert browser.get(f"{parts.path}?{parts.query}").location == "/"
    assert "chưa xác nhận" in browser.get(f"{parts.path}?{parts.query}").get_data(as_text=True)


def test_a_token_for_others_lets_nobody_in(
    pages: Flask, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.integration.portal.test_other_issuer.AUDIENCE", "somebody else")
    assert "chưa xác nhận" in sign_in(Browser(pages)).get_data(as_text=True)


def test_an_identity_for_another_client_lets_nobody_in(pages: Flask, issuer: Issuer) -> None:
    issuer.client = "somebody else"
    assert "chưa xác nhận" in sign_in(Browser(pages)).get_data(as_text=True)


def test_who_comes_back_to_a_locked_screen_is_asked_there_again(pages: Flask, issuer: Issuer) -> None:
    browser = Browser(pages)
    sign_in(browser)
    page = browser.get("/unlock?next=/account").get_data(as_text=True)
    assert "again=1" in page
    assert browser.get("/account").location == "/unlock?next=/account"
    sign_in(browser, "/sign-in/elsewhere?next=/account&again=1")
    assert issuer.asked[-1]["prompt"] == "login"
    assert browser.get("/account").status_code == 200


def test_signing_out_ends_the_session_there_too(pages: Flask, portal: Portal, issuer: Issuer) -> None:
    browser = Browser(pages)
    sign_in(browser)
    there = urlsplit(str(browser.post("/sign-out").location))
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{issuer.url}/end"
    asked = parse_qs(there.query)
    assert asked["client_id"] == [CLIENT]  # without it Keycloak leads nobody back, without the next it asks
    assert asked["id_token_hint"][0].startswith("eyJ")
    assert browser.get("/account").status_code == 303
    assert portal.rows("SELECT tokens FROM visits WHERE tokens IS NOT NULL") == []


def test_where_the_issuer_ends_no_session_signing_out_ends_ours(pages: Flask, issuer: Issuer) -> None:
    browser = Browser(pages)
    issuer.ends = {}
    sign_in(browser)
    assert urlsplit(str(browser.post("/sign-out").location)).path == "/sign-in"
    assert browser.get("/account").status_code == 303


def test_a_browser_lets_the_form_of_signing_out_lead_to_the_issuer(pages: Flask, issuer: Issuer) -> None:
    policy = Browser(pages).get("/sign-in").headers["Content-Security-Policy"]
    assert f"form-action 'self' {issuer.url}" in policy


def test_what_was_typed_waits_for_the_same_person_where_the_issuer_ends_the_session(
    pages: Flask, issuer: Issuer
) -> None:
    issuer.grants |= {"acts.backdate": [PROVINCE]}
    browser = Browser(pages)
    issuer.lifetime_s = 20  # renewed at each request
    sign_in(browser)
    issuer.refresh_tokens.clear()
    issuer.lifetime_s = LIFETIME_S
    assert "/sign-in" in str(browser.post("/account/date", business_date="2024-08-01").location)
    sign_in(browser)
    assert 'value="2024-08-01"' in browser.get("/account").get_data(as_text=True)


def test_what_was_typed_is_not_shown_to_another_person_of_the_issuer(
    pages: Flask, portal: Portal, issuer: Issuer
) -> None:
    issuer.grants |= {"acts.backdate": [PROVINCE]}
    browser = Browser(pages)
    sign_in(browser)
    browser.post("/account/date", business_date="tomorrow")
    assert 'value="tomorrow"' in browser.get("/account").get_data(as_text=True)
    issuer.subject = "subject-2"
    sign_in(browser)
    assert 'value="tomorrow"' not in browser.get("/account").get_data(as_text=True)
