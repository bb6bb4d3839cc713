"""Signed notes and checkpoints: the specification's examples, key files, and what a forger may try."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.log import notes
from services.audit.log.notes import Checkpoint, NoteInvalid, Signer, VerifierKey
from shared.kernel import merkle

# The worked examples of c2sp.org/signed-note and of the Go package golang.org/x/mod/sumdb/note.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
GO_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_NOTE = (
    GO_TEXT + "\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example checkpoint of c2sp.org/tlog-checkpoint, without its signature.
SPEC_CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

ORIGIN = "fundtrail.local/audit"
SEED = bytes(range(32))


def signer(name: str = ORIGIN, seed: bytes = SEED) -> Signer:
    return Signer(name, seed)


def test_opens_the_example_note_of_the_specification() -> None:
    key = VerifierKey.parse(SPEC_KEY)
    assert key.name == "example.com/foo"
    assert key.key_id.hex() == "530d903a"
    assert str(key) == SPEC_KEY
    assert notes.open_note(SPEC_NOTE, [key]) == "This is an example message.\n"


def test_signs_byte_for_byte_as_the_go_implementation() -> None:
    peter = Signer.parse(GO_SECRET)
    assert str(peter.verifier) == GO_KEY
    assert notes.sign(GO_TEXT, [peter]) == GO_NOTE
    assert notes.open_note(GO_NOTE, [VerifierKey.parse(GO_KEY)]) == GO_TEXT


def test_a_key_file_line_comes_back_as_the_same_key() -> None:
    fresh = Signer.generate(ORIGIN)
    again = Signer.parse(fresh.secret_text() + "\n")
    assert again.verifier == fresh.verifier
    assert again.secret_text() == fresh.secret_text()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "example.com/foo",
        SPEC_KEY.replace("530d903a", "530d903b"),
        SPEC_KEY.replace("example.com/foo", "example.com/fop"),
        SPEC_KEY.replace("+Aeky", "+Beky"),
        SPEC_KEY[:-4],
        SPEC_KEY + "=",
        "name with space" + SPEC_KEY[15:],
        "a+00000000+AQ==",
    ],
)
def test_refuses_a_verifier_key_that_was_mistyped(line: str) -> None:
    with pytest.raises(NoteInvalid):
        VerifierKey.parse(line)


@pytest.mark.parametrize("line", ["", GO_KEY, GO_SECRET.replace("c74f20a3", "c74f20a4"), "PRIVATE+KEY+x+y+z"])
def test_refuses_a_key_file_that_is_no_signing_key(line: str) -> None:
    with pytest.raises(NoteInvalid):
        Signer.parse(line)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b"])
def test_refuses_key_names_that_would_break_a_signature_line(name: str) -> None:
    with pytest.raises(NoteInvalid, match="no key name"):
        Signer(name, SEED)


@pytest.mark.parametrize("text", ["no newline", "", "bell\x07\n", "tab\t\n", "carriage\r\n"])
def test_refuses_to_sign_a_text_that_no_note_may_hold(text: str) -> None:
    with pytest.raises(NoteInvalid, match="control characters"):
        notes.sign(text, [signer()])


def test_unknown_keys_are_ignored_even_when_name_or_id_is_known() -> None:
    ours, other = signer(), signer("witness.example/one", b"\x01" * 32)
    same_name = signer(ORIGIN, b"\x02" * 32)
    note = notes.sign("text\n", [other, same_name, ours])
    assert notes.open_note(note, [ours.verifier]) == "text\n"


def test_a_note_that_only_unknown_keys_signed_is_refused() -> None:
    note = notes.sign("text\n", [signer("witness.example/one", b"\x01" * 32)])
    with pytest.raises(NoteInvalid, match="No known key"):
        notes.open_note(note, [signer().verifier])


def test_one_failing_signature_of_a_known_key_rejects_the_note_that_another_signed_well() -> None:
    ours, witness = signer(), signer("witness.example/one", b"\x01" * 32)
    note = "text\n\n" + ours.signature_line("text\n") + witness.signature_line("other\n")
    with pytest.raises(NoteInvalid, match=r"witness\.example/one does not match"):
        notes.open_note(note, [ours.verifier, witness.verifier])
    assert notes.open_note(note, [ours.verifier]) == "text\n"


def test_sixteen_signatures_are_read_and_a_flood_is_refused() -> None:
    ours = signer()
    others = [signer(f"witness.example/{number}", bytes([number]) * 32) for number in range(1, 66)]
    assert notes.open_note(notes.sign("text\n", [*others[:15], ours]), [ours.verifier]) == "text\n"
    with pytest.raises(NoteInvalid, match="limit"):
        notes.open_note(notes.sign("text\n", others), [ours.verifier])


def test_text_and_signatures_part_at_the_last_blank_line() -> None:
    text = "first\n\nsecond\n"
    assert notes.open_note(notes.sign(text, [signer()]), [signer().verifier]) == text


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        SPEC_NOTE.removesuffix("\n"),
        SPEC_NOTE.replace("— ", "- "),
        SPEC_NOTE.replace("foo Uw", "foo  Uw"),
        SPEC_NOTE.replace("Uw2Q", "U!2Q"),
        SPEC_NOTE.replace("example.com/foo Uw", "example.com/foo+ Uw"),
        "text\n\n— example.com/foo AAAA\n",
        "te\x00xt\n\n— example.com/foo AAAAAAAA\n",
    ],
)
def test_malformed_notes_are_refused(note: str) -> None:
    with pytest.raises(NoteInvalid):
        notes.open_note(note, [VerifierKey.parse(SPEC_KEY)])


@given(st.integers(0, len(GO_TEXT) - 2), st.characters(codec="ascii", min_codepoint=32))
def test_any_other_text_under_the_signature_is_refused(at: int, letter: str) -> None:
    altered = GO_NOTE[:at] + letter + GO_NOTE[at + 1 :]
    if altered != GO_NOTE:
        with pytest.raises(NoteInvalid):
            notes.open_note(altered, [VerifierKey.parse(GO_KEY)])


def test_a_checkpoint_is_three_lines_as_in_the_specification() -> None:
    checkpoint = Checkpoint.parse(SPEC_CHECKPOINT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.text() == SPEC_CHECKPOINT


def test_extension_lines_of_a_checkpoint_are_allowed_and_ignored() -> None:
    assert Checkpoint.parse(SPEC_CHECKPOINT + "more\n") == Checkpoint.parse(SPEC_CHECKPOINT)


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ("20852163", "020852163"),
        ("20852163", "-1"),
        ("20852163", "+1"),
        ("20852163", "1e3"),
        ("20852163", "١٢"),
        ("20852163", ""),
        ("20852163", "9" * 20),
        ("q2I=\n", "q2I=\n\n"),
        ("q2I=", "q2J="),  # the same bytes written with stray bits
        ("CsUY", "CsU"),
        ("CsUYapGG", ""),
        ("example.com/behind-the-sofa\n", ""),
    ],
)
def test_malformed_checkpoints_are_refused(part: str, instead: str) -> None:
    with pytest.raises(NoteInvalid):
        Checkpoint.parse(SPEC_CHECKPOINT.replace(part, instead))


def test_an_empty_log_has_size_0_and_the_empty_root() -> None:
    note = notes.sign_checkpoint(Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT), signer())
    assert notes.open_checkpoint(note, signer().verifier).size == 0


def test_a_checkpoint_of_another_log_is_refused_even_under_our_signature() -> None:
    foreign = Checkpoint("fundtrail.local/other", 1, merkle.EMPTY_ROOT)
    with pytest.raises(NoteInvalid, match=r"fundtrail\.local/other"):
        notes.open_checkpoint(notes.sign_checkpoint(foreign, signer()), signer().verifier)


def test_the_signature_line_carries_the_key_id_before_the_signature() -> None:
    line = signer().signature_line("text\n")
    dash, name, encoded = line.rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)
    assert (dash, name, len(raw)) == ("—", ORIGIN, 4 + 64)
    assert raw[:4] == signer().verifier.key_id
