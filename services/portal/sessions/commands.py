"""Signing in, going on, signing out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignIn:
    """Prove who one is."""

    username: str
    password: str
    totp: str | None


@dataclass(frozen=True, slots=True)
class Refresh:
    """Go on with a session."""

    refresh_token: str


@dataclass(frozen=True, slots=True)
class SignOut:
    """End a session."""

    refresh_token: str
