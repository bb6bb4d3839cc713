"""Trees, paths and tiles against RFC 6962 as it stands: twenty recursive lines, as slow as they are plain."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.log import proofs, tiles
from services.audit.log.tiles import TILE_WIDTH, Edge
from services.audit.verifier import fundtrail_verify
from shared.kernel import canonical, merkle

LEAVES = st.lists(st.binary(max_size=8), max_size=70)


def split(size: int) -> int:
    """The largest power of two below a size (RFC 6962, section 2.1)."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def mth(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash (section 2.1)."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    middle = split(len(leaves))
    return sha256(b"\1" + mth(leaves[:middle]) + mth(leaves[middle:])).digest()


def path(number: int, leaves: list[bytes]) -> list[bytes]:
    """The audit path (section 2.1.1)."""
    if len(leaves) == 1:
        return []
    middle = split(len(leaves))
    if number < middle:
        return [*path(number, leaves[:middle]), mth(leaves[middle:])]
    return [*path(number - middle, leaves[middle:]), mth(leaves[:middle])]


def subproof(old: int, leaves: list[bytes], *, known: bool) -> list[bytes]:
    """The consistency proof (section 2.1.2)."""
    if old == len(leaves):
        return [] if known else [mth(leaves)]
    middle = split(len(leaves))
    if old <= middle:
        return [*subproof(old, leaves[:middle], known=known), mth(leaves[middle:])]
    return [*subproof(old - middle, leaves[middle:], known=False), mth(leaves[:middle])]


class Tiles:
    """What a log would have stored, as a reader of tiles."""

    def __init__(self, leaves: list[bytes], step: int | None = None) -> None:
        self.stored: dict[tuple[int, int], bytes] = {}
        self.edge = Edge()
        for start in range(0, len(leaves), step or max(len(leaves), 1)):
            growth = tiles.grow(self.edge, leaves[start : start + (step or len(leaves))])
            self.edge = growth.edge
            for tile in growth.tiles:
                if len(tile.data) == tiles.TILE_BYTES:
                    self.stored[tile.level, tile.index] = tile.data

    def root(self) -> bytes:
        return tiles.root(self.edge.size, self.read)

    def read(self, level: int, index: int) -> bytes:
        full = self.stored.get((level, index))
        if full is not None:
            return full
        is_open = level < len(self.edge.tiles) and index == (self.edge.size >> 8 * level) // TILE_WIDTH
        return self.edge.tiles[level] if is_open else b""


@given(LEAVES)
def test_roots_are_those_of_the_reference(leaves: list[bytes]) -> None:
    assert merkle.root(merkle.leaf_hashes(leaves)) == mth(leaves)


@given(LEAVES.filter(bool), st.data())
def test_inclusion_paths_are_those_of_the_reference(leaves: list[bytes], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(leaves) - 1))
    found = merkle.inclusion_path(merkle.leaf_hashes(leaves), number)
    assert found == path(number, leaves)
    climbed = merkle.root_from_path(merkle.leaf_hash(leaves[number]), number, len(leaves), found)
    assert climbed == mth(leaves)
    assert fundtrail_verify.climb(leaves[number], number, len(leaves), found, "entry") == mth(leaves)


@given(LEAVES.filter(bool), st.data())
def test_consistency_paths_are_those_of_the_reference(leaves: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(leaves)))
    found = merkle.consistency_path(merkle.leaf_hashes(leaves), old)
    assert found == subproof(old, leaves, known=True)
    assert merkle.verify_consistency(old, len(leaves), mth(leaves[:old]), mth(leaves), found)


@given(LEAVES.filter(lambda leaves: len(leaves) > 1), st.data())
def test_a_log_that_changed_one_old_entry_is_no_continuation(
    leaves: list[bytes], data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, len(leaves)))
    changed = data.draw(st.integers(0, old - 1))
    forged = [*leaves[:changed], leaves[changed] + b"!", *leaves[changed + 1 :]]
    honest_path = merkle.consistency_path(merkle.leaf_hashes(leaves), old)
    forged_path = merkle.consistency_path(merkle.leaf_hashes(forged), old)
    for shown in (honest_path, forged_path):
        assert not merkle.verify_consistency(old, len(leaves), mth(leaves[:old]), mth(forged), shown)


