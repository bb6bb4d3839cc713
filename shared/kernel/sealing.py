"""Personal values are sealed under a key of their own, so deleting that key erases them everywhere.

A person's key is wrapped by a master key that lives outside the database. The place of a value
("table/row/field") is authenticated with it: a sealed value moved elsewhere does not open.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.kernel.errors import Rejected

WrappedKey = NewType("WrappedKey", bytes)
PREFIX = "sealed:v1:"
KEY_BYTES = 32
NONCE_BYTES = 12  # the length NIST SP 800-38D recommends for GCM
WRAP_PLACE = b"fundtrail/wrapped-key/v1"


class SealBroken(Rejected):
    """A sealed value does not open: another key, another place, or altered bytes."""

    def __init__(self, message: str) -> None:
        super().__init__("seal_broken", message)


class Sealer:
    """Makes, wraps and uses the keys of persons and documents under one master key."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise ValueError(f"A master key has {KEY_BYTES} bytes, this one {len(master_key)}.")
        self._master = AESGCM(master_key)

    def new_key(self) -> WrappedKey:
        """A fresh random key, wrapped; only the wrapped form is ever stored."""
        return self._wrap(os.urandom(KEY_BYTES))

    def seal(self, wrapped: WrappedKey, value: str, place: str) -> str:
        """The value sealed for one place, as text that starts with "sealed:v1:"."""
        box = self.seal_bytes(wrapped, value.encode(), place)
        return PREFIX + base64.urlsafe_b64encode(box).decode()

    def open(self, wrapped: WrappedKey, sealed: str, place: str) -> str:
        """The value that was sealed for this place. Raises: SealBroken."""
        return self.open_bytes(wrapped, _decoded(sealed), place).decode()

    def seal_bytes(self, wrapped: WrappedKey, content: bytes, place: str) -> bytes:
        """Content sealed for one place, such as a piece of a file. Shape: nonce, then the box."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._unwrap(wrapped)).encrypt(nonce, content, place.encode())

    def open_bytes(self, wrapped: WrappedKey, box: bytes, place: str) -> bytes:
        """The content that was sealed for this place. Raises: SealBroken."""
        try:
            return AESGCM(self._unwrap(wrapped)).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"The sealed value of {place} does not open with this key.") from error

    def rewrap(self, wrapped: WrappedKey, to: Sealer) -> WrappedKey:
        """The same key under another master key; what it sealed stays as it is. Raises: SealBroken."""
        return to._wrap(self._unwrap(wrapped))

    def _wrap(self, key: bytes) -> WrappedKey:
        nonce = os.urandom(NONCE_BYTES)
        return WrappedKey(nonce + self._master.encrypt(nonce, key, WRAP_PLACE))

    def _unwrap(self, wrapped: WrappedKey) -> bytes:
        try:
            return self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], WRAP_PLACE)
        except (InvalidTag, ValueError) as error:
            raise SealBroken("The wrapped key was made under another master key or was altered.") from error


def is_sealed(text: str) -> bool:
    """Whether a text is a sealed value and not a plain one."""
    return text.startswith(PREFIX)


def _decoded(sealed: str) -> bytes:
    if not is_sealed(sealed):
        raise SealBroken(f"A sealed value starts with {PREFIX}; this text does not.")
    try:
        return base64.b64decode(sealed[len(PREFIX) :].encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise SealBroken("A sealed value is base64 text; this one is damaged.") from error
