"""Sign in, go on, sign out; the key set that services verify tokens with."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from flask import Response

from services.portal.sessions import handlers
from services.portal.sessions.commands import Refresh, SignIn, SignOut
from services.portal.sessions.handlers import Failure, Tokens
from services.portal.sessions.schemas import KeySetSchema, RefreshSchema, SignInSchema, TokensSchema
from services.portal.sessions.tokens import Issuer
from services.portal.users.commands import BlockUser, ChangePassword
from services.portal.users.factors import Factors
from services.portal.users.schemas import PasswordSchema
from shared.web.acting import PUBLIC, SIGNED_IN, acts, current_principal, current_work, reads
from shared.web.blueprint import Blueprint
from shared.web.context import current_context
from shared.web.problems import problem

blueprint = Blueprint("sessions", __name__, description="Signing in and out.")


def _issuer() -> Issuer:
    return cast("Issuer", current_context().parts["issuer"])


@blueprint.get("/.well-known/jwks.json")
@reads(PUBLIC)
@blueprint.response(200, KeySetSchema)
def key_set() -> dict[str, Any]:
    """The public keys of this issuer (RFC 7517)."""
    return dict(_issuer().published_keys())


@blueprint.post("/v1/tokens")
@acts(PUBLIC)
@blueprint.arguments(SignInSchema)
@blueprint.response(200, TokensSchema)
def sign_in(body: dict[str, Any]) -> Tokens | Response:
    """Tokens for the right user name, password and code."""
    factors = cast("Factors", current_context().parts["factors"])
    return _answer(handlers.sign_in(current_work(), _issuer(), factors, SignIn(**body)))


@blueprint.post("/v1/tokens/refresh")
@acts(PUBLIC)
@blueprint.arguments(RefreshSchema)
@blueprint.response(200, TokensSchema)
def refresh(body: dict[str, Any]) -> Tokens | Response:
    """New tokens for a session that is still open."""
    return _answer(handlers.refresh(current_work(), _issuer(), Refresh(**body)))


@blueprint.post("/v1/tokens/revocation")
@acts(PUBLIC)
@blueprint.arguments(RefreshSchema)
@blueprint.response(204)
def sign_out(body: dict[str, Any]) -> None:
    """The session is over."""
    handlers.sign_out(current_work(), SignOut(**body))


@blueprint.post("/v1/users/<uuid:user_id>/block")
@acts("users.manage")
@blueprint.response(204)
def block_user(user_id: UUID) -> None:
    """Stop an account from signing in, and end its sessions."""
    handlers.block_user(current_work(), BlockUser(user_id))


@blueprint.put("/v1/users/me/password")
@acts(SIGNED_IN)
@blueprint.arguments(PasswordSchema)
@blueprint.response(204)
def change_password(body: dict[str, Any]) -> None:
    """Replace the password of one's own account, and sign in again."""
    handlers.change_password(current_work(), ChangePassword(UUID(current_principal().subject), **body))


def _answer(outcome: Tokens | Failure) -> Tokens | Response:
    if isinstance(outcome, Tokens):
        return outcome
    reply = problem(429 if outcome.retry_after_s else 401, outcome.code, outcome.message)
    if outcome.retry_after_s:
        reply.headers["Retry-After"] = str(outcome.retry_after_s)
    return reply
