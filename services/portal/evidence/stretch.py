"""A stretch of the log, checked as any client of the tiles would: entries hashed here, up to a signed root.

Source: c2sp.org/tlog-tiles v0.1.0; RFC 6962 section 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.portal.evidence.checks import Broken, Checkpoint
from shared.kernel import merkle

WIDTH = 256  # hashes of a full tile, entries of a full bundle
HEIGHT = 8
LENGTH_BYTES = 2

Read = Callable[[str], bytes]
"""The bytes at a path below `/v1/log/tile/`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One bundle: its first and last entry, and whether they lead to the signed root."""

    first: int
    last: int
    holds: bool
    root: bytes = b""


def bundles_of(first: int, last: int, size: int) -> range:
    """The bundles that hold the entries from `first` to `last`, as far as `size` entries go."""
    last = min(last, size - 1)
    return range(first // WIDTH, last // WIDTH + 1) if 0 <= first <= last else range(0)


def check_bundle(number: int, checkpoint: Checkpoint, read: Read) -> Row:
    """Whether the entries of a bundle, hashed here, lead to the root of the checkpoint.

    The path of the first entry folds every other of the bundle, so one that was altered, left out or added
    leads elsewhere.
    """
    first = number * WIDTH
    width = min(WIDTH, checkpoint.size - first)
    row = Row(first, first + width - 1, holds=False)
    hashes = merkle.leaf_hashes(entries_of(read("entries/" + place(number, width))))
    if len(hashes) != width:
        return row

    def perfect(height: int, index: int) -> bytes:
        level, rest = divmod(height, HEIGHT)
        start, end = index << rest, (index + 1) << rest
        tile = start // WIDTH
        known = hashes if (level, tile) == (0, number) else _tile(level, tile, checkpoint.size, read)
        return merkle.root(known[start - tile * WIDTH : end - tile * WIDTH])

    try:
        path = merkle.inclusion(first, checkpoint.size, perfect)
        root = merkle.root_from_path(hashes[0], first, checkpoint.size, path)
    except merkle.ProofInvalid:
        return row
    return Row(row.first, row.last, root == checkpoint.root, root)


def entries_of(bundle: bytes) -> list[bytes]:
    """The entries of a bundle, each behind its length in two bytes. Raises: Broken."""
    entries: list[bytes] = []
    at = 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + LENGTH_BYTES], "big")
        at += LENGTH_BYTES + length
        if at > len(bundle):
            raise Broken("bundle_unreadable")
        entries.append(bundle[at - length : at])
    return entries


def place(number: int, width: int) -> str:
    """Where a tile or bundle stands: `x001/234`, and `.p/112` behind a partial one."""
    parts = [f"{number % 1000:03d}"]
    while number := number // 1000:
        parts.append(f"x{number % 1000:03d}")
    return "/".join(reversed(parts)) + ("" if width == WIDTH else f".p/{width}")


def _tile(level: int, number: int, size: int, read: Read) -> Sequence[bytes]:
    there = size >> (HEIGHT * level)  # hashes of this level in a tree of that size
    data = read(f"{level}/" + place(number, min(WIDTH, there - number * WIDTH)))
    return [data[at : at + merkle.HASH_BYTES] for at in range(0, len(data), merkle.HASH_BYTES)]
