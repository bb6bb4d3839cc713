"""What a proof shows, check by check, as the offline verifier makes them; only what was computed is believed.

Source: c2sp.org/tlog-proof@v1, c2sp.org/signed-note@v1.0.0, c2sp.org/tlog-checkpoint@v1.0.0; RFC 6962.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.kernel import merkle
from shared.kernel.merkle import ProofInvalid

ED25519 = b"\x01"
KEY_ID_BYTES = 4
PROOF = re.compile(r"c2sp\.org/tlog-proof@v1\nextra (\S+)\nindex (\d{1,19})((?:\n\S+)*)")
SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


Facts = tuple[tuple[str, str], ...]


class Broken(Exception):
    """A check that does not hold; its argument names why in the catalogues."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check that was made: what was compared, and whether it holds; `why` names what does not."""

    name: str
    holds: bool
    facts: Facts = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """The public half of a log's key, and the last size that it may sign for."""

    name: str
    public: bytes
    id: bytes
    last_size: int | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log has signed: so many entries, and this root over them."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof file, not yet checked."""

    shown: Mapping[str, Any]
    index: int
    path: tuple[bytes, ...]
    note: str


def parse_key(text: str) -> Key:
    """The key of a line `name+id+base64`, behind which its last size may stand. Raises: Broken."""
    line, _, last = text.strip().partition(" ")
    name, given_id, encoded = [*line.split("+", 2), "", ""][:3]
    try:
        raw = unbase64(encoded)
    except Broken:
        raw = b""
    key_id = sha256(name.encode() + b"\n" + raw).digest()[:KEY_ID_BYTES]
    if not name or raw[:1] != ED25519 or len(raw) != 33 or given_id != key_id.hex():
        raise Broken("key_invalid")
    return Key(name, raw[1:], key_id, _number(last) if last else None)


def open_checkpoint(note: str, key: Key) -> Checkpoint:
    """The checkpoint of a note that the key has signed. Raises: Broken."""
    checkpoint, lines = split_checkpoint(note)
    text = note.rpartition("\n\n")[0] + "\n"
    if checkpoint.origin != key.name:
        raise Broken("origin_foreign")
    signatures = [raw for signer, raw in lines if signer == key.name and raw[:KEY_ID_BYTES] == key.id]
    if not signatures:
        raise Broken("signature_absent")
    for raw in signatures:
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(raw[KEY_ID_BYTES:], text.encode())
        except InvalidSignature:
            raise Broken("signature_wrong") from None
    if key.last_size is not None and checkpoint.size > key.last_size:
        raise Broken("key_ended")
    return checkpoint


def split_checkpoint(note: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """What a note states and who signed it, not yet checked. Raises: Broken."""
    text, _, lines = note.rpartition("\n\n")
    origin, size, root = [*text.split("\n"), "", ""][:3]
    digest = unbase64(root)
    if not origin or len(digest) != merkle.HASH_BYTES:
        raise Broken("checkpoint_unreadable")
    signed = [line.removeprefix("— ").partition(" ") for line in lines.split("\n") if line.startswith("— ")]
    return Checkpoint(origin, _number(size), digest), [(name, unbase64(raw)) for name, _, raw in signed]


def parse_proof(text: str) -> Proof:
    """The parts of a proof file. Raises: Broken."""
    head, _, note = text.partition("\n\n")
    parts = PROOF.fullmatch(head)
    if not parts:
        raise Broken("proof_unreadable")
    shown = _json(unbase64(parts[1]))
    return Proof(shown, int(parts[2]), tuple(unbase64(one) for one in parts[3].split("\n")[1:]), note)


def run(proof_text: str, key_text: str) -> list[Check]:
    """Every check of a proof in its order, up to the first that does not hold."""
    done: list[Check] = []
    name = "key"
    try:
        for name, facts in _checks(proof_text, key_text):
            if facts is not None:
                done.append(Check(name, holds=True, facts=facts))
    except Broken as broken:
        done.append(Check(name, holds=False, why=str(broken)))
    except ProofInvalid:
        done.append(Check(name, holds=False, why="path_wrong"))
    return done


def hold(done: Sequence[Check]) -> bool:
    """Whether all checks hold."""
    return bool(done) and all(one.holds for one in done)


def facts_of(checkpoint: Checkpoint) -> Facts:
    """What a checkpoint states, as a check shows it."""
    return (("size", str(checkpoint.size)), ("root", base64_of(checkpoint.root)))


def grown(old: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> Check:
    """Whether the old log is the beginning of the new one, by a consistency path (RFC 6962)."""
    holds = merkle.verify_consistency(old.size, new.size, old.root, new.root, path)
    return Check("growth", holds, (("hashes", str(len(path))),), "" if holds else "log_rewritten")


def _checks(proof_text: str, key_text: str) -> Iterator[tuple[str, Facts | None]]:
    """Each check named before it is made, and once more with what it found."""
    key = parse_key(key_text)
    yield "key", (("key_name", key.name), ("key_id", key.id.hex()))
    yield "signature", None
    proof = parse_proof(proof_text)
    checkpoint = open_checkpoint(proof.note, key)
    yield "signature", facts_of(checkpoint)
    yield "leaf", None
    entry = unbase64(str(proof.shown.get("entry", "")))
    envelope, leaf = _json(entry), merkle.leaf_hash(entry)
    yield "leaf", (("index", str(proof.index)), ("type", str(envelope.get("type"))), ("hash", leaf.hex()))
    yield "path", None
    root = merkle.root_from_path(leaf, proof.index, checkpoint.size, proof.path)
    _expect(root == checkpoint.root, "root_differs")
    yield "path", (("hashes", str(len(proof.path))), ("root", base64_of(root)))
    yield from _check_data(proof.shown, envelope)
    yield from _check_item(proof.shown, envelope)


def _check_data(shown: Mapping[str, Any], envelope: Mapping[str, Any]) -> Iterator[tuple[str, Facts | None]]:
    if "data" not in shown:
        return
    yield "data", None
    digest = sha256(unbase64(str(shown["data"]))).hexdigest()
    _expect(digest == envelope.get("data_sha256"), "data_differs")
    yield "data", (("hash", digest),)


def _check_item(shown: Mapping[str, Any], envelope: Mapping[str, Any]) -> Iterator[tuple[str, Facts | None]]:
    if "item" not in shown:
        return
    yield "item", None
    item, path = unbase64(str(shown["item"])), shown.get("item_path")
    index, count = shown.get("item_index"), shown.get("item_count")
    if type(index) is not int or type(count) is not int or not isinstance(path, list):
        raise Broken("proof_unreadable")
    hashes = [unbase64(str(one)) for one in path]
    root = merkle.root_from_path(merkle.leaf_hash(item), index, count, hashes)
    _expect(root.hex() == envelope.get("items_root"), "item_differs")
    yield "item", (("content", item.decode(errors="replace")), ("root", root.hex()))


def _expect(holds: bool, why: str) -> None:  # noqa: FBT001 - the result of a comparison
    if not holds:
        raise Broken(why)


def _number(text: str) -> int:
    if not SIZE.fullmatch(text):
        raise Broken("checkpoint_unreadable")
    return int(text)


def _json(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Broken("proof_unreadable")
    return found


def unbase64(text: str) -> bytes:
    """The bytes of a base64 text in its one spelling. Raises: Broken."""
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Broken("proof_unreadable") from None
    _expect(base64_of(data) == text, "proof_unreadable")
    return data


def base64_of(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode()
