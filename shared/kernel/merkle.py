"""Merkle trees as RFC 6962 defines them: the one way in which journal and audit log hash sets of rows.

A tree is seen through its perfect subtrees, so the same code builds roots and proofs from a list in memory
(the items of one bulk row) and from stored tiles (the audit log).

Source: RFC 6962 section 2.1 (hashing, proofs); RFC 9162 sections 2.1.3.2 and 2.1.4.2 (verifying them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from shared.kernel.errors import Rejected

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Perfect = Callable[[int, int], bytes]
"""(height, number) -> root of the perfect subtree of 2^height leaves from leaf number * 2^height on."""


class ProofInvalid(Rejected):
    """A proof whose shape cannot belong to the tree it claims."""

    def __init__(self, message: str) -> None:
        super().__init__("proof_invalid", message)


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry; its prefix keeps an entry from posing as a node."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """The hashes of many entries, in their order."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def level_above(hashes: Sequence[bytes]) -> list[bytes]:
    """The hashes one level up.

    Shape: an even number of hashes; a last one without a partner is left out.
    """
    return [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(hashes[::2], hashes[1::2], strict=False)
    ]


def root(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes; the empty tree has the hash of the empty string."""
    return subtree(0, len(hashes), _perfect_of(hashes))


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The sibling hashes, bottom up, that lead from one leaf to the root.

    Raises: ProofInvalid when there is no such leaf.
    """
    return inclusion(index, len(hashes), _perfect_of(hashes))


def consistency_path(hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes that show the first `old_size` leaves to be the beginning of the whole tree.

    Raises: ProofInvalid when the old tree is larger than the new one.
    """
    return consistency(old_size, len(hashes), _perfect_of(hashes))


def subtree(start: int, end: int, perfect: Perfect) -> bytes:
    """The root over leaves [start, end).

    Bounds: start is a multiple of the smallest power of two that is not below end - start.
    """
    if start == end:
        return EMPTY_ROOT
    hashes = [perfect(height, number) for height, number in perfect_parts(start, end)]
    return fold_right(hashes)


def perfect_parts(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees (height, number) of [start, end), largest first."""
    for height in range((end - start).bit_length() - 1, -1, -1):
        if (end - start) >> height & 1:
            yield height, start >> height
            start += 1 << height


def fold_right(hashes: Sequence[bytes]) -> bytes:
    """The root above perfect subtrees given largest first; the empty root when there are none."""
    if not hashes:
        return EMPTY_ROOT
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = node_hash(left, folded)
    return folded


def inclusion(index: int, size: int, perfect: Perfect) -> list[bytes]:
    """The inclusion path of a leaf in the tree of `size` leaves that `perfect` reads.

    Raises: ProofInvalid when index is not below size.
    Source: RFC 6962 section 2.1.1.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"There is no leaf {index} in a tree of {size}.")
    siblings, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return [subtree(first, last, perfect) for first, last in reversed(siblings)]


def consistency(old_size: int, new_size: int, perfect: Perfect) -> list[bytes]:
    """The consistency path from the tree of `old_size` leaves to that of `new_size` that `perfect` reads.

    Shape: empty when the sizes are equal or the old tree is empty, as there is nothing to show.
    Raises: ProofInvalid when the old tree is larger than the new one.
    Source: RFC 6962 section 2.1.2.
    """
    if not 0 <= old_size <= new_size:
        raise ProofInvalid(f"A tree of {old_size} is no beginning of a tree of {new_size}.")
    if old_size in {0, new_size}:
        return []
    ranges, start, end = [], 0, new_size
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # otherwise the verifier knows this hash: it is the old root
        ranges.append((start, end))
    return [subtree(first, last, perfect) for first, last in reversed(ranges)]


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a leaf hash and its inclusion path lead to; compare it with a root you trust.

    Raises: ProofInvalid when the path does not have the length that index and size demand.
    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"There is no leaf {index} in a tree of {size}.")
    inner = (index ^ (size - 1)).bit_length()  # below this height the leaf has siblings on both sides
    border = (index >> inner).bit_count()  # above it only complete subtrees to the left
    _expect_hashes(path, inner + border)
    folded = leaf
    for height, sibling in enumerate(path):
        on_the_left = height >= inner or index >> height & 1
        folded = node_hash(sibling, folded) if on_the_left else node_hash(folded, sibling)
    return folded


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the path shows the old tree to be the beginning of the new one.

    Source: RFC 9162 section 2.1.4.2; equal sizes and an empty old tree are settled without a path.
    """
    if not 0 <= old_size <= new_size or any(len(part) != HASH_BYTES for part in path):
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT
    return _leads_to_both(old_size, new_size, (old_root, new_root), path)


def _leads_to_both(old_size: int, new_size: int, roots: tuple[bytes, bytes], path: Sequence[bytes]) -> bool:
    if old_size & (old_size - 1) == 0:
        path = [roots[0], *path]  # the old tree is one perfect subtree, which the path leaves out
    if not path:
        return False
    trailing = (old_size ^ (old_size - 1)).bit_length() - 1
    old_index, new_index = (old_size - 1) >> trailing, (new_size - 1) >> trailing
    old_folded = new_folded = path[0]
    for sibling in path[1:]:
        if new_index == 0:
            return False
        if old_index & 1 or old_index == new_index:
            old_folded, new_folded = node_hash(sibling, old_folded), node_hash(sibling, new_folded)
            while old_index and not old_index & 1:
                old_index, new_index = old_index >> 1, new_index >> 1
        else:
            new_folded = node_hash(new_folded, sibling)
        old_index, new_index = old_index >> 1, new_index >> 1
    return (old_folded, new_folded) == roots and new_index == 0


def _perfect_of(hashes: Sequence[bytes]) -> Perfect:
    def perfect(height: int, number: int) -> bytes:
        level: Sequence[bytes] = hashes[number << height : (number + 1) << height]
        for _ in range(height):
            level = level_above(level)
        return level[0]

    return perfect


def _split(size: int) -> int:
    """The largest power of two below size: how many leaves RFC 6962 puts into the left subtree."""
    return 1 << (size - 1).bit_length() - 1


def _expect_hashes(path: Sequence[bytes], count: int) -> None:
    if len(path) != count:
        raise ProofInvalid(f"The path has {len(path)} hashes where this leaf and tree size demand {count}.")
    if any(len(part) != HASH_BYTES for part in path):
        raise ProofInvalid(f"Every hash of a path has {HASH_BYTES} bytes.")
