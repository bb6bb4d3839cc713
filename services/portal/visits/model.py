"""Who sits at the screen, what they chose, and when the screen locks itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.kernel.principals import Principal

LOCKED_AFTER = timedelta(minutes=10)  # of a desk that several people use
SEEN_EVERY = timedelta(seconds=30)  # how exactly it is known when somebody was here last
FORGOTTEN_AFTER = timedelta(days=30)
RENEWED_BEFORE_S = 30
CONFIRMED_FOR_S = 300  # how long a sign-in at another issuer stands for a password typed again
KEPT_BYTES_MAX = 512 * 1024
TABLE_ROWS_MAX = 500  # of a table in a form; look/styles/fundtrail.js pastes as many
BACKDATE = "acts.backdate"


class Standing(StrEnum):
    """How a visit stands."""

    OUTSIDE = "outside"  # nobody has signed in, or the session is over
    LOCKED = "locked"  # somebody has, and went away
    INSIDE = "inside"


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that could not be sent, as it was typed, and why."""

    at: str  # the page on which it stands
    to: str  # where it was sent
    form: Mapping[str, list[str]]
    code: str = ""
    detail: str = ""
    faults: list[dict[str, Any]] = field(default_factory=list)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What another issuer gave for a person. Units: instants in seconds since 1970.

    `identity` is shown to the issuer when the person goes, so that it asks nothing.
    """

    access: str
    refresh: str
    identity: str
    expires_at: float
    signed_in_at: float

    def is_old(self, now: datetime) -> bool:
        """Whether the access token must be renewed before it is used."""
        return now.timestamp() > self.expires_at - RENEWED_BEFORE_S

    def is_fresh(self, now: datetime) -> bool:
        """Whether the person showed just now who they are."""
        return now.timestamp() <= self.signed_in_at + CONFIRMED_FOR_S


@dataclass(frozen=True, slots=True)
class Visit:
    """One browser and the person before it."""

    id: UUID
    language: str
    scale: str
    standing: Standing
    principal: Principal | None = None
    session_id: UUID | None = None
    tokens: Tokens | None = None
    holder: str = ""  # the subject of who was here last, also where the session is over
    username: str = ""
    has_code: bool = False
    business_date: date | None = None
    kept: Kept | None = None

    def act_of(self, page: str, action: str) -> str | None:
        """The act that the kept form of a page had: sent again, it is the same one, done once."""
        if self.kept is None or (self.kept.at, self.kept.to) != (page, action):
            return None
        return next(iter(self.kept.form.get("act", ())), None)

    @property
    def person(self) -> Principal:
        """Who is signed in; only asked where somebody is."""
        if self.principal is None:
            raise LookupError("Nobody is signed in at this visit.")
        return self.principal

    def may(self, permission: str) -> bool:
        """Whether the person holds a permission for any unit."""
        return self.principal is not None and bool(self.principal.units_for(permission))


def standing_of(session_open: bool, locked: bool, seen_at: datetime, now: datetime) -> Standing:  # noqa: FBT001
    """How a visit stands, by its session, its lock and how long nobody was here."""
    if not session_open:
        return Standing.OUTSIDE
    return Standing.LOCKED if locked or now - seen_at > LOCKED_AFTER else Standing.INSIDE
