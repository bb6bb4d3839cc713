"""Facts about accounts. They carry ids and roles; names and addresses stay in the portal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, TypedDict


class AssignmentItem(TypedDict):
    """A role in a unit and everything below it."""

    role: str
    unit_id: str
    from_on: str
    to_on: str | None


@dataclass(frozen=True, slots=True)
class UserCreated:
    """An account exists from now on, with these roles in these units."""

    TYPE: ClassVar[str] = "vn.fundtrail.users.created.v1"
    KEY: ClassVar[str] = "user_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("user_id",)

    user_id: str
    kind: str
    unit_id: str | None
    assignments: tuple[Annotated[dict[str, str | None], AssignmentItem], ...]


@dataclass(frozen=True, slots=True)
class UserBlocked:
    """An account can no longer sign in."""

    TYPE: ClassVar[str] = "vn.fundtrail.users.blocked.v1"
    KEY: ClassVar[str] = "user_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("user_id",)

    user_id: str


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """The holder of an account chose a new password; every session of it has ended."""

    TYPE: ClassVar[str] = "vn.fundtrail.users.password_changed.v1"
    KEY: ClassVar[str] = "user_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("user_id",)

    user_id: str
