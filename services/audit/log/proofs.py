"""Proof files: an entry, its path to a signed checkpoint and, for an item of a bulk row, its path into it.

The file is a C2SP tlog-proof. Its `extra` line carries what an inspector needs to see and a verifier needs to
hash: canonical JSON with the entry, and either the event's data or one item of it, so that one payment is
shown without showing the others of its chunk.

Source: c2sp.org/tlog-proof v1.0.0.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.audit.log import notes
from shared.kernel import canonical, merkle
from shared.kernel.errors import Rejected

HEADER = "c2sp.org/tlog-proof@v1"
PATH_HASHES_MAX = 64  # a tree of 2^63 entries needs no more
INDEX = re.compile(r"0|[1-9][0-9]{0,18}")  # no tree has more than 2^63 entries
ITEM_COUNT_MAX = 500  # what one bulk row carries
EXTRA_FIELDS = frozenset({"entry", "data", "item", "item_index", "item_count", "item_path"})


class ProofMalformed(Rejected):
    """A text that is no proof file of this log."""

    def __init__(self, message: str) -> None:
        super().__init__("proof_malformed", message)


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """One item of a bulk row: its canonical bytes, its place, and its path to the row's items_root."""

    item: bytes
    index: int
    count: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the proof file shows: the entry as it was hashed, and its data or one item of it."""

    entry: bytes
    data: bytes | None = None
    item: ItemEvidence | None = None

    def encode(self) -> bytes:
        """The canonical JSON that stands in `extra`."""
        shown: dict[str, object] = {"entry": _base64(self.entry)}
        if self.data is not None:
            shown["data"] = _base64(self.data)
        if self.item is not None:
            shown |= {
                "item": _base64(self.item.item),
                "item_count": self.item.count,
                "item_index": self.item.index,
                "item_path": [_base64(part) for part in self.item.path],
            }
        return canonical.encode(shown)

    @classmethod
    def decode(cls, extra: bytes) -> Evidence:
        """The evidence of an `extra` line.

        Raises: ProofMalformed.
        """
        try:
            shown = json.loads(extra)
            _expect_known(shown, extra)
            return cls(_field(shown, "entry"), _optional_data(shown), _optional_item(shown))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ProofMalformed(
                "The extra line is not the canonical JSON with the entry in base64."
            ) from None


@dataclass(frozen=True, slots=True)
class Proof:
    """One entry's place in a signed tree."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    evidence: Evidence

    def text(self) -> str:
        """The proof file."""
        lines = [HEADER, f"extra {_base64(self.evidence.encode())}", f"index {self.index}"]
        lines += [_base64(part) for part in self.path]
        return "\n".join(lines) + "\n\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> Proof:
        """The proof of a file, not yet verified.

        Raises: ProofMalformed.
        """
        head, separator, checkpoint = text.partition("\n\n")
        header, extra, index, *path = [*head.split("\n"), "", ""]
        path = path[:-2]  # the two empty lines that keep a short file from failing to unpack
        if (
            not separator
            or header != HEADER
            or not extra.startswith("extra ")
            or not index.startswith("index ")
        ):
            raise ProofMalformed(f"The file does not begin with {HEADER}, an extra line and an index line.")
        number = index.removeprefix("index ")
        if not INDEX.fullmatch(number):
            raise ProofMalformed(f"{number[:20]!r} is no index in decimal digits without leading zeros.")
        if len(path) > PATH_HASHES_MAX:
            raise ProofMalformed(f"A path of {len(path)} hashes is longer than any tree needs.")
        hashes = tuple(_unbase64(line) for line in path)
        return cls(int(number), hashes, checkpoint, Evidence.decode(_unbase64(extra.removeprefix("extra "))))


def verify(proof: Proof, key: notes.VerifierKey) -> notes.Checkpoint:
    """The checkpoint under which the proof's entry, and its data or item, is proven.

    Raises: NoteInvalid (signature), ProofInvalid (any hash that does not lead where it must).
    """
    checkpoint = notes.open_checkpoint(proof.checkpoint, key)
    leaf = merkle.leaf_hash(proof.evidence.entry)
    if merkle.root_from_path(leaf, proof.index, checkpoint.size, proof.path) != checkpoint.root:
        raise merkle.ProofInvalid("The entry's path does not lead to the root of the checkpoint.")
    _verify_evidence(proof.evidence)
    return checkpoint


def item_evidence(items: list[object], index: int) -> ItemEvidence:
    """One item of a bulk row with its path to the root over all of them.

    Raises: ProofInvalid when there is no such item.
    """
    encoded = [canonical.encode_plain(item) for item in items]
    hashes = merkle.leaf_hashes(encoded)
    path = tuple(merkle.inclusion_path(hashes, index))
    return ItemEvidence(encoded[index], index, len(items), path)


def items_root(items: list[object] | tuple[object, ...]) -> bytes:
    """The root over a bulk row's items, as it stands in the row's envelope."""
    return merkle.root(merkle.leaf_hashes(canonical.encode_plain(item) for item in items))


def _expect_known(shown: Mapping[str, object], extra: bytes) -> None:
    """Nothing, where every field is said once and is one that a verifier checks. Raises: ValueError."""
    if not shown.keys() <= EXTRA_FIELDS:
        raise ValueError("a field that no verifier knows")
    if canonical.encode_plain(shown) != extra:
        raise ValueError("a field that is said twice, or another form than the canonical one")


def _verify_evidence(evidence: Evidence) -> None:
    envelope = canonical.decode(evidence.entry)
    if evidence.data is not None and canonical.digest(evidence.data) != envelope["data_sha256"]:
        raise merkle.ProofInvalid("The data is not that of the entry: its SHA-256 differs.")
    if evidence.item is None:
        return
    item = evidence.item
    found = merkle.root_from_path(merkle.leaf_hash(item.item), item.index, item.count, item.path)
    if found.hex() != envelope["items_root"]:
        raise merkle.ProofInvalid("The item's path does not lead to the items_root of the entry.")


def _optional_data(shown: Mapping[str, object]) -> bytes | None:
    return _field(shown, "data") if "data" in shown else None


def _optional_item(shown: Mapping[str, object]) -> ItemEvidence | None:
    if "item" not in shown:
        return None
    path, index, count = shown["item_path"], shown["item_index"], shown["item_count"]
    if (
        not isinstance(path, list)
        or type(index) is not int
        or type(count) is not int
        or count > ITEM_COUNT_MAX
    ):
        raise ValueError("item_path is a list, item_index and item_count are integers")
    return ItemEvidence(_field(shown, "item"), index, count, tuple(_unbase64(part) for part in path))


def _field(shown: Mapping[str, object], name: str) -> bytes:
    value = shown[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is a text")
    return _unbase64(value)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProofMalformed(f"{text[:20]!r} is not base64.") from None
    if _base64(data) != text:  # another spelling of the same bytes is another file
        raise ProofMalformed(f"{text[:20]!r} is not canonical base64.")
    return data
