"""Tiles and bundles: the specification's arithmetic, growth in any steps, proofs read back from tiles."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.log import tiles
from services.audit.log.tiles import BundleInvalid, Edge, EntryTooLarge, Growth
from shared.kernel import merkle
from shared.kernel.merkle import ProofInvalid


class Store:
    """Tiles and bundles as a database would keep them: a full one is written once."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.bundles: dict[int, bytes] = {}

    def write(self, growth: Growth) -> None:
        for tile in growth.tiles:
            before = self.tiles.get((tile.level, tile.index), b"")
            assert len(before) < tiles.TILE_BYTES, "a full tile was written again"
            assert tile.data.startswith(before)
            self.tiles[tile.level, tile.index] = tile.data
        for bundle in growth.bundles:
            before = self.bundles.get(bundle.index, b"")
            assert len(tiles.unpack_entries(before)) < tiles.TILE_WIDTH, "a full bundle was written again"
            assert bundle.data.startswith(before)
            assert len(tiles.unpack_entries(bundle.data)) == bundle.width
            self.bundles[bundle.index] = bundle.data

    def read(self, level: int, index: int) -> bytes:
        return self.tiles.get((level, index), b"")


def entries(count: int, start: int = 0) -> list[bytes]:
    return [b"entry %d" % number for number in range(start, start + count)]


def grown(*steps: int) -> tuple[Edge, Store]:
    store, edge = Store(), Edge()
    for step in steps:
        growth = tiles.grow(edge, entries(step, edge.size))
        store.write(growth)
        edge = growth.edge
    return edge, store


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    listed = list(tiles.tiles_of(70_000))
    widths = {level: [width for at, _, width in listed if at == level] for level in range(3)}
    assert widths[0] == [256] * 273 + [112]
    assert widths[1] == [256, 17]
    assert widths[2] == [1]
    assert len(listed) == 277


def test_a_tree_of_256_has_one_full_tile_and_one_of_width_one_above_it() -> None:
    assert list(tiles.tiles_of(256)) == [(0, 0, 256), (1, 0, 1)]
    edge, store = grown(256)
    assert store.tiles.keys() == {(0, 0), (1, 0)}
    assert store.read(1, 0) == edge.root() == merkle.root(merkle.leaf_hashes(entries(256)))


@pytest.mark.parametrize(
    ("kind", "index", "width", "expected"),
    [
        ("0", 1_234_067, 256, "tile/0/x001/x234/067"),
        ("0", 0, 256, "tile/0/000"),
        ("1", 5, 17, "tile/1/005.p/17"),
        ("entries", 999, 256, "tile/entries/999"),
        ("entries", 1000, 1, "tile/entries/x001/000.p/1"),
        ("2", 123_456_789, 256, "tile/2/x123/x456/789"),
    ],
)
def test_resources_have_the_paths_of_the_specification(
    kind: str, index: int, width: int, expected: str
) -> None:
    assert tiles.path_of(kind, index, width) == expected


def test_a_tree_written_at_once_holds_every_tile_with_its_width() -> None:
    edge, store = grown(70_000)
    assert {(level, index, len(data) // 32) for (level, index), data in store.tiles.items()} == set(
        tiles.tiles_of(70_000)
    )
    assert edge.root() == tiles.root(70_000, store.read) == merkle.root(merkle.leaf_hashes(entries(70_000)))


@given(st.lists(st.integers(0, 700), min_size=1, max_size=8))
@settings(deadline=None, max_examples=60)
def test_growing_in_any_steps_gives_the_same_tree_as_growing_at_once(steps: list[int]) -> None:
    edge, store = grown(*steps)
    at_once, expected = grown(sum(steps))
    assert edge == at_once
    assert store.tiles == expected.tiles
    assert store.bundles == expected.bundles
    assert [
        entry for index in sorted(store.bundles) for entry in tiles.unpack_entries(store.bundles[index])
    ] == (entries(sum(steps)))


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])
def test_the_edge_is_found_again_from_what_is_stored(size: int) -> None:
    edge, store = grown(size)
    index, width = divmod(size, tiles.TILE_WIDTH)
    assert tiles.edge_of(size, store.read, store.bundles[index] if width else b"") == edge


def test_proofs_from_tiles_are_those_of_the_whole_list() -> None:
    sizes = (1, 255, 256, 257, 700, 66_000)
    store = grown(66_000)[1]
    hashes = merkle.leaf_hashes(entries(66_000))
    read = tiles.perfect_from(store.read)
    dice = random.Random(6962)
    for size in sizes:
        for index in {0, size - 1, *(dice.randrange(size) for _ in range(20))}:
            path = merkle.inclusion(index, size, read)
            assert merkle.root_from_path(hashes[index], index, size, path) == tiles.root(size, store.read)
        for old_size in {1, *(dice.randrange(1, size + 1) for _ in range(10))}:
            path = merkle.consistency(old_size, size, read)
            old_root, new_root = tiles.root(old_size, store.read), tiles.root(size, store.read)
            assert merkle.verify_consistency(old_size, size, old_root, new_root, path)
    assert merkle.inclusion(300, 700, read) == merkle.inclusion_path(hashes[:700], 300)


def test_a_tile_that_is_missing_or_cut_off_is_named() -> None:
    store = grown(600)[1]
    store.tiles[0, 2] = store.tiles[0, 2][:40]
    with pytest.raises(ProofInvalid, match="tile/0/002"):
        tiles.root(600, store.read)
    store = grown(600)[1]
    del store.tiles[1, 0]
    with pytest.raises(ProofInvalid, match="tile/1/000"):
        merkle.inclusion(599, 600, tiles.perfect_from(store.read))


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_entries_come_out_of_a_bundle_as_they_went_in(packed: list[bytes]) -> None:
    assert tiles.unpack_entries(tiles.pack_entries(packed)) == packed


def test_entry_lengths_stand_in_two_big_endian_bytes() -> None:
    assert (
        tiles.pack_entries([b"", b"ab", b"c" * 258]) == b"\x00\x00" + b"\x00\x02ab" + b"\x01\x02" + b"c" * 258
    )


@pytest.mark.parametrize("broken", [b"\x00", b"\x00\x05abcd", b"\x00\x01a\xff"])
def test_a_bundle_that_does_not_add_up_is_refused(broken: bytes) -> None:
    with pytest.raises(BundleInvalid, match="cut off"):
        tiles.unpack_entries(broken)


def test_an_entry_too_large_for_a_bundle_is_refused_and_nothing_grows() -> None:
    largest = b"x" * tiles.ENTRY_BYTES_MAX
    assert tiles.grow(Edge(), [largest]).edge.size == 1
    with pytest.raises(EntryTooLarge, match="65536"):
        tiles.grow(Edge(), [b"fine", largest + b"x"])


def test_adding_nothing_writes_nothing() -> None:
    edge = grown(300)[0]
    assert tiles.grow(edge, []) == Growth(edge, (), ())


def test_an_empty_edge_has_the_empty_root() -> None:
    assert Edge().root() == merkle.EMPTY_ROOT
