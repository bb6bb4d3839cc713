"""Coming, signing in, locking the screen and going, as one browser sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from services.portal.sessions import handlers as sessions
from services.portal.sessions.commands import SignIn
from services.portal.sessions.handlers import Failure
from services.portal.sessions.tokens import Issuer
from services.portal.users import store as users
from services.portal.users.factors import Factors
from services.portal.visits import store
from services.portal.visits.model import SEEN_EVERY, Kept, Standing, Visit, standing_of
from shared.db.unit_of_work import Work
from shared.kernel.clock import business_date
from shared.kernel.principals import Principal
from shared.kernel.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Desk:
    """What visits need from the process: who signs tokens, opens second factors and seals kept forms."""

    issuer: Issuer
    factors: Factors
    sealer: Sealer


def look_at(connection: Connection, desk: Desk, secret: str, now: datetime) -> tuple[Visit, bool] | None:
    """The visit behind a cookie, and whether it is time to note that somebody is here; None where unknown."""
    row = store.find(connection, secret)
    if row is None:
        return None
    open_ = row.user_id is not None and row.ended_at is None and row.expires_at > now and row.active
    standing = standing_of(open_, row.locked_at is not None, row.seen_at, now)
    principal: Principal | None = None
    if standing is not Standing.OUTSIDE:
        user = users.by_id(connection, row.user_id)
        assert user is not None  # noqa: S101 - a session's user is never deleted
        principal = sessions.principal_of(connection, user, business_date(now))
    visit = Visit(
        id=row.id,
        language=row.language,
        scale=row.scale,
        standing=standing,
        principal=principal,
        session_id=row.session_id,
        username=row.username or "",
        has_code=bool(row.has_code),
        business_date=row.business_date,
        kept=store.kept_of(desk.sealer, row),
    )
    due = standing is not Standing.LOCKED and now - row.seen_at > SEEN_EVERY
    return visit, due


def sign_in(work: Work, desk: Desk, visit: Visit, command: SignIn) -> Failure | None:
    """The visit is that person's from now on; whoever was signed in at it before is not any more.

    A form that was kept stays where the same person comes back, and is forgotten before another sees it.
    """
    opened = sessions.open_session(work, desk.factors, command)
    if isinstance(opened, Failure):
        return opened
    same = visit.username == command.username
    end(work, visit)
    store.change(work.connection, visit.id, session_id=opened.session_id, locked_at=None, seen_at=work.now)
    if not same:
        store.change(work.connection, visit.id, business_date=None)
        if visit.username:
            store.keep(work.connection, desk.sealer, visit.id, None)
    return None


def confirm(work: Work, desk: Desk, visit: Visit, secret: str) -> Failure | None:
    """Nothing, where the secret is the password of who is signed in, or the code where they have one."""
    return sessions.confirm(work, desk.factors, visit.username, secret)


def unlock(work: Work, desk: Desk, visit: Visit, secret: str) -> Failure | None:
    """The screen is open again for the person whose it was."""
    failure = confirm(work, desk, visit, secret)
    if failure is None:
        store.change(work.connection, visit.id, locked_at=None, seen_at=work.now)
    return failure


def lock(work: Work, visit_id: UUID) -> None:
    """The screen shows nothing until its person is back."""
    store.change(work.connection, visit_id, locked_at=work.now)


def end(work: Work, visit: Visit) -> None:
    """Nobody is signed in at this visit any more."""
    if visit.session_id is not None:
        sessions.end_session(work, visit.session_id)
        store.change(work.connection, visit.id, session_id=None, locked_at=None)


def end_everywhere(work: Work, visit: Visit) -> None:
    """Nobody is signed in as this person any more, at whatever screen."""
    sessions.end_every_session(work, UUID(visit.person.subject))


def keep_form(work: Work, desk: Desk, visit: Visit, kept: Kept | None) -> None:
    """What was typed waits for its person."""
    store.keep(work.connection, desk.sealer, visit.id, kept)
