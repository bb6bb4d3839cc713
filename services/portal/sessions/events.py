"""Facts about signing in and out; they go to the trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The holder of an account proved who they are."""

    TYPE: ClassVar[str] = "vn.fundtrail.sessions.signed_in.v1"
    TOPIC: ClassVar[str] = "trail"
    KEY: ClassVar[str] = "user_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("user_id",)

    user_id: str
    session_id: str
    second_factor: bool


@dataclass(frozen=True, slots=True)
class SignInFailed:
    """Somebody could not prove who they are. `user_id` is `nobody` where no such account exists."""

    TYPE: ClassVar[str] = "vn.fundtrail.sessions.sign_in_failed.v1"
    TOPIC: ClassVar[str] = "trail"
    KEY: ClassVar[str] = "user_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("user_id",)

    user_id: str
    code: str


@dataclass(frozen=True, slots=True)
class SignedOut:
    """A session was ended by its holder."""

    TYPE: ClassVar[str] = "vn.fundtrail.sessions.signed_out.v1"
    TOPIC: ClassVar[str] = "trail"
    KEY: ClassVar[str] = "user_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("user_id",)

    user_id: str
    session_id: str
