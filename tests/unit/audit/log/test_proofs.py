"""Proof files: what they look like, that they come back whole, and that nothing altered in them passes."""

from __future__ import annotations

import base64
import dataclasses

import pytest

from services.audit.log import notes, proofs
from services.audit.log.notes import Checkpoint, NoteInvalid, Signer
from services.audit.log.proofs import Evidence, Proof, ProofMalformed
from shared.kernel import canonical, merkle
from shared.kernel.merkle import ProofInvalid

SIGNER = Signer("fundtrail.local/audit", bytes(range(32)))
KEY = SIGNER.verifier
DATA = canonical.encode({"list_id": "L1"})
ITEMS: list[object] = [{"payment_id": f"P{number}", "amount_vnd": number * 1000} for number in range(7)]


def entry(number: int) -> bytes:
    envelope = {
        "position": number + 1,
        "type": "vn.fundtrail.payments.instructed.v1",
        "data_sha256": canonical.digest(DATA),
        "items_root": proofs.items_root(ITEMS).hex(),
    }
    return canonical.encode(envelope)


def proof_of(index: int, evidence: Evidence, size: int = 11) -> Proof:
    hashes = merkle.leaf_hashes([entry(number) for number in range(size)])
    note = notes.sign_checkpoint(Checkpoint(KEY.name, size, merkle.root(hashes)), SIGNER)
    return Proof(index, tuple(merkle.inclusion_path(hashes, index)), note, evidence)


def item_proof(item: int = 3) -> Proof:
    return proof_of(5, Evidence(entry(5), item=proofs.item_evidence(ITEMS, item)))


def test_a_proof_of_an_entry_with_its_data_is_accepted() -> None:
    checkpoint = proofs.verify(proof_of(10, Evidence(entry(10), data=DATA)), KEY)
    assert (checkpoint.origin, checkpoint.size) == (KEY.name, 11)


@pytest.mark.parametrize("number", range(len(ITEMS)))
def test_a_proof_of_one_item_shows_that_item_and_no_other(number: int) -> None:
    proof = item_proof(number)
    proofs.verify(proof, KEY)
    shown = proof.text() + proof.evidence.encode().decode()
    assert proof.evidence.item is not None
    assert canonical.decode(proof.evidence.item.item) == ITEMS[number]
    for other in range(len(ITEMS)):
        if other != number:
            assert base64.b64encode(canonical.encode(ITEMS[other])).decode() not in shown


def test_the_file_has_the_lines_of_the_specification() -> None:
    proof = item_proof()
    lines = proof.text().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert base64.b64decode(lines[1].removeprefix("extra ")) == proof.evidence.encode()
    assert lines[2] == "index 5"
    assert [base64.b64decode(line) for line in lines[3 : lines.index("")]] == list(proof.path)
    assert proof.text().endswith("\n\n" + proof.checkpoint)


def test_extra_is_canonical_json_with_the_entry_and_the_items_place() -> None:
    shown = canonical.decode(item_proof().evidence.encode())
    assert sorted(shown) == ["entry", "item", "item_count", "item_index", "item_path"]
    assert base64.b64decode(shown["entry"]) == entry(5)
    assert (shown["item_index"], shown["item_count"]) == (3, 7)
    assert canonical.encode(shown) == item_proof().evidence.encode()


@pytest.mark.parametrize(
    "proof", [item_proof(), proof_of(0, Evidence(entry(0), data=DATA)), proof_of(10, Evidence(entry(10)))]
)
def test_a_proof_comes_back_from_its_file(proof: Proof) -> None:
    assert Proof.parse(proof.text()) == proof


def test_the_only_entry_of_a_log_is_proven_without_any_hash() -> None:
    proof = proof_of(0, Evidence(entry(0)), size=1)
    assert proof.path == ()
    assert Proof.parse(proof.text()) == proof
    proofs.verify(proof, KEY)


def altered(**changes: object) -> Proof:
    return dataclasses.replace(item_proof(), **changes)  # type: ignore[arg-type]


