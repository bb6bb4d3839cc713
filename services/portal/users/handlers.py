"""Making and blocking accounts, changing passwords."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.portal.roles import model as roles
from services.portal.users import secrets, store
from services.portal.users.commands import BlockUser, ChangePassword, CreateUser
from services.portal.users.events import PasswordChanged, UserBlocked, UserCreated
from services.portal.users.factors import Factors
from shared.db.unit_of_work import Work
from shared.kernel.errors import Denied, NotFound


@dataclass(frozen=True, slots=True)
class NewUser:
    """What is told once, to the administrator who made the account."""

    user_id: UUID
    username: str
    totp_secret: str | None


def create_user(work: Work, factors: Factors, command: CreateUser) -> NewUser:
    """The new account; its TOTP secret is shown here and never again.

    Raises: Rejected role_unknown, password_weak; Denied roles_incompatible; Conflict username_taken.
    """
    names = [one.role for one in command.assignments]
    roles.ensure_known(names)
    roles.ensure_compatible(names)
    totp_secret = secrets.new_totp_secret() if roles.needs_totp(names) else None
    factor = factors.seal(command.user_id, totp_secret) if totp_secret else None
    store.add(work.connection, command, secrets.hash_password(command.password), factor)
    work.record(
        UserCreated(
            user_id=str(command.user_id),
            kind=command.kind,
            unit_id=str(command.unit_id) if command.unit_id else None,
            assignments=tuple(
                {
                    "role": one.role,
                    "unit_id": str(one.unit_id),
                    "from_on": one.from_on.isoformat(),
                    "to_on": one.to_on.isoformat() if one.to_on else None,
                }
                for one in command.assignments
            ),
        )
    )
    return NewUser(command.user_id, command.username, totp_secret)


def block_user(work: Work, command: BlockUser) -> None:
    """The account cannot sign in any more. Raises: NotFound user_unknown."""
    if not store.block(work.connection, command.user_id):
        raise NotFound("user_unknown", f"There is no active account {command.user_id}.")
    work.record(UserBlocked(str(command.user_id)))


def change_password(work: Work, command: ChangePassword) -> None:
    """The account has the new password. Raises: Denied password_wrong; Rejected password_weak."""
    row = store.by_id(work.connection, command.user_id)
    if row is None or not secrets.matches(row.password_hash, command.current):
        raise Denied("password_wrong", "The current password is not right; nothing was changed.")
    store.set_password(work.connection, command.user_id, secrets.hash_password(command.new))
    work.record(PasswordChanged(str(command.user_id)))
