"""Checkpoints that others have signed as well: witnesses add to a note and can neither help nor harm it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.log import notes, proofs
from services.audit.log.notes import SIGNATURES_MAX, Checkpoint, NoteInvalid, Signer
from services.audit.log.proofs import Evidence, Proof
from services.audit.verifier import fundtrail_verify
from services.audit.verifier.fundtrail_verify import NotProven
from shared.kernel import canonical, merkle

LOG = Signer("fundtrail.local/audit", bytes(range(32)))
OLD_KEY = Signer(LOG.name, bytes(32))
WITNESSES = [Signer(f"witness-{number}.example", bytes([number]) * 32) for number in range(1, 21)]
ENTRY = canonical.encode({"data_sha256": canonical.digest(b"{}"), "items_root": None, "position": 1})
CHECKPOINT = Checkpoint(LOG.name, 1, merkle.leaf_hash(ENTRY))
TEXT = CHECKPOINT.text()


def note(*lines: str, text: str = TEXT) -> str:
    return text + "\n" + "".join(lines)


def line_of(signer: Signer, text: str = TEXT) -> str:
    return signer.signature_line(text)


def broken(signer: Signer) -> str:
    """A line under the key's own name and id with a signature of something else."""
    return signer.signature_line(TEXT + "more\n")


def opened_by_both(signed: str) -> bool:
    """Whether the service and the standalone verifier take the note; they always agree."""
    proof = Proof(0, (), signed, Evidence(ENTRY, data=b"{}"))
    try:
        found = proofs.verify(proof, LOG.verifier)
    except (NoteInvalid, merkle.ProofInvalid):
        with pytest.raises((NotProven, fundtrail_verify.Unreadable)):
            fundtrail_verify.verify(proof.text(), str(LOG.verifier))
        return False
    assert found == CHECKPOINT
    assert fundtrail_verify.verify(proof.text(), str(LOG.verifier))
    return True


@pytest.mark.parametrize("count", [0, 1, 2, 15, 20])
def test_any_number_of_witnesses_before_or_behind_is_no_matter(count: int) -> None:
    witnessed = [line_of(one) for one in WITNESSES[:count]]
    assert opened_by_both(note(line_of(LOG), *witnessed))
    assert opened_by_both(note(*witnessed, line_of(LOG)))
    assert opened_by_both(note(*witnessed[::2], line_of(LOG), *witnessed[1::2]))


@given(st.permutations([LOG, OLD_KEY, *WITNESSES[:5]]))
def test_signatures_stand_in_any_order(signers: list[Signer]) -> None:
    assert opened_by_both(note(*map(line_of, signers)))


@pytest.mark.parametrize("count", [1, 5, 20])
def test_witnesses_alone_vouch_for_nothing(count: int) -> None:
    assert not opened_by_both(note(*(line_of(one) for one in WITNESSES[:count])))


def test_a_witness_that_signed_something_else_harms_nothing() -> None:
    assert opened_by_both(note(line_of(LOG), *(broken(one) for one in WITNESSES[:3])))


def test_our_own_signature_over_something_else_spoils_the_note() -> None:
    assert not opened_by_both(note(broken(LOG)))
    assert not opened_by_both(note(broken(LOG), line_of(LOG)))
    assert not opened_by_both(note(line_of(LOG), broken(LOG)))


def test_a_former_key_of_the_same_name_is_a_stranger() -> None:
    assert opened_by_both(note(line_of(OLD_KEY), line_of(LOG)))
    assert opened_by_both(note(broken(OLD_KEY), line_of(LOG)))
    assert not opened_by_both(note(line_of(OLD_KEY)))


def test_the_same_signature_twice_is_the_same_signature() -> None:
    assert opened_by_both(note(line_of(LOG), line_of(LOG)))


def test_a_witness_under_our_name_with_another_id_is_no_one_we_know() -> None:
    raw = base64.b64encode(b"\x01\x02\x03\x04" + bytes(64)).decode()
    assert opened_by_both(note(f"— {LOG.name} {raw}\n", line_of(LOG)))
    assert not opened_by_both(note(f"— {LOG.name} {raw}\n"))


def test_a_cosignature_of_another_kind_is_passed_over() -> None:
    """C2SP cosignatures (type 0x04) carry a timestamp before the signature: longer, and not ours to read."""
    raw = base64.b64encode(WITNESSES[0].verifier.key_id + bytes(8) + bytes(64)).decode()
    assert opened_by_both(note(line_of(LOG), f"— {WITNESSES[0].name} {raw}\n"))


def test_a_flood_of_signatures_is_refused_by_the_service() -> None:
    flood = [line_of(WITNESSES[0])] * SIGNATURES_MAX
    with pytest.raises(NoteInvalid, match="exceeds the limit"):
        notes.open_checkpoint(note(line_of(LOG), *flood), LOG.verifier)
    assert notes.open_checkpoint(note(line_of(LOG), *flood[1:]), LOG.verifier) == CHECKPOINT


@pytest.mark.parametrize(
    "size", ["9" * 19, "9" * 5000, "1" + "0" * 19, "-1", "+1", "01", "1.0", "1e3", "", " 1", "1 ", "٣", "0x1"]
)
def test_a_size_that_no_tree_has_is_refused_and_never_crashes(size: str) -> None:
    with pytest.raises(NoteInvalid, match=r"tree size|at least three lines") as refused:
        Checkpoint.parse(f"{LOG.name}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n")
    assert len(refused.value.message) < 200


@pytest.mark.parametrize("size", [0, 1, 2**31, 2**63 - 1])
def test_every_size_a_tree_can_have_comes_back(size: int) -> None:
    told = Checkpoint(LOG.name, size, bytes(32))
    assert Checkpoint.parse(told.text()) == told


@pytest.mark.parametrize("extension", ["note", "key value", "— no signature", "x" * 1000])
def test_lines_behind_the_root_are_covered_by_the_signature(extension: str) -> None:
    text = TEXT + extension + "\n"
    assert opened_by_both(note(line_of(LOG, text), text=text))
    assert not opened_by_both(note(line_of(LOG), text=text))
