"""Every leaf of a log proves itself to the offline verifier; every pair of its checkpoints is consistent."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.audit.log import queries
from services.audit.verifier import fundtrail_verify
from shared.journal import positions
from shared.journal.envelope import Envelope
from shared.journal.positions import Cursor
from tests.bench.rows import fill_journal

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit

SEED = 20240805
PAGE_ROWS = 2_000


def journal_of(audit: Audit, count: int) -> list[Envelope]:
    """So many rows of this service's own journal, as its relay reads them."""
    fill_journal(audit.unit_of_work, count)
    found: list[Envelope] = []
    cursor = Cursor(0, 0)
    with audit.reading() as connection:
        while page := positions.page(connection, "audit", cursor, 2**62, PAGE_ROWS):
            found += [item for _, item in page]
            cursor = Cursor(page[-1][1].position, page[-1][0])
    return found


def prove_leaves(audit: Audit, folder: Path, leaves: int, shown: int, by_command: int) -> None:
    """That so many leaves, chosen at random, verify; some of them by the command in a process of its own."""
    rows = journal_of(audit, leaves)
    for start in range(0, leaves, PAGE_ROWS):
        audit.take(*rows[start : start + PAGE_ROWS])
    audit.sign()
    chance = random.Random(SEED)
    chosen = chance.sample(range(leaves), shown)
    key = str(audit.signer.verifier)
    with audit.reading() as connection:
        for number, index in enumerate(chosen):
            proof = queries.proof(connection, index).text()
            report = fundtrail_verify.verify(proof, key)
            assert report[1] == f"entry       number {index}"
            assert f"position    {rows[index].position}" in report
            assert report[-1] == f"data        {rows[index].data.decode()}"
            if number < by_command:
                assert verified_by_the_command(folder, proof, key) == "\n".join(["PROVEN", *report, ""])


def verified_by_the_command(folder: Path, proof: str, key: str) -> str:
    file = folder / "leaf.proof"
    file.write_text(proof)
    command = [sys.executable, fundtrail_verify.__file__, str(file), "--key", key]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout


def compare_checkpoints(audit: Audit, count: int) -> int:
    """How many pairs of signed checkpoints were found consistent: all that there are, or it fails."""
    chance = random.Random(SEED)
    steps = [chance.choice((1, 2, 7, 63, 64, 65, chance.randrange(1, 300))) for _ in range(count)]
    rows = journal_of(audit, sum(steps))
    keys = dict([fundtrail_verify.parse_key(str(audit.signer.verifier))])
    signed: list[tuple[int, bytes]] = []
    at = 0
    for step in steps:
        audit.take(*rows[at : at + step])
        at += step
        note = audit.sign()
        assert note is not None
        _, size, root, _ = fundtrail_verify.check_signature(note, keys)
        signed.append((size, root))
    assert [size for size, _ in signed] == [sum(steps[: number + 1]) for number in range(count)]
    pairs = 0
    with audit.reading() as connection:
        for older in range(count):
            for newer in range(older + 1, count):
                _, hashes = queries.consistency(connection, signed[older][0], signed[newer][0])
                assert continues(signed[older], signed[newer], hashes), (older, newer)
                pairs += 1
        _, hashes = queries.consistency(connection, signed[0][0], signed[-1][0])
    assert not continues((signed[0][0], bytes(32)), signed[-1], hashes)
    assert not continues(signed[0], (signed[-1][0], bytes(32)), hashes)
    return pairs


def continues(older: tuple[int, bytes], newer: tuple[int, bytes], hashes: Sequence[bytes]) -> bool:
    """Whether the hashes show one tree to be the beginning of the other, in the steps of RFC 9162 2.1.4.2."""
    first, second = older[0], newer[0]
    path = [older[1], *hashes] if first & (first - 1) == 0 else list(hashes)
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    former = latter = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            former, latter = node(sibling, former), node(sibling, latter)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            latter = node(latter, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and former == older[1] and latter == newer[1]


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def test_a_hundred_leaves_of_one_log_are_proven_to_the_offline_verifier(audit: Audit, tmp_path: Path) -> None:
    prove_leaves(audit, tmp_path, leaves=1_500, shown=100, by_command=2)


def test_twenty_checkpoints_of_one_log_are_consistent_with_each_other(audit: Audit) -> None:
    assert compare_checkpoints(audit, 20) == 190


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_ten_thousand_leaves_of_one_log_are_proven_to_the_offline_verifier(
    audit: Audit, tmp_path: Path
) -> None:
    prove_leaves(audit, tmp_path, leaves=100_000, shown=10_000, by_command=20)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_five_hundred_checkpoints_of_one_log_are_consistent_with_each_other(audit: Audit) -> None:
    assert compare_checkpoints(audit, 500) == 124_750
