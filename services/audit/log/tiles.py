"""The log's tree as C2SP tlog-tiles store it: pure growth of tiles and entry bundles, and reading from them.

A tile holds up to 256 hashes of one level; a bundle holds the entries of one level-0 tile. A full one never
changes again, so only the last of each level is ever written twice.

Source: c2sp.org/tlog-tiles v0.1.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from shared.kernel import merkle
from shared.kernel.errors import Rejected

TILE_HEIGHT = 8  # levels of the tree that one tile spans
TILE_WIDTH = 256  # hashes of a full tile, entries of a full bundle
TILE_BYTES = TILE_WIDTH * merkle.HASH_BYTES
PLACE = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([0-9]{1,3}))?")
ENTRY_BYTES_MAX = 65_535  # what the uint16 before each entry of a bundle can say

TileReader = Callable[[int, int], bytes]
"""(level, index) -> the hashes of a tile, at least as many as the tree being read needs."""

_LENGTHS = [length.to_bytes(2, "big") for length in range(ENTRY_BYTES_MAX + 1)]


class EntryTooLarge(Rejected):
    """An entry that no bundle can hold."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(
            "entry_too_large",
            f"An audit entry of {size_bytes} bytes exceeds {ENTRY_BYTES_MAX}: name fewer subjects in a row.",
        )


class BundleInvalid(Rejected):
    """Bytes that are not the length-prefixed entries of a bundle."""

    def __init__(self, message: str) -> None:
        super().__init__("bundle_invalid", message)


@dataclass(frozen=True, slots=True)
class Tile:
    """Hashes `index * 256` and following of a level; full when there are 256 of them."""

    level: int
    index: int
    data: bytes

    @property
    def width(self) -> int:
        """How many hashes it holds. Bounds: 1 to 256."""
        return len(self.data) // merkle.HASH_BYTES


