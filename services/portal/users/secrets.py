"""Passwords and second factors. Source: RFC 9106 (argon2id), RFC 6238 (TOTP), RFC 4226."""

from __future__ import annotations

import base64
import os
import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from shared.kernel.errors import Rejected

PASSWORD_CHARS_MIN = 12
PASSWORD_CHARS_MAX = 128
TOTP_DIGITS = 6
TOTP_STEP_S = 30
TOTP_SECRET_BYTES = 20
MEMORY_KIB = 19 * 1024
ROUNDS = 2

_hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=1)
_few_at_a_time = threading.Semaphore(2)  # a hash takes 19 MiB; many at once must not exhaust the process


def hash_password(password: str) -> str:
    """The argon2id hash of a password.

    Raises: Rejected password_weak where it has fewer than 12 or more than 128 characters.
    """
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise Rejected(
            "password_weak",
            f"A password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters; this one does not.",
        )
    with _few_at_a_time:
        return _hasher.hash(password)


def matches(stored: str, password: str) -> bool:
    """Whether the password is the one that was hashed."""
    with _few_at_a_time:
        try:
            return _hasher.verify(stored, password[:PASSWORD_CHARS_MAX])
        except (VerificationError, InvalidHashError):
            return False


@cache
def nobodys_hash() -> str:
    """A hash that no password matches, for names that nobody has."""
    return hash_password(new_password())


def new_password() -> str:
    """A random password of 24 characters."""
    return secrets.token_urlsafe(18)


def new_totp_secret() -> str:
    """A random TOTP secret in base32, as authenticator programs take it."""
    return base64.b32encode(os.urandom(TOTP_SECRET_BYTES)).decode()


def totp_step(secret: str, code: str, now_s: int) -> int | None:
    """The time step the code belongs to (this one or the one before), or None where it fits neither."""
    algorithm = SHA1()  # noqa: S303 - what RFC 6238 and every authenticator program use
    totp = TOTP(base64.b32decode(secret), TOTP_DIGITS, algorithm, TOTP_STEP_S)
    for step in (now_s // TOTP_STEP_S, now_s // TOTP_STEP_S - 1):
        try:
            totp.verify(code.encode(), step * TOTP_STEP_S)
        except InvalidToken:
            continue
        return step
    return None
