"""Signing in, going on with a session, signing out.

A failure is a fact to be kept (it is counted and told to the trail), so it is returned, not raised: raising
would roll it back.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from services.portal.roles.model import catalogue
from services.portal.sessions import store, tokens
from services.portal.sessions.commands import Refresh, SignIn, SignOut
from services.portal.sessions.events import SignedIn, SignedOut, SignInFailed
from services.portal.sessions.tokens import Issuer
from services.portal.users import handlers as user_handlers
from services.portal.users import secrets
from services.portal.users import store as users
from services.portal.users.commands import BlockUser, ChangePassword
from services.portal.users.factors import Factors
from shared.db.unit_of_work import Work
from shared.journal.recording import Topic
from shared.kernel.clock import business_date
from shared.kernel.ids import new_id
from shared.kernel.principals import Principal

FAILURES_FREE = 5
WAIT_FIRST = timedelta(seconds=30)
WAIT_MAX = timedelta(minutes=15)
DOUBLINGS_MAX = 5  # beyond them the longest wait is reached
NOBODY = "nobody"
CODE = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a successful sign-in gives."""

    access_token: str
    refresh_token: str
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why signing in failed, in words that do not tell a stranger which accounts exist."""

    code: str
    message: str
    retry_after_s: int | None = None


WRONG = Failure("credentials_wrong", "User name, password or code is not right.")


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that has just begun, with what goes on with it."""

    session_id: UUID
    user: Row[Any]
    refresh_token: str


def sign_in(work: Work, issuer: Issuer, factors: Factors, command: SignIn) -> Tokens | Failure:
    """Tokens for the right password and code, otherwise the failure, counted and recorded."""
    opened = open_session(work, factors, command)
    if isinstance(opened, Failure):
        return opened
    return _tokens(work, issuer, opened.user, opened.session_id, opened.refresh_token)


def open_session(work: Work, factors: Factors, command: SignIn) -> Opened | Failure:
    """A session for the right password and code, otherwise the failure, counted and recorded."""
    waits = _must_wait(work, command.username)
    if waits is not None:
        return waits
    user = users.by_username(work.connection, command.username)
    failure = _check(work, factors, user, command)
    if failure is not None:
        return _failed(work, user, command.username, failure)
    assert user is not None  # noqa: S101 - _check refuses an absent account
    store.forget_failures(work.connection, command.username)
    return _begin_session(work, user)


def confirm(work: Work, factors: Factors, username: str, secret: str) -> Failure | None:
    """Nothing, where the holder of an account shows again who they are: by code, or by password.

    A failure counts as one of signing in.
    """
    waits = _must_wait(work, username)
    if waits is not None:
        return waits
    user = users.by_username(work.connection, username)
    code = user is not None and user.totp_secret is not None and CODE.fullmatch(secret) is not None
    failure = _check_code(work, factors, user, secret) if user and code else _check_password(user, secret)
    if failure is not None:
        return _failed(work, user, username, failure)
    store.forget_failures(work.connection, username)
    return None


def refresh(work: Work, issuer: Issuer, command: Refresh) -> Tokens | Failure:
    """New tokens for a session that is still open; the refresh token given is used up."""
    session = store.by_refresh_hash(work.connection, tokens.refresh_hash(command.refresh_token))
    user = users.by_id(work.connection, session.user_id) if session else None
    if (
        session is None
        or user is None
        or session.ended_at
        or session.expires_at <= work.now
        or not user.active
    ):
        return Failure("session_over", "The session has ended; sign in again.")
    refresh_token = tokens.new_refresh_token()
    store.rotate(work.connection, session.id, tokens.refresh_hash(refresh_token))
    return _tokens(work, issuer, user, session.id, refresh_token)


def sign_out(work: Work, command: SignOut) -> None:
    """The session is over; ending one that is over already is no error."""
    session = store.by_refresh_hash(work.connection, tokens.refresh_hash(command.refresh_token))
    if session is not None:
        end_session(work, session.id)


def end_session(work: Work, session_id: UUID) -> None:
    """The session is over; ending one that is over already is no error."""
    user_id = store.end(work.connection, session_id, work.now)
    if user_id is not None:
        work.record(SignedOut(str(user_id), str(session_id)), Topic.TRAIL)


def end_every_session(work: Work, user_id: UUID) -> None:
    """Every open session of an account is over."""
    for session_id in store.open_sessions(work.connection, user_id):
        end_session(work, session_id)


