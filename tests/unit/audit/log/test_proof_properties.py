"""Whatever the size of the log, the place in it and the bulk row: what is true is proven, nothing else is."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.log import notes, proofs, tiles
from services.audit.log.notes import Checkpoint, Signer
from services.audit.log.proofs import Evidence, Proof, ProofMalformed
from services.audit.verifier import fundtrail_verify
from shared.journal.recording import ITEMS_MAX
from shared.kernel import canonical, merkle
from shared.kernel.merkle import ProofInvalid

SIGNER = Signer("fundtrail.local/audit", bytes(range(32)))
KEY = SIGNER.verifier
SIZES = st.integers(1, 700)
FEW = settings(max_examples=40, deadline=None)


def entry(number: int, items_root: str | None = None, data: bytes = b"{}") -> bytes:
    return canonical.encode(
        {"data_sha256": canonical.digest(data), "items_root": items_root, "position": number + 1}
    )


def logged(entries: list[bytes]) -> tuple[Checkpoint, dict[tuple[int, int], bytes]]:
    growth = tiles.grow(tiles.Edge(), entries)
    stored = {(tile.level, tile.index): tile.data for tile in growth.tiles}
    return Checkpoint(KEY.name, len(entries), growth.edge.root()), stored


def proof_from_tiles(entries: list[bytes], index: int, evidence: Evidence) -> Proof:
    checkpoint, stored = logged(entries)
    perfect = tiles.perfect_from(lambda level, number: stored.get((level, number), b""))
    path = merkle.inclusion(index, len(entries), perfect)
    return Proof(index, tuple(path), notes.sign_checkpoint(checkpoint, SIGNER), evidence)


@given(SIZES, st.data())
@FEW
def test_every_entry_of_every_log_is_proven_to_us_and_to_the_standalone_verifier(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    entries = [entry(number) for number in range(size)]
    proof = proof_from_tiles(entries, index, Evidence(entries[index], data=b"{}"))
    assert proofs.verify(Proof.parse(proof.text()), KEY).size == size
    report = fundtrail_verify.verify(proof.text(), str(KEY))
    assert f"entry       number {index}" in report


@given(st.integers(1, ITEMS_MAX), st.data())
@FEW
def test_every_item_of_every_bulk_row_is_proven(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    items: list[object] = [{"payment_id": f"P{number}"} for number in range(count)]
    row = entry(0, proofs.items_root(items).hex())
    proof = proof_from_tiles([row], 0, Evidence(row, item=proofs.item_evidence(items, index)))
    proofs.verify(Proof.parse(proof.text()), KEY)
    assert f'"P{index}"' in fundtrail_verify.verify(proof.text(), str(KEY))[-1]


@given(st.integers(2, 300), st.data())
@FEW
def test_no_entry_is_proven_at_the_place_of_another(size: int, data: st.DataObject) -> None:
    index, other = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    entries = [entry(number) for number in range(size)]
    proof = proof_from_tiles(entries, index, Evidence(entries[other]))
    if index == other:
        proofs.verify(proof, KEY)
    else:
        with pytest.raises(ProofInvalid):
            proofs.verify(proof, KEY)


@given(st.integers(2, 300), st.data())
@FEW
def test_one_changed_bit_in_any_hash_of_the_path_is_noticed(size: int, data: st.DataObject) -> None:
    entries = [entry(number) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    proof = proof_from_tiles(entries, index, Evidence(entries[index]))
    place = data.draw(st.integers(0, len(proof.path) - 1))
    bit = data.draw(st.integers(0, 255))
    turned = (int.from_bytes(proof.path[place]) ^ 1 << bit).to_bytes(32)
    path = (*proof.path[:place], turned, *proof.path[place + 1 :])
    with pytest.raises(ProofInvalid):
        proofs.verify(Proof(index, path, proof.checkpoint, proof.evidence), KEY)


@given(st.integers(0, 600), st.integers(0, 600))
@FEW
def test_tiles_show_that_the_log_only_grew(one: int, two: int) -> None:
    old, new = sorted((one, two))
    entries = [entry(number) for number in range(new)]
    _, stored = logged(entries)
    perfect = tiles.perfect_from(lambda level, number: stored.get((level, number), b""))
    path = merkle.consistency(old, new, perfect)
    hashes = merkle.leaf_hashes(entries)
    before, after = merkle.root(hashes[:old]), merkle.root(hashes)
    assert path == merkle.consistency_path(hashes, old)
    assert merkle.verify_consistency(old, new, before, after, path)
    assert not merkle.verify_consistency(old, new, bytes(32), after, path)


@given(st.integers(0, 10**15), st.integers(1, 256))
@FEW
def test_a_tile_is_found_again_from_its_path(index: int, width: int) -> None:
    path = tiles.path_of("0", index, width)
    assert tiles.parse_place(path.removeprefix("tile/0/")) == (index, width)


@pytest.mark.parametrize(
    "place",
    ["", "1", "0001", "x001", "x000/001", "001.p/0", "001.p/256", "001.p/257", "001.p/", "../001", "x1/001"],
)
def test_a_path_that_no_tile_has_is_none(place: str) -> None:
    assert tiles.parse_place(place) is None


@given(st.binary(max_size=200), st.one_of(st.none(), st.binary(max_size=200)))
@FEW
def test_evidence_comes_back_from_its_canonical_form(shown: bytes, data: bytes | None) -> None:
    evidence = Evidence(shown, data)
    assert Evidence.decode(evidence.encode()) == evidence


def with_index(index: str) -> str:
    extra = base64.b64encode(Evidence(b"{}").encode()).decode()
    return f"c2sp.org/tlog-proof@v1\nextra {extra}\nindex {index}\n\nx\n"


@pytest.mark.parametrize("index", ["-1", "+1", "1_000", "0x1", "٣", "01", "", " 1", "1" * 20, "9" * 5_000])
def test_a_number_that_is_no_index_is_refused_in_one_short_sentence(index: str) -> None:
    with pytest.raises(ProofMalformed) as caught:
        Proof.parse(with_index(index))
    assert len(caught.value.message) < 120


def test_the_largest_index_is_read() -> None:
    assert Proof.parse(with_index(str(2**63 - 1))).index == 2**63 - 1


@pytest.mark.parametrize(
    "extra",
    [
        b"[" * 100_000,
        b'{"entry":' * 50_000,
        b'"entry"',
        b"null",
        b'{"entry":null}',
        b'{"entry":"YQ==","item":"YQ==","item_path":{},"item_index":0,"item_count":1}',
        b'{"entry":"YQ==","item":"YQ==","item_path":[],"item_index":true,"item_count":1}',
        b'{"entry":"YQ==","item":"YQ==","item_path":[],"item_index":0,"item_count":501}',
        b'{"entry":"YQ==","item":"YQ==","item_path":[5],"item_index":0,"item_count":2}',
        b"\xff\xfe",
    ],
)
def test_an_extra_line_of_any_shape_is_refused_and_never_crashes(extra: bytes) -> None:
    with pytest.raises(ProofMalformed):
        Evidence.decode(extra)


@pytest.mark.parametrize(("index", "count"), [(-1, 3), (3, 3), (0, 0), (0, -1)])
def test_an_item_outside_its_row_proves_nothing(index: int, count: int) -> None:
    items: list[object] = [1, 2, 3]
    row = entry(0, proofs.items_root(items).hex())
    item = proofs.ItemEvidence(b"1", index, count, proofs.item_evidence(items, 0).path)
    with pytest.raises(ProofInvalid):
        proofs.verify(proof_from_tiles([row], 0, Evidence(row, item=item)), KEY)


def test_a_proof_holds_under_the_key_of_its_log_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = entry(0)
    file = tmp_path / "one.proof"
    file.write_text(proof_from_tiles([row], 0, Evidence(row)).text())
    assert fundtrail_verify.main([str(file), "--key", str(KEY)]) == 0
    assert fundtrail_verify.main([str(file), "--key", str(Signer(KEY.name, bytes(32)).verifier)]) == 1
    assert "NOT PROVEN - step 'checkpoint'" in capsys.readouterr().out
