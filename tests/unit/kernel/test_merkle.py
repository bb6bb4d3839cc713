"""Hashing, roots and proofs against the published vectors and a reference written straight from RFC 6962."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel import merkle
from shared.kernel.merkle import ProofInvalid

INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZE_MAX = 300


def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


# The reference: RFC 6962 section 2.1, definition by definition, on leaf hashes.


def split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def mth(d: list[bytes]) -> bytes:
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return d[0]
    k = split(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: list[bytes]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = split(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: list[bytes], whole: bool) -> list[bytes]:  # noqa: FBT001 - as RFC 6962 writes it
    if m == len(d):
        return [] if whole else [mth(d)]
    k = split(len(d))
    if m <= k:
        return [*subproof(m, d[:k], whole), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]  # noqa: FBT003 - as above


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    assert merkle.root(merkle.leaf_hashes(INPUTS[:size])).hex() == ROOTS[size - 1]


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle.root([]) == merkle.EMPTY_ROOT == merkle.fold_right([]) == sha256(b"").digest()


@pytest.mark.parametrize("size", [*range(1, 70), 127, 128, 129, 255, 256, 257, 300])
def test_roots_and_paths_equal_the_reference_at_every_index(size: int) -> None:
    hashes = leaves(size)
    root = merkle.root(hashes)
    assert root == mth(hashes)
    for index in range(size):
        found = merkle.inclusion_path(hashes, index)
        assert found == path(index, hashes)
        assert merkle.root_from_path(hashes[index], index, size, found) == root


@pytest.mark.parametrize("new_size", [*range(1, 40), 64, 65, 127, 128, 200])
def test_consistency_paths_equal_the_reference_at_every_old_size(new_size: int) -> None:
    hashes = leaves(new_size)
    root = merkle.root(hashes)
    for old_size in range(1, new_size + 1):
        found = merkle.consistency_path(hashes, old_size)
        assert found == subproof(old_size, hashes, True)  # noqa: FBT003 - as RFC 6962 writes it
        assert merkle.verify_consistency(old_size, new_size, merkle.root(hashes[:old_size]), root, found)


def test_empty_tree_is_the_beginning_of_every_tree_without_a_path() -> None:
    hashes = leaves(5)
    root = merkle.root(hashes)
    assert merkle.consistency_path(hashes, 0) == []
    assert merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, root, [])
    assert merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    assert not merkle.verify_consistency(0, 5, root, root, [])
    assert not merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, root, [root])


def test_equal_sizes_are_consistent_only_when_the_roots_are_equal_and_no_path_is_given() -> None:
    hashes = leaves(6)
    root = merkle.root(hashes)
    assert merkle.verify_consistency(6, 6, root, root, [])
    assert not merkle.verify_consistency(6, 6, root, hashes[0], [])
    assert not merkle.verify_consistency(6, 6, root, root, [root])


def test_a_tree_is_never_the_beginning_of_a_smaller_one() -> None:
    hashes = leaves(6)
    assert not merkle.verify_consistency(6, 5, merkle.root(hashes), merkle.root(hashes[:5]), [])
    with pytest.raises(ProofInvalid):
        merkle.consistency_path(hashes, 7)


@pytest.mark.parametrize("index", [-1, 6, 7])
def test_there_is_no_path_of_a_leaf_that_does_not_exist(index: int) -> None:
    hashes = leaves(6)
    with pytest.raises(ProofInvalid, match=f"no leaf {index}"):
        merkle.inclusion_path(hashes, index)
    with pytest.raises(ProofInvalid, match=f"no leaf {index}"):
        merkle.root_from_path(hashes[0], index, 6, [])


def test_refuses_a_path_whose_hashes_have_the_wrong_length() -> None:
    hashes = leaves(2)
    with pytest.raises(ProofInvalid, match="32 bytes"):
        merkle.root_from_path(hashes[0], 0, 2, [hashes[1][:31]])
    assert not merkle.verify_consistency(1, 2, hashes[0], merkle.root(hashes), [hashes[1][:31]])


def test_an_entry_that_looks_like_a_node_is_not_accepted_as_one() -> None:
    left, right = leaves(2)
    disguised = b"\x01" + left + right
    assert merkle.leaf_hash(disguised) != merkle.node_hash(left, right)
    assert merkle.root([merkle.leaf_hash(disguised)]) != merkle.root([left, right])


@given(st.integers(1, SIZE_MAX).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_a_path_leads_to_the_root_from_no_other_index(place: tuple[int, int]) -> None:
    size, index = place
    hashes = leaves(size)
    found = merkle.inclusion_path(hashes, index)
    for other in {0, index - 1, index + 1, index ^ 1, size - 1} - {index}:
        assert accepted(hashes[index], other, size, found) != merkle.root(hashes)


@given(st.integers(2, SIZE_MAX), st.randoms(use_true_random=False))
def test_every_mutated_inclusion_proof_is_rejected(size: int, dice: random.Random) -> None:
    hashes = leaves(size)
    index = dice.randrange(size)
    found = merkle.inclusion_path(hashes, index)
    for mutated in mutations(found, dice):
        assert accepted(hashes[index], index, size, mutated) != merkle.root(hashes)
    assert accepted(flipped(hashes[index], dice), index, size, found) != merkle.root(hashes)


@given(st.integers(2, SIZE_MAX), st.randoms(use_true_random=False))
def test_every_mutated_consistency_proof_is_rejected(new_size: int, dice: random.Random) -> None:
    hashes = leaves(new_size)
    old_size = dice.randrange(1, new_size)
    old_root, new_root = merkle.root(hashes[:old_size]), merkle.root(hashes)
    found = merkle.consistency_path(hashes, old_size)
    for mutated in mutations(found, dice):
        assert not merkle.verify_consistency(old_size, new_size, old_root, new_root, mutated)
    assert not merkle.verify_consistency(old_size, new_size, flipped(old_root, dice), new_root, found)
    assert not merkle.verify_consistency(old_size, new_size, old_root, flipped(new_root, dice), found)


@given(st.integers(3, SIZE_MAX), st.randoms(use_true_random=False))
def test_a_rewritten_leaf_makes_the_old_root_inconsistent(size: int, dice: random.Random) -> None:
    honest = leaves(size)
    old_size = dice.randrange(2, size)
    rewritten = list(honest)
    rewritten[dice.randrange(old_size)] = merkle.leaf_hash(b"rewritten")
    path_of_the_forger = merkle.consistency_path(rewritten, old_size)
    old_root, new_root = merkle.root(honest[:old_size]), merkle.root(rewritten)
    assert not merkle.verify_consistency(old_size, size, old_root, new_root, path_of_the_forger)


@given(st.integers(1, 64), st.integers(1, 64))
def test_no_path_at_all_shows_nothing_of_different_sizes(old_size: int, more: int) -> None:
    hashes = leaves(old_size + more)
    old_root, new_root = merkle.root(hashes[:old_size]), merkle.root(hashes)
    assert not merkle.verify_consistency(old_size, old_size + more, old_root, new_root, [])


def mutations(found: list[bytes], dice: random.Random) -> list[list[bytes]]:
    altered = [[*found[:n], flipped(found[n], dice), *found[n + 1 :]] for n in range(len(found))]
    swapped = [[*found[:n], found[n + 1], found[n], *found[n + 2 :]] for n in range(len(found) - 1)]
    return [[*found, found[-1]], found[:-1], found[1:], *altered, *swapped]


def flipped(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]


def accepted(leaf: bytes, index: int, size: int, found: list[bytes]) -> bytes | None:
    try:
        return merkle.root_from_path(leaf, index, size, found)
    except ProofInvalid:
        return None
