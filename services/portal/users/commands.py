"""What an administrator and the holder of an account can ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role held for a unit and everything below it, for some time."""

    role: str
    unit_id: UUID
    from_on: date
    to_on: date | None = None


@dataclass(frozen=True, slots=True)
class CreateUser:
    """Make an account."""

    user_id: UUID
    username: str
    display_name: str
    password: str
    kind: str
    unit_id: UUID | None
    email: str | None
    phone: str | None
    language: str
    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class BlockUser:
    """Stop an account from signing in."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Replace the password of one's own account."""

    user_id: UUID
    current: str
    new: str