def access_token(connection: Connection, issuer: Issuer, session_id: UUID, now: datetime) -> str:
    """A token for an open session of this issuer, with what its account may do today."""
    user = users.by_id(connection, store.holder_of(connection, session_id))
    assert user is not None  # noqa: S101 - a session's account is never deleted
    return issuer.access_token(principal_of(connection, user, business_date(now)), str(session_id), now)


def block_user(work: Work, command: BlockUser) -> None:
    """The account cannot sign in any more, and every session of it is over. Raises: NotFound user_unknown."""
    user_handlers.block_user(work, command)
    store.end_all(work.connection, command.user_id, work.now)


def change_password(work: Work, command: ChangePassword) -> None:
    """The account has the new password, and every session under the old one is over.

    Raises: Denied password_wrong; Rejected password_weak.
    """
    user_handlers.change_password(work, command)
    store.end_all(work.connection, command.user_id, work.now)


def principal_of(connection: Connection, user: Row[Any], on: date) -> Principal:
    """The account with every permission its roles give on a day, each with its units."""
    grants: dict[str, list[str]] = defaultdict(list)
    for held in users.assignments_of(connection, user.id, on):
        for permission in catalogue()[held.role].permissions:
            if str(held.unit_id) not in grants[permission]:
                grants[permission].append(str(held.unit_id))
    return Principal(
        subject=str(user.id),
        name=user.display_name,
        unit=str(user.unit_id) if user.unit_id else None,
        grants={permission: tuple(units) for permission, units in grants.items()},
    )


def _must_wait(work: Work, username: str) -> Failure | None:
    waiting = store.blocked_until(work.connection, username)
    if waiting is None or waiting <= work.now:
        return None
    seconds = int((waiting - work.now).total_seconds()) + 1
    return Failure("too_many_failures", f"Too many failed attempts; try again in {seconds} seconds.", seconds)


def _check(work: Work, factors: Factors, user: Row[Any] | None, command: SignIn) -> Failure | None:
    wrong = _check_password(user, command.password)
    if wrong is not None or user is None or user.totp_secret is None:
        return wrong
    if not command.totp:
        return Failure("totp_needed", "This account needs the six digits of its authenticator as well.")
    return _check_code(work, factors, user, command.totp)


def _check_password(user: Row[Any] | None, password: str) -> Failure | None:
    # Hashed for an unknown name too: the time of the answer must not tell which accounts exist.
    right = secrets.matches(user.password_hash if user else secrets.nobodys_hash(), password)
    return None if user is not None and user.active and right else WRONG


def _check_code(work: Work, factors: Factors, user: Row[Any], code: str) -> Failure | None:
    step = secrets.totp_step(factors.open(user), code, int(work.now.timestamp()))
    if step is None:
        return WRONG
    if step <= user.totp_step:
        return Failure("totp_used", "This code was used already; wait for the next one.")
    users.set_totp_step(work.connection, user.id, step)
    return None


def _failed(work: Work, user: Row[Any] | None, username: str, failure: Failure) -> Failure:
    count = store.count_failure(work.connection, username)
    if count >= FAILURES_FREE:
        doublings = min(count - FAILURES_FREE, DOUBLINGS_MAX)
        store.hold_back(work.connection, username, work.now + min(WAIT_FIRST * 2**doublings, WAIT_MAX))
    work.record(SignInFailed(str(user.id) if user else NOBODY, failure.code), Topic.TRAIL)
    return failure


def _begin_session(work: Work, user: Row[Any]) -> Opened:
    session_id, refresh_token = new_id(), tokens.new_refresh_token()
    expires_at = work.now + tokens.SESSION_LIFETIME
    store.open_session(work.connection, session_id, user.id, tokens.refresh_hash(refresh_token), expires_at)
    work.record(SignedIn(str(user.id), str(session_id), user.totp_secret is not None), Topic.TRAIL)
    return Opened(session_id, user, refresh_token)


def _tokens(work: Work, issuer: Issuer, user: Row[Any], session_id: UUID, refresh_token: str) -> Tokens:
    principal = principal_of(work.connection, user, work.act.business_date)
    return Tokens(
        access_token=issuer.access_token(principal, str(session_id), work.now),
        refresh_token=refresh_token,
        expires_in_s=int(tokens.ACCESS_LIFETIME.total_seconds()),
    )