@dataclass(frozen=True, slots=True)
class Bundle:
    """Entries `index * 256` and following, each behind its length; full when there are 256 of them."""

    index: int
    width: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of the tree: all that must be known to add to it.

    Shape: one partial tile per level, b"" where the level ends with a full one; the partial bundle.
    """

    size: int = 0
    tiles: tuple[bytes, ...] = ()
    bundle: bytes = b""

    def root(self) -> bytes:
        """The root of the tree, from the perfect subtrees along its edge."""
        parts: list[bytes] = []
        for data in reversed(self.tiles):
            hashes = split_hashes(data)
            perfect = merkle.perfect_parts(0, len(hashes))
            parts += [
                merkle.root(hashes[number << height : (number + 1) << height]) for height, number in perfect
            ]
        return merkle.fold_right(parts)


@dataclass(frozen=True, slots=True)
class Growth:
    """What adding entries makes: the new edge, and the tiles and bundles to write."""

    edge: Edge
    tiles: tuple[Tile, ...]
    bundles: tuple[Bundle, ...]


def grow(edge: Edge, entries: Sequence[bytes]) -> Growth:
    """The tree after adding entries in their order.

    Raises: EntryTooLarge.
    """
    if not entries:
        return Growth(edge, (), ())
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise EntryTooLarge(len(entry))
    tiles, partial = _grow_tiles(edge, merkle.leaf_hashes(entries))
    bundles = _grow_bundles(edge, entries)
    size = edge.size + len(entries)
    open_bundle = bundles[-1].data if bundles[-1].width < TILE_WIDTH else b""
    return Growth(Edge(size, tuple(partial), open_bundle), tuple(tiles), tuple(bundles))


def _grow_tiles(edge: Edge, hashes: list[bytes]) -> tuple[list[Tile], list[bytes]]:
    written: list[Tile] = []
    partial = list(edge.tiles)
    level = 0
    while hashes:
        if level == len(partial):
            partial.append(b"")
        before = split_hashes(partial[level])
        first = (edge.size >> TILE_HEIGHT * level) // TILE_WIDTH
        hashes = before + hashes
        full = len(hashes) // TILE_WIDTH * TILE_WIDTH
        data = b"".join(hashes)
        written += (
            Tile(level, first + number, data[at : at + TILE_BYTES])
            for number, at in enumerate(range(0, len(data), TILE_BYTES))
        )
        partial[level] = data[full * merkle.HASH_BYTES :]
        hashes = hashes[:full]  # a partial tile is never hashed upward
        for _ in range(TILE_HEIGHT):
            hashes = merkle.level_above(hashes)
        level += 1
    return written, partial


def _grow_bundles(edge: Edge, entries: Sequence[bytes]) -> list[Bundle]:
    index, width = divmod(edge.size, TILE_WIDTH)
    room = TILE_WIDTH - width
    data = edge.bundle + pack_entries(entries[:room])
    bundles = [Bundle(index, width + len(entries[:room]), data)]
    for start in range(room, len(entries), TILE_WIDTH):
        part = entries[start : start + TILE_WIDTH]
        index += 1
        bundles.append(Bundle(index, len(part), pack_entries(part)))
    return bundles


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """The entries one after the other, each behind its length in two big-endian bytes."""
    parts: list[bytes] = []
    for entry in entries:
        parts += (_LENGTHS[len(entry)], entry)
    return b"".join(parts)


def unpack_entries(data: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises: BundleInvalid when the lengths do not use up the data exactly.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[start - 2 : start], "big")
        if start > len(data) or at > len(data):
            raise BundleInvalid(f"Entry {len(entries)} of the bundle is cut off.")
        entries.append(data[start:at])
    return entries


def split_hashes(data: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [data[at : at + merkle.HASH_BYTES] for at in range(0, len(data), merkle.HASH_BYTES)]


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Every tile (level, index, width) of a tree, full ones before the partial one of each level."""
    level = 0
    while hashes := size >> TILE_HEIGHT * level:
        for index in range(hashes // TILE_WIDTH):
            yield level, index, TILE_WIDTH
        if hashes % TILE_WIDTH:
            yield level, hashes // TILE_WIDTH, hashes % TILE_WIDTH
        level += 1


def path_of(kind: str, index: int, width: int = TILE_WIDTH) -> str:
    """The resource path below a log's prefix; kind is a level or "entries"."""
    digits = f"{index:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{kind}/{number}" + (f".p/{width}" if width < TILE_WIDTH else "")


def parse_place(place: str) -> tuple[int, int] | None:
    """Index and width of the last part of a resource path, or None where it is none."""
    found = PLACE.fullmatch(place)
    if found is None:
        return None
    index, width = int("".join(found[1].split("/")).replace("x", "")), int(found[2] or TILE_WIDTH)
    return (index, width) if width and path_of("0", index, width) == f"tile/0/{place}" else None


def perfect_from(read: TileReader) -> merkle.Perfect:
    """The perfect subtrees of the tree whose tiles `read` gives.

    Raises: ProofInvalid (on use) when a tile is too short for what is asked of it.
    """

    def perfect(height: int, number: int) -> bytes:
        level, within = divmod(height, TILE_HEIGHT)
        index, offset = divmod(number << within, TILE_WIDTH)
        start, count = offset * merkle.HASH_BYTES, 1 << within
        data = read(level, index)[start : start + count * merkle.HASH_BYTES]
        if len(data) != count * merkle.HASH_BYTES:
            raise merkle.ProofInvalid(
                f"Tile {level}/{index} is missing or cut off: {path_of(str(level), index)}."
            )
        return merkle.root(split_hashes(data))

    return perfect


def root(size: int, read: TileReader) -> bytes:
    """The root of the first `size` leaves, from tiles."""
    return merkle.subtree(0, size, perfect_from(read))


def edge_of(size: int, read: TileReader, bundle: bytes) -> Edge:
    """The right edge of a stored tree of `size` leaves.

    Bounds: `bundle` holds the entries of the last, partial bundle, b"" when it is full.
    """
    partial: list[bytes] = []
    level = 0
    while hashes := size >> TILE_HEIGHT * level:
        index, width = divmod(hashes, TILE_WIDTH)
        partial.append(read(level, index)[: width * merkle.HASH_BYTES] if width else b"")
        level += 1
    return Edge(size, tuple(partial), bundle)
