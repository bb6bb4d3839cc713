"""People who sign in at another issuer: OIDC code flow with PKCE, by Authlib.

Its tokens stay in the process and, sealed, in the database; a browser sees none of them.
Source: OpenID Connect Core 1.0, RFC 7636, OpenID Connect RP-Initiated Logout 1.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, Response
from joserfc.errors import JoseError

from services.portal.look.page import FORM_TARGETS
from services.portal.visits.model import Tokens
from shared.kernel.errors import Unavailable
from shared.kernel.principals import Principal
from shared.web.auth import TokenVerifier, Unauthenticated

NAME = "provider"
TIMEOUT_S = 5


class NotSignedIn(Exception):
    """The issuer did not say who the person is."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Another issuer, as the pages know it."""

    oauth: OAuth
    verifier: TokenVerifier
    origin: str

    def serve(self, app: Flask) -> None:
        """The application's requests may lead to the issuer and back."""
        self.oauth.init_app(app)
        app.config[FORM_TARGETS] = [self.origin]  # signing out is a form, and leads there

    def begin(self, back: str, *, again: bool) -> Response:
        """The way to the issuer; with `again` it asks even who is signed in there."""
        extra = {"prompt": "login", "max_age": "0"} if again else {}
        reply: Response = self._asked(lambda: self._client.authorize_redirect(back, **extra))
        return reply

    def received(self, now: datetime) -> Tokens:
        """The tokens that belong to the code in this request. Raises: NotSignedIn, Unavailable."""
        try:
            found: Mapping[str, Any] = self._asked(self._client.authorize_access_token)
        except (
            OAuthError,
            JoseError,
        ) as error:  # no code of ours, or an identity that is not for us or not now
            raise NotSignedIn(str(error)) from error
        tokens = _tokens(found, now, now.timestamp())
        if self.person(tokens) is None:
            raise NotSignedIn("The access token is none that our services take.")
        return tokens

    def renewed(self, tokens: Tokens, now: datetime) -> Tokens | None:
        """New tokens for the same person; None where the issuer gives none any more. Raises: Unavailable."""
        if not tokens.refresh:
            return None
        try:
            found = self._asked(
                lambda: self._client.fetch_access_token(
                    grant_type="refresh_token", refresh_token=tokens.refresh
                )
            )
        except OAuthError:
            return None
        kept = {"refresh_token": tokens.refresh, "id_token": tokens.identity}
        return _tokens({**kept, **found}, now, tokens.signed_in_at)

    def person(self, tokens: Tokens) -> Principal | None:
        """Who the access token speaks of, by the issuer's published keys; None where it is not valid."""
        try:
            return self.verifier.verify(tokens.access)
        except Unauthenticated:
            return None

    def end(self, back: str, tokens: Tokens | None) -> Response:
        """The way to where the issuer ends its own session too, and back; just back where it ends none."""
        client = self._client
        if "end_session_endpoint" not in self._asked(client.load_server_metadata):
            return Response(status=303, headers={"Location": back})
        known = {"id_token_hint": tokens.identity} if tokens else {}
        reply: Response = self._asked(
            lambda: client.logout_redirect(back, client_id=client.client_id, **known)
        )
        return reply

    @property
    def _client(self) -> Any:  # noqa: ANN401 - Authlib brings no types
        return self.oauth.create_client(NAME)

    def _asked(self, ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is answered
        try:
            return ask()
        except requests.RequestException as error:
            raise Unavailable("The sign-in service does not answer; try again shortly.") from error


def provider_of(settings: Mapping[str, str], verifier: TokenVerifier) -> Provider:
    """The issuer of the settings: `issuer`, `client` and, of a confidential client, `secret`."""
    oauth = OAuth()
    oauth.register(
        NAME,
        server_metadata_url=f"{settings['issuer']}/.well-known/openid-configuration",
        client_id=settings["client"],
        client_secret=settings.get("secret") or None,
        client_kwargs={
            "scope": "openid",
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_basic" if settings.get("secret") else "none",
            "default_timeout": TIMEOUT_S,
        },
    )
    where = urlsplit(settings["issuer"])
    return Provider(oauth, verifier, f"{where.scheme}://{where.netloc}")


def _tokens(found: Mapping[str, Any], now: datetime, signed_in_at: float) -> Tokens:
    lifetime_s = float(found.get("expires_in") or 0)
    return Tokens(
        access=str(found["access_token"]),
        refresh=str(found.get("refresh_token") or ""),
        identity=str(found.get("id_token") or ""),
        expires_at=now.timestamp() + lifetime_s,
        signed_in_at=signed_in_at,
    )
