"""The tree against RFC 6962 as it is written: recursive, twenty lines, and slow."""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha256

import pytest

from shared.kernel import merkle
from shared.kernel.merkle import ProofInvalid

SEED = 6962
FEW, MANY = 200, 20_000
SIZE_MAX, SIZE_MAX_FULL = 300, 700

Attempt = Callable[[random.Random, int], None]


def tree(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    half = largest_power_below(len(leaves))
    return sha256(b"\x01" + tree(leaves[:half]) + tree(leaves[half:])).digest()


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    half = largest_power_below(len(leaves))
    if index < half:
        return [*path(index, leaves[:half]), tree(leaves[half:])]
    return [*path(index - half, leaves[half:]), tree(leaves[:half])]


def subproof(old: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [tree(leaves)]
    half = largest_power_below(len(leaves))
    if old <= half:
        return [*subproof(old, leaves[:half], whole=whole), tree(leaves[half:])]
    return [*subproof(old - half, leaves[half:], whole=False), tree(leaves[:half])]


def largest_power_below(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def mutants(hashes: list[bytes], chance: random.Random) -> list[list[bytes]]:
    """Paths that are not the one given: shorter, longer, one hash changed, two exchanged."""
    place = chance.randrange(len(hashes))
    bit = bytes([hashes[place][0] ^ 1 << chance.randrange(8)]) + hashes[place][1:]
    found = [hashes[:-1], [*hashes, hashes[0]], [*hashes[:place], bit, *hashes[place + 1 :]]]
    if len(hashes) > 1 and hashes[0] != hashes[-1]:
        found.append([hashes[-1], *hashes[1:-1], hashes[0]])
    return found


def leads(leaf: bytes, index: int, size: int, hashes: list[bytes], root: bytes) -> bool:
    try:
        return merkle.root_from_path(leaf, index, size, hashes) == root
    except ProofInvalid:
        return False


def try_inclusion(chance: random.Random, size_max: int) -> None:
    size = chance.randint(1, size_max)
    index = chance.randrange(size)
    entries = [b"%d" % number for number in range(size)]
    hashes = merkle.leaf_hashes(entries)
    found, root = merkle.inclusion_path(hashes, index), merkle.root(hashes)
    assert (found, root) == (path(index, entries), tree(entries))
    assert leads(hashes[index], index, size, found, root)
    for other in mutants(found, chance) if found else ():
        assert not leads(hashes[index], index, size, other, root)
    for place in {index ^ 1, (index + 1) % size, size - 1 - index} - {index}:
        assert place >= size or not leads(hashes[index], place, size, found, root)
    assert not leads(merkle.leaf_hash(b"another"), index, size, found, root)


def try_consistency(chance: random.Random, size_max: int) -> None:
    new = chance.randint(1, size_max)
    old = chance.randint(1, new)
    entries = [b"%d" % number for number in range(new)]
    hashes = merkle.leaf_hashes(entries)
    found = merkle.consistency_path(hashes, old)
    roots = tree(entries[:old]), tree(entries)
    assert found == subproof(old, entries)
    assert merkle.verify_consistency(old, new, *roots, found)
    for other in mutants(found, chance) if found else ():
        assert not merkle.verify_consistency(old, new, *roots, other)
    assert not merkle.verify_consistency(old, new, tree([b"another"]), roots[1], found)
    assert not merkle.verify_consistency(old, new, roots[0], tree([b"another"]), found)


@pytest.mark.parametrize("attempt", [try_inclusion, try_consistency])
def test_proofs_are_those_of_the_rfc_and_their_mutants_are_refused(
    attempt: Attempt,
) -> None:
    chance = random.Random(SEED)
    for _ in range(FEW):
        attempt(chance, SIZE_MAX)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("attempt", [try_inclusion, try_consistency])
def test_twenty_thousand_proofs_are_those_of_the_rfc(attempt: Attempt) -> None:
    chance = random.Random(SEED + 1)
    for _ in range(MANY // 2):
        attempt(chance, SIZE_MAX_FULL)
