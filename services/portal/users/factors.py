"""The secrets of second factors, sealed: who reads the database cannot make anybody's codes.

Each account's secret is sealed under a key of its own, and that key under a master key whose file lies in the
keys folder, outside the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from shared.documents import keys
from shared.kernel.errors import Unavailable
from shared.kernel.sealing import SealBroken, Sealer, WrappedKey
from shared.settings import SettingMissing

KEY_FILE = "portal-master.key"


@dataclass(frozen=True, slots=True)
class SealedFactor:
    """A secret as it is stored: its own key, wrapped, and the secret under that key."""

    key: WrappedKey
    secret: str


@dataclass(frozen=True, slots=True)
class Factors:
    """Seals and opens the secrets of second factors under one master key."""

    sealer: Sealer

    def seal(self, user_id: UUID, secret: str) -> SealedFactor:
        """The secret of an account in the form that is stored."""
        key = self.sealer.new_key()
        return SealedFactor(key, self.sealer.seal(key, secret, _place(user_id)))

    def open(self, user: Row[Any]) -> str:
        """The secret of an account that has one. Raises: Unavailable where this key does not open it."""
        try:
            return self.sealer.open(WrappedKey(bytes(user.totp_key)), str(user.totp_secret), _place(user.id))
        except SealBroken as error:
            raise Unavailable(
                f"The second factor of this account does not open with the key in {KEY_FILE}: put back the "
                "key file under which the account was made, then sign in again."
            ) from error


def ensure_key(keys_dir: Path) -> None:
    """A master key lies in the folder; one that is there already stays."""
    keys.ensure_key(keys_dir / KEY_FILE)


def load_factors(keys_dir: Path) -> Factors:
    """The factors under the key in the keys folder.

    Raises: SettingMissing where the file is absent or holds something else: a new key would open no secret.
    """
    path = keys_dir / KEY_FILE
    try:
        return Factors(Sealer(path.read_bytes()))
    except (FileNotFoundError, ValueError) as error:
        raise SettingMissing(
            f"{path} is absent or damaged, and without it nobody with a second factor can sign in. "
            "Put back the copy of this file, or run migrate where the portal was never started."
        ) from error


def _place(user_id: UUID) -> str:
    return f"users/{user_id}/totp_secret"
