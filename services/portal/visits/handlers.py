"""Coming, signing in, locking the screen and going, as one browser sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from services.portal.sessions import handlers as sessions
from services.portal.sessions.commands import SignIn
from services.portal.sessions.handlers import Failure
from services.portal.sessions.tokens import Issuer
from services.portal.users import store as users
from services.portal.users.factors import Factors
from services.portal.visits import store
from services.portal.visits.model import SEEN_EVERY, Kept, Standing, Tokens, Visit, standing_of
from services.portal.visits.provider import Provider
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
    provider: Provider | None = None  # another issuer, where people sign in at one


AGAIN = Failure("again_at_provider", "Sign in once more, to show who decides.")


def look_at(connection: Connection, desk: Desk, secret: str, now: datetime) -> tuple[Visit, bool] | None:
    """The visit behind a cookie, and whether it is time to note that somebody is here; None where unknown."""
    row = store.find(connection, secret)
    if row is None:
        return None
    tokens = store.tokens_of(desk.sealer, row) if desk.provider else None
    principal = _person(connection, desk, row, tokens, now)
    standing = standing_of(principal is not None, row.locked_at is not None, row.seen_at, now)
    visit = Visit(
        id=row.id,
        language=row.language,
        scale=row.scale,
        standing=standing,
        principal=principal,
        session_id=row.session_id,
        tokens=tokens,
        holder=row.holder,
        username=row.username or "",
        has_code=bool(row.has_code),
        business_date=row.business_date,
        kept=store.kept_of(desk.sealer, row),
    )
    due = standing is not Standing.LOCKED and now - row.seen_at > SEEN_EVERY
    return visit, due


def _person(
    connection: Connection, desk: Desk, row: Row[Any], tokens: Tokens | None, now: datetime
) -> Principal | None:
    """Who is signed in at a visit, by our own session or by what another issuer says; None for nobody."""
    if tokens is not None and desk.provider is not None:
        return desk.provider.person(tokens)
    if row.user_id is None or row.ended_at is not None or row.expires_at <= now or not row.active:
        return None
    user = users.by_id(connection, row.user_id)
    assert user is not None  # noqa: S101 - a session's user is never deleted
    return sessions.principal_of(connection, user, business_date(now))


def enter(work: Work, desk: Desk, visit: Visit, tokens: Tokens) -> None:
    """The visit is that of the person for whom another issuer gave tokens.

    What the same person typed before stays; another finds nothing of it.
    """
    entering = desk.provider.person(tokens) if desk.provider else None
    store.keep_tokens(work.connection, desk.sealer, visit.id, tokens)
    _take_over(work, desk, visit, entering.subject if entering else "")


def _take_over(work: Work, desk: Desk, visit: Visit, subject: str) -> None:
    """The visit is that of a person; what was typed and chosen at it stays with the same one alone."""
    store.change(work.connection, visit.id, holder=subject, locked_at=None, seen_at=work.now)
    if visit.holder != subject:
        store.change(work.connection, visit.id, business_date=None)
        store.keep(work.connection, desk.sealer, visit.id, None)


def sign_in(work: Work, desk: Desk, visit: Visit, command: SignIn) -> Failure | None:
    """The visit is that person's from now on; whoever was signed in at it before is not any more.

    A form that was kept stays where the same person comes back, and is forgotten before another sees it.
    """
    opened = sessions.open_session(work, desk.factors, command)
    if isinstance(opened, Failure):
        return opened
    _end_session(work, desk, visit)
    store.change(work.connection, visit.id, session_id=opened.session_id)
    _take_over(work, desk, visit, str(opened.user.id))
    return None


def confirm(work: Work, desk: Desk, visit: Visit, secret: str) -> Failure | None:
    """Nothing, where the secret is the password of who is signed in, or the code where they have one.

    Who signed in at another issuer shows it there: just now, or once more.
    """
    if visit.tokens is not None:
        return None if visit.tokens.is_fresh(work.now) else AGAIN
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


def end(work: Work, desk: Desk, visit: Visit) -> None:
    """Nobody is signed in at this visit any more, and nothing of theirs is left at it."""
    _end_session(work, desk, visit)
    store.change(work.connection, visit.id, holder="", business_date=None)
    store.keep(work.connection, desk.sealer, visit.id, None)


def _end_session(work: Work, desk: Desk, visit: Visit) -> None:
    if visit.tokens is not None:
        store.keep_tokens(work.connection, desk.sealer, visit.id, None)
    if visit.session_id is not None:
        sessions.end_session(work, visit.session_id)
        store.change(work.connection, visit.id, session_id=None, locked_at=None)


def end_everywhere(work: Work, desk: Desk, visit: Visit) -> None:
    """Nobody is signed in as this person any more, at whatever screen."""
    if visit.tokens is None:
        sessions.end_every_session(work, UUID(visit.person.subject))
    end(work, desk, visit)


def keep_form(work: Work, desk: Desk, visit: Visit, kept: Kept | None) -> None:
    """What was typed waits for its person."""
    store.keep(work.connection, desk.sealer, visit.id, kept)
