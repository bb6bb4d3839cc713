"""Signed notes and checkpoints: how the log states its size and root so that anyone can hold it to them.

Source: c2sp.org/signed-note v1.0.0 (Ed25519, type 0x01); c2sp.org/tlog-checkpoint v1.0.0.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.kernel import merkle
from shared.kernel.errors import Rejected

ED25519 = b"\x01"  # the signature type byte; a later algorithm gets a key of its own type beside this one
KEY_ID_BYTES = 4
SIGNATURES_MAX = 64  # a note must be readable with at least 16; more than this is no honest note
SIZE_MAX = 2**63 - 1  # what every reader's integer holds
SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteInvalid(Rejected):
    """A note, key or checkpoint that is malformed or not signed as it claims."""

    def __init__(self, message: str) -> None:
        super().__init__("note_invalid", message)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a log's key, under the name that stands in its signature lines."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key of a `name+id+key` line.

        Raises: NoteInvalid.
        """
        name, encoded = _parse_key(text.strip(), "a verifier key")
        key = cls(name, encoded)
        if text.strip() != str(key):
            raise NoteInvalid(f"The key id in {text.strip()!r} is not that of this name and key.")
        return key

    @property
    def key_id(self) -> bytes:
        """The four bytes that name this key in a signature line."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:KEY_ID_BYTES]

    def verifies(self, signature: bytes, text: str) -> bool:
        """Whether the signature is this key's over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_base64(ED25519 + self.public)}"


class Signer:
    """A log's private key and its name."""

    def __init__(self, name: str, seed: bytes) -> None:
        _check_name(name)
        self.name = name
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def generate(cls, name: str) -> Signer:
        """A new key from the system's randomness."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Signer:
        """The key of a `PRIVATE+KEY+name+id+key` line.

        Raises: NoteInvalid.
        """
        marker = "PRIVATE+KEY+"
        if not text.startswith(marker):
            raise NoteInvalid(f"A signing key begins with {marker}.")
        signer = cls(*_parse_key(text[len(marker) :].strip(), "a signing key"))
        if text.strip() != signer.secret_text():
            raise NoteInvalid(f"The signing key of {signer.name} does not match its own key id.")
        return signer

    def secret_text(self) -> str:
        """The line to keep in the key file, in the form that other signed-note tools read."""
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{_base64(ED25519 + self._seed)}"

    @property
    def verifier(self) -> VerifierKey:
        """The key with which others check what this one signs."""
        return VerifierKey(self.name, self._private.public_key().public_bytes_raw())

    def signature_line(self, text: str) -> str:
        """The line that signs the text."""
        return f"— {self.name} {_base64(self.verifier.key_id + self._private.sign(text.encode()))}\n"


def sign(text: str, signers: Sequence[Signer]) -> str:
    """The note: text, blank line, one signature line per signer.

    Raises: NoteInvalid when the text does not end in a newline or holds control characters.
    """
    _check_text(text)
    return text + "\n" + "".join(signer.signature_line(text) for signer in signers)


def open_note(note: str, keys: Sequence[VerifierKey]) -> str:
    """The text of a note that at least one of the keys signed.

    Unknown keys are ignored, as they may be witnesses or a key to come; a known key that fails rejects
    the whole note.
    Raises: NoteInvalid.
    """
    text, signatures = split_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    verified = False
    for name, raw in signatures:
        key = known.get((name, raw[:KEY_ID_BYTES]))
        if key is None:
            continue
        if not key.verifies(raw[KEY_ID_BYTES:], text):
            raise NoteInvalid(f"The signature of {name} does not match the text: one of them was altered.")
        verified = True
    if not verified:
        raise NoteInvalid("No known key has signed this note.")
    return text


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Text and (name, key id + signature) lines of a note, not yet verified.

    Raises: NoteInvalid.
    """
    text, separator, lines = note.rpartition("\n\n")
    text += "\n"
    if not separator or not lines.endswith("\n"):
        raise NoteInvalid("A note is a text, a blank line and signature lines, each ending in a newline.")
    _check_text(text)
    signatures = lines[:-1].split("\n")
    if len(signatures) > SIGNATURES_MAX:
        raise NoteInvalid(f"A note of {len(signatures)} signatures exceeds the limit of {SIGNATURES_MAX}.")
    return text, [_parse_signature(line) for line in signatures]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits itself to: so many entries, and this root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text: origin, size, root, each on a line."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint of a note text; extension lines are allowed and ignored.

        Raises: NoteInvalid.
        """
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < 3 or not all(lines) or not text.endswith("\n"):
            raise NoteInvalid("A checkpoint is at least three lines: origin, size and root.")
        origin, size, root = lines[:3]
        if not (SIZE.fullmatch(size) and int(size) <= SIZE_MAX):
            raise NoteInvalid(f"{size[:20]!r} is no tree size in decimal digits without leading zeros.")
        digest = _unbase64(root, "the root")
        if len(digest) != merkle.HASH_BYTES:
            raise NoteInvalid(f"The root has {len(digest)} bytes instead of {merkle.HASH_BYTES}.")
        return cls(origin, int(size), digest)


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> str:
    """The signed note of a checkpoint; whether it may be signed is the caller's duty to have checked."""
    return sign(checkpoint.text(), signers)


def open_checkpoint(note: str, *keys: VerifierKey) -> Checkpoint:
    """The checkpoint of a note signed by the log whose keys these are; any one of them is enough.

    Raises: NoteInvalid, also when the origin is not the keys' name.
    """
    checkpoint = Checkpoint.parse(open_note(note, keys))
    for key in keys:
        if checkpoint.origin != key.name:
            raise NoteInvalid(f"The checkpoint is of the log {checkpoint.origin!r}, the key of {key.name!r}.")
    return checkpoint


def _parse_signature(line: str) -> tuple[str, bytes]:
    marker, name, encoded = [*line.split(" "), "", "", ""][:3]
    if marker != "—" or line != f"{marker} {name} {encoded}":
        raise NoteInvalid(f"{line[:80]!r} is no signature line.")
    _check_name(name)
    raw = _unbase64(encoded, f"the signature of {name}")
    if len(raw) <= KEY_ID_BYTES:
        raise NoteInvalid(f"The signature of {name} is too short.")
    return name, raw


def _parse_key(text: str, what: str) -> tuple[str, bytes]:
    name, _, encoded = [*text.split("+", 2), "", ""][:3]
    _check_name(name)
    raw = _unbase64(encoded, what)
    if raw[:1] != ED25519 or len(raw) != 33:
        raise NoteInvalid(f"The key of {name} is no Ed25519 key of 32 bytes.")
    return name, raw[1:]


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteInvalid(f"{name!r} is no key name: it is empty or holds spaces or a plus.")


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(unicodedata.category(c) == "Cc" and c != "\n" for c in text if c < " "):
        raise NoteInvalid("A note's text ends in a newline and has no other control characters.")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid(f"{what[0].upper()}{what[1:]} is not base64.") from None
    if _base64(raw) != text:
        raise NoteInvalid(f"{what[0].upper()}{what[1:]} is not canonical base64.")
    return raw
