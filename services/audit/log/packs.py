"""The data of events as the log stores them: many entries a row, each behind its length.

A pack begins at the place of its first entry and never reaches into another bundle, so that the data of an
entry is found by the nearest pack at or before it. Packs are written once, by the commit that took their
entries in, and are never joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.audit.log.tiles import TILE_WIDTH

PACK_BYTES = 256 * 1024  # a pack is closed once it has so many, so that reading an entry reads little else
LENGTH_BYTES = 4


class Pack(NamedTuple):
    """The data of entries `first` and following."""

    first: int
    data: bytes


def cut(first: int, data: Sequence[bytes]) -> Iterator[Pack]:
    """The packs that hold the data of the entries from `first` on."""
    parts: list[bytes] = []
    start, size = first, 0
    for index, one in enumerate(data, first):
        parts += (len(one).to_bytes(LENGTH_BYTES, "big"), one)
        size += len(one)
        if size >= PACK_BYTES or (index + 1) % TILE_WIDTH == 0:
            yield Pack(start, b"".join(parts))
            start, size, parts = index + 1, 0, []
    if parts:
        yield Pack(start, b"".join(parts))


def unpack(data: bytes) -> tuple[list[bytes], bytes]:
    """The data of a pack's entries, and what is left behind the last whole one: b"" where nobody cut it."""
    found: list[bytes] = []
    at, size = 0, len(data)
    while at + LENGTH_BYTES <= size:
        end = at + LENGTH_BYTES + int.from_bytes(data[at : at + LENGTH_BYTES], "big")
        if end > size:
            break
        found.append(data[at + LENGTH_BYTES : end])
        at = end
    return found, data[at:]