def with_item(**changes: object) -> Proof:
    evidence = item_proof().evidence
    assert evidence.item is not None
    item = dataclasses.replace(evidence.item, **changes)  # type: ignore[arg-type]
    return altered(evidence=dataclasses.replace(evidence, item=item))


@pytest.mark.parametrize(
    "forged",
    [
        altered(index=4),
        altered(path=item_proof().path[:-1]),
        altered(path=(*item_proof().path, bytes(32))),
        altered(path=item_proof().path[::-1]),
        altered(evidence=dataclasses.replace(item_proof().evidence, entry=entry(6))),
        altered(evidence=Evidence(entry(5), data=DATA + b" ")),
        with_item(item=canonical.encode({"amount_vnd": 9, "payment_id": "P3"})),
        with_item(index=2),
        with_item(count=9),
        with_item(path=()),
    ],
)
def test_whatever_is_altered_in_a_proof_it_is_refused(forged: Proof) -> None:
    with pytest.raises(ProofInvalid):
        proofs.verify(forged, KEY)


def test_the_number_of_items_is_not_what_an_items_path_proves() -> None:
    # Item 3 of 7 and item 3 of 8 have the same path: the entry commits to the items, not to their count.
    proofs.verify(with_item(count=8), KEY)


def test_an_altered_checkpoint_is_refused() -> None:
    with pytest.raises(NoteInvalid):
        proofs.verify(altered(checkpoint=item_proof().checkpoint.replace("\n11\n", "\n12\n")), KEY)
    stranger = Signer(KEY.name, bytes(32)).verifier
    with pytest.raises(NoteInvalid):
        proofs.verify(item_proof(), stranger)


def test_an_item_of_an_entry_without_items_is_refused() -> None:
    plain = canonical.encode({"data_sha256": canonical.digest(DATA), "items_root": None})
    note = notes.sign_checkpoint(Checkpoint(KEY.name, 1, merkle.leaf_hash(plain)), SIGNER)
    with pytest.raises(ProofInvalid, match="items_root"):
        proofs.verify(Proof(0, (), note, Evidence(plain, item=proofs.item_evidence(ITEMS, 0))), KEY)


def test_there_is_no_evidence_of_an_item_that_does_not_exist() -> None:
    with pytest.raises(ProofInvalid):
        proofs.item_evidence(ITEMS, 7)


def file_with(extra: str, path: str = "") -> str:
    shown = base64.b64encode(extra.encode()).decode()
    return f"c2sp.org/tlog-proof@v1\nextra {shown}\nindex 0\n{path}\nx\n"


COUNT_IN_WORDS = '{"entry":"","item":"","item_path":[],"item_index":0,"item_count":"1"}'


@pytest.mark.parametrize(
    "file",
    [
        "",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v1\nindex 0\n\nx\n",
        item_proof().text().replace("@v1", "@v2"),
        item_proof().text().replace("index 5", "index 05"),
        item_proof().text().replace("index 5", "index five"),
        item_proof().text().replace("index 5", "index 5\n!!!"),
        item_proof().text().replace("\n\n", "\n"),
        item_proof().text().replace("extra ", "extra !"),
        file_with("{"),
        file_with("[]"),
        file_with("{}"),
        file_with('{"entry": "YQ==", "item": "YQ=="}'),
        file_with(COUNT_IN_WORDS),
        file_with('{"entry": "YQ=="}', path=f"{'A' * 43}=\n" * 65),
    ],
)
def test_a_text_that_is_no_proof_file_is_refused(file: str) -> None:
    with pytest.raises(ProofMalformed):
        Proof.parse(file)


def test_another_spelling_of_the_same_bytes_is_refused() -> None:
    text = proof_of(10, Evidence(entry(10), data=DATA)).text()
    line = text.split("\n")[3]
    stray = line[:-2] + chr(ord(line[-2]) + 1) + "="
    assert base64.b64decode(stray) == base64.b64decode(line)
    with pytest.raises(ProofMalformed, match="canonical"):
        Proof.parse(text.replace(line, stray))
