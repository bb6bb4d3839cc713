"""The checks that the portal makes of proofs, checkpoints and stretches, against those of the log itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest

from services.audit.log import notes, tiles
from services.audit.log.proofs import Evidence, Proof, item_evidence
from services.portal.evidence import checks, model, stretch
from services.portal.evidence.checks import Broken, Checkpoint
from services.portal.evidence.kinds import TYPES
from shared.kernel import canonical, merkle

SIGNER = notes.Signer("log.test/audit", b"\x07" * 32)
ITEMS: list[object] = [{"payment_id": str(number), "amount_vnd": 1000 + number} for number in range(5)]
DATA = canonical.encode_plain({"items": ITEMS})
SIZE = 700


def entry(number: int) -> bytes:
    envelope = {
        "type": "vn.fundtrail.payments.instructed.v1",
        "position": number,
        "data_sha256": canonical.digest(DATA),
        "items_root": merkle.root([merkle.leaf_hash(canonical.encode_plain(one)) for one in ITEMS]).hex(),
    }
    return canonical.encode_plain(envelope)


ENTRIES = [entry(number) for number in range(SIZE)]
HASHES = merkle.leaf_hashes(ENTRIES)
SIGNED = notes.Checkpoint("log.test/audit", SIZE, merkle.root(HASHES))
NOTE = notes.sign_checkpoint(SIGNED, SIGNER)
KEY = str(SIGNER.verifier)


def proof(evidence: Evidence, index: int = 300) -> str:
    return Proof(index, tuple(merkle.inclusion_path(HASHES, index)), NOTE, evidence).text()


def test_a_proof_of_an_entry_holds_in_five_checks() -> None:
    done = checks.run(proof(Evidence(ENTRIES[300], DATA)), KEY)

    assert [one.name for one in done] == ["key", "signature", "leaf", "path", "data"]
    assert checks.hold(done)


def test_a_proof_of_one_row_shows_that_row() -> None:
    done = checks.run(proof(Evidence(ENTRIES[300], item=item_evidence(ITEMS, 2))), KEY)

    assert checks.hold(done)
    assert done[-1].name == "item"
    assert '"amount_vnd":1002' in dict(done[-1].facts)["content"]


@pytest.mark.parametrize(
    ("evidence", "index", "fails", "why"),
    [
        (Evidence(entry(9), DATA), 300, "path", "root_differs"),
        (Evidence(ENTRIES[300], DATA + b" "), 300, "data", "data_differs"),
    ],
)
def test_what_was_altered_is_named(evidence: Evidence, index: int, fails: str, why: str) -> None:
    done = checks.run(proof(evidence, index), KEY)

    assert (done[-1].name, done[-1].holds, done[-1].why) == (fails, False, why)
    assert not checks.hold(done)


def test_another_row_than_the_one_of_the_entry_is_named() -> None:
    other = item_evidence([*ITEMS[:4], {"payment_id": "4", "amount_vnd": 9}], 4)
    done = checks.run(proof(Evidence(ENTRIES[300], item=other)), KEY)

    assert (done[-1].name, done[-1].why) == ("item", "item_differs")


@pytest.mark.parametrize(
    ("text", "key", "name", "why"),
    [
        ("nothing", KEY, "signature", "proof_unreadable"),
        (None, "log.test/audit+00000000+" + KEY.split("+")[2], "key", "key_invalid"),
        (None, "", "key", "key_invalid"),
        (None, "log+00+?", "key", "key_invalid"),
        (None, str(notes.Signer("log.test/audit", b"\x08" * 32).verifier), "signature", "signature_absent"),
        (None, str(notes.Signer("other", b"\x07" * 32).verifier), "signature", "origin_foreign"),
        (None, f"{KEY} 699", "signature", "key_ended"),
    ],
)
def test_a_proof_or_key_that_is_none_is_named(text: str | None, key: str, name: str, why: str) -> None:
    done = checks.run(text or proof(Evidence(ENTRIES[300], DATA)), key)

    assert (done[-1].name, done[-1].why) == (name, why)


def test_a_path_that_is_too_short_is_named() -> None:
    lines = proof(Evidence(ENTRIES[300], DATA)).split("\n")
    done = checks.run("\n".join([*lines[:3], *lines[4:]]), KEY)

    assert (done[-1].name, done[-1].why) == ("path", "path_wrong")


def test_a_checkpoint_whose_size_was_altered_is_not_signed() -> None:
    with pytest.raises(Broken, match="signature_wrong"):
        checks.open_checkpoint(NOTE.replace("\n700\n", "\n701\n"), checks.parse_key(KEY))


@pytest.mark.parametrize("note", ["", "log\n1", "log\nx\n" + base64.b64encode(b"0" * 32).decode() + "\n\n"])
def test_what_is_no_checkpoint_is_told(note: str) -> None:
    with pytest.raises(Broken):
        checks.open_checkpoint(note, checks.parse_key(KEY))


def stored(entries: list[bytes]) -> Mapping[str, bytes]:
    growth = tiles.grow(tiles.Edge(), entries)
    found = {f"{one.level}/{stretch.place(one.index, one.width)}": one.data for one in growth.tiles}
    found.update({f"entries/{stretch.place(one.index, one.width)}": one.data for one in growth.bundles})
    return found


CHECKPOINT = Checkpoint("log.test/audit", SIZE, SIGNED.root)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_bundle_leads_to_the_signed_root(number: int) -> None:
    row = stretch.check_bundle(number, CHECKPOINT, stored(ENTRIES).__getitem__)

    assert row.holds
    assert row.root == SIGNED.root
    assert (row.first, row.last) == (number * 256, min(number * 256 + 255, SIZE - 1))


@pytest.mark.parametrize("altered", [256, 300, 511])
def test_a_bundle_in_which_any_entry_was_altered_does_not(altered: int) -> None:
    there = dict(stored(ENTRIES))
    there["entries/001"] = stored([*ENTRIES[:altered], entry(9), *ENTRIES[altered + 1 :]])["entries/001"]

    assert not stretch.check_bundle(1, CHECKPOINT, there.__getitem__).holds


def test_a_bundle_that_lacks_entries_does_not() -> None:
    there = dict(stored(ENTRIES))
    there["entries/001"] = there["entries/002.p/188"]

    assert not stretch.check_bundle(1, CHECKPOINT, there.__getitem__).holds


def test_a_bundle_that_was_cut_short_cannot_be_read() -> None:
    with pytest.raises(Broken, match="bundle_unreadable"):
        stretch.entries_of(b"\x00\x09short")


@pytest.mark.parametrize(
    ("first", "last", "expected"), [(0, 0, (0, 1)), (255, 256, (0, 2)), (0, 10_000, (0, 3)), (5, 4, (0, 0))]
)
def test_a_stretch_is_made_of_bundles(first: int, last: int, expected: tuple[int, int]) -> None:
    assert stretch.bundles_of(first, last, SIZE) == range(*expected)


def test_a_place_is_written_as_the_tiles_have_it() -> None:
    assert stretch.place(1_234_067, 112) == "x001/x234/067.p/112"
    assert tiles.parse_place(stretch.place(1_234_067, 112)) == (1_234_067, 112)
    assert stretch.place(7, 256) == "007"


def test_every_kind_of_fact_can_be_searched_by() -> None:
    schemas = (Path(__file__).parents[3] / "docs/events/schemas").iterdir()

    assert sorted(TYPES) == sorted(model.short(path.stem) for path in schemas)
    assert model.full("payments.settled") == "vn.fundtrail.payments.settled.v1"
    assert model.full("vn.other") == "vn.other"


def test_a_log_that_grew_begins_with_the_old_one_and_a_rewritten_one_does_not() -> None:
    old = Checkpoint("log", 300, merkle.root(HASHES[:300]))
    other = Checkpoint("log", 300, merkle.root([*HASHES[:299], HASHES[0]]))
    path = merkle.consistency_path(HASHES, 300)

    assert checks.grown(old, CHECKPOINT, path).holds
    assert checks.grown(other, CHECKPOINT, path).why == "log_rewritten"