@given(LEAVES.filter(bool), st.data())
def test_a_path_with_one_hash_more_or_less_leads_nowhere(leaves: list[bytes], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(leaves) - 1))
    good = merkle.inclusion_path(merkle.leaf_hashes(leaves), number)
    for bad in ([*good, bytes(32)], good[:-1] if good else [bytes(32)]):
        with pytest.raises(merkle.ProofInvalid):
            merkle.root_from_path(merkle.leaf_hash(leaves[number]), number, len(leaves), bad)
        with pytest.raises(fundtrail_verify.NotProven):
            fundtrail_verify.climb(leaves[number], number, len(leaves), bad, "entry")


@given(LEAVES.filter(lambda leaves: len(set(leaves)) > 1), st.data())
def test_a_path_proves_its_own_leaf_only(leaves: list[bytes], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.sampled_from([leaf for leaf in leaves if leaf != leaves[number]]))
    good = merkle.inclusion_path(merkle.leaf_hashes(leaves), number)
    assert merkle.root_from_path(merkle.leaf_hash(other), number, len(leaves), good) != mth(leaves)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 700), st.integers(1, 300), st.data())
def test_tiles_give_the_roots_and_paths_of_the_reference(size: int, step: int, data: st.DataObject) -> None:
    leaves = [f"leaf {number}".encode() for number in range(size)]
    stored = Tiles(leaves, step)
    assert stored.root() == mth(leaves)
    if size:
        number = data.draw(st.integers(0, size - 1))
        old = data.draw(st.integers(1, size))
        perfect = tiles.perfect_from(stored.read)
        assert merkle.inclusion(number, size, perfect) == path(number, leaves)
        assert merkle.consistency(old, size, perfect) == subproof(old, leaves, known=True)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 513, 600])
def test_the_bounds_of_tiles_are_those_of_the_reference_too(size: int) -> None:
    leaves = [str(number).encode() for number in range(size)]
    stored = Tiles(leaves)
    perfect = tiles.perfect_from(stored.read)
    assert stored.root() == mth(leaves)
    for number in {0, size // 2, size - 1}:
        assert merkle.inclusion(number, size, perfect) == path(number, leaves)
    for old in {1, size // 2 or 1, size}:
        assert merkle.consistency(old, size, perfect) == subproof(old, leaves, known=True)
    assert (0, size // TILE_WIDTH) not in stored.stored


ITEM = st.dictionaries(
    st.sampled_from(["payment_id", "amount_vnd", "note"]), st.integers(0, 99) | st.text(max_size=5)
)


@given(st.lists(ITEM, min_size=1, max_size=40), st.data())
def test_items_are_proven_by_the_same_trees(items: list[object], data: st.DataObject) -> None:
    encoded = [canonical.encode_plain(item) for item in items]
    assert proofs.items_root(items) == mth(encoded)
    number = data.draw(st.integers(0, len(items) - 1))
    evidence = proofs.item_evidence(items, number)
    assert list(evidence.path) == path(number, encoded)
    assert (evidence.item, evidence.count) == (encoded[number], len(items))


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3), (3, 2), (1, 0)])
def test_there_is_no_way_from_a_larger_tree_to_a_smaller(old: int, new: int) -> None:
    leaves = [b"x"] * new
    with pytest.raises(merkle.ProofInvalid):
        merkle.consistency_path(merkle.leaf_hashes(leaves), old)
    assert not merkle.verify_consistency(old, new, bytes(32), bytes(32), [])


def test_the_reference_is_the_reference() -> None:
    """The example trees of RFC 9162's test vectors: the empty tree, and one leaf that is empty."""
    assert mth([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert mth([b""]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    two = mth([b"", b"\0"])
    assert two.hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
