"""One key of the log follows another: who trusts either is never left without proof."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.cli import logkey
from deploy.local.state import Home, write_json
from services.audit.log import keyring, keys, loops, notes, queries, rotation, store
from services.audit.log.check import check
from services.audit.log.events import KeysRotated
from services.audit.log.keys import KeyLost
from services.audit.log.loops import Signing
from services.audit.log.notes import Checkpoint, NoteInvalid, Signer, VerifierKey
from services.audit.verifier import fundtrail_verify
from shared.journal import positions
from shared.journal.envelope import Envelope
from shared.journal.positions import Cursor
from shared.kernel.errors import Conflict

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit

MakeRows = Callable[..., list[Envelope]]
REASON = "the year has ended"


def grow(audit: Audit, rows: MakeRows, signing: Signing | None = None) -> str:
    """The note over the log after ten more rows of the portal, and all that this service's journal tells."""
    with audit.reading() as connection:
        last = {one.source: one.position for one in queries.sources(connection)}
        own = [item for _, item in positions.page(connection, "audit", Cursor(0, 0), 2**62, 1_000)]
    first = last.get("portal", 0) + 1
    audit.take(*rows("portal", first, first + 9), *own)
    signed = (signing or signing_of(audit)).step()
    assert signed is not None
    return signed


def signing_of(audit: Audit) -> Signing:
    """As a worker that starts now."""
    return Signing(audit.unit_of_work, keys.load_signer(audit.folder), audit.folder)


def signers_of(note: str) -> list[str]:
    """The key ids of a note's signatures."""
    return [raw[:4].hex() for _, raw in notes.split_note(note)[1]]


def begin(audit: Audit) -> VerifierKey:
    return logkey.begin(audit.unit_of_work, audit.folder, REASON).key


def end(audit: Audit) -> int:
    ended = logkey.end(audit.unit_of_work, audit.folder, REASON).ended_size
    assert ended is not None
    return ended


def proof_of(audit: Audit, index: int, item: int | None = None) -> str:
    with audit.reading() as connection:
        return queries.proof(connection, index, item).text()


def step_failed(proof: str, *trusted: object) -> str:
    with pytest.raises(fundtrail_verify.NotProven) as failure:
        fundtrail_verify.verify(proof, "\n".join(map(str, trusted)))
    step: str = failure.value.args[0]
    return step


def entry_of_the_rotation(audit: Audit) -> int:
    with audit.reading() as connection:
        size = queries.size(connection)
        found = queries.entries(connection, range(size))
    return next(index for index, leaf in found.items() if KeysRotated.TYPE.encode() in leaf)


def test_before_within_and_after_a_rotation_the_right_keys_sign(audit: Audit, rows: MakeRows) -> None:
    old = audit.signer.verifier
    before = grow(audit, rows)
    new = begin(audit)
    within = grow(audit, rows)
    last_size = end(audit)
    after = grow(audit, rows)
    ids = [old.key_id.hex(), new.key_id.hex()]
    assert [signers_of(one) for one in (before, within, after)] == [ids[:1], ids, ids[1:]]
    assert last_size == notes.open_checkpoint(within, old, new).size
    assert notes.open_checkpoint(before, old).size == 10
    assert audit.folder.joinpath(keys.VKEY_FILE).read_text() == f"{old} {last_size}\n{new}\n"
    assert [one.verifier for one in keys.load_signers(audit.folder)] == [new]
    with audit.reading() as connection:
        assert queries.vkey(connection) == str(new)


def test_the_verifier_says_which_of_its_keys_signed(
    audit: Audit, rows: MakeRows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = audit.signer.verifier
    grow(audit, rows)
    before = proof_of(audit, 3)
    new = begin(audit)
    grow(audit, rows)
    within = proof_of(audit, 3)
    end(audit)
    grow(audit, rows)
    after = proof_of(audit, 3)
    expected = {
        (before, (old,)): {old},
        (before, (old, new)): {old},
        (within, (old,)): {old},
        (within, (new,)): {new},
        (within, (new, old)): {old, new},
        (after, (new,)): {new},
        (after, (old, new)): {new},
    }
    for (proof, trusted), signed in expected.items():
        report = fundtrail_verify.verify(proof, "\n".join(map(str, trusted)))
        assert set(report[0].partition(" by key ")[2].split(" and ")) == {one.key_id.hex() for one in signed}
    assert step_failed(before, new) == step_failed(after, old) == "checkpoint"
    file = tmp_path / "one.proof"
    file.write_text(after)
    published = str(audit.folder / keys.VKEY_FILE)
    assert fundtrail_verify.main([str(file), "--key", published]) == 0
    assert fundtrail_verify.main([str(file), "--key", str(old), "--key", str(new)]) == 0
    assert f"by key {new.key_id.hex()}\n" in capsys.readouterr().out
    file.write_text(before)
    assert fundtrail_verify.main([str(file), "--key", published]) == 0


def test_who_trusts_the_old_key_learns_the_new_one_from_what_the_old_one_signed(
    audit: Audit, rows: MakeRows
) -> None:
    grow(audit, rows)
    new = begin(audit)
    grow(audit, rows)
    proof = proof_of(audit, entry_of_the_rotation(audit), 1)
    report = "\n".join(fundtrail_verify.verify(proof, str(audit.signer.verifier)))
    assert f'"vkey":"{new}"' in report
    assert "type        vn.fundtrail.log.keys_rotated.v1" in report
    assert "source      audit" in report


def test_an_ended_key_stands_for_nothing_beyond_its_end(audit: Audit, rows: MakeRows) -> None:
    old = audit.signer
    grow(audit, rows)
    begin(audit)
    grow(audit, rows)
    last_size = end(audit)
    after = grow(audit, rows)
    told = Checkpoint.parse(notes.split_note(after)[0])
    by_the_old_one = notes.sign_checkpoint(told, old)
    with audit.reading() as connection:
        ring = store.ring(connection)
    with pytest.raises(NoteInvalid, match=f"ended at {last_size} entries and cannot stand for {told.size}"):
        keyring.open_checkpoint(by_the_old_one, ring)
    forged = proof_of(audit, 3).partition("\n\n")[0] + "\n\n" + by_the_old_one
    assert step_failed(forged, *(one.line() for one in ring)) == "checkpoint"
    assert audit.folder.joinpath(keys.VKEY_FILE).read_text().split("\n")[0] == f"{old.verifier} {last_size}"
    (audit.folder / keys.CHECKPOINT_FILE).write_text(by_the_old_one)
    audit.take(*rows("portal", 31, 32))
    assert signing_of(audit).step() is None
    assert loops.INCONSISTENT._value.get() == 1
    (audit.folder / keys.CHECKPOINT_FILE).write_text(after)
    audit.tamper(
        "UPDATE log_checkpoints SET note = :note WHERE size = :size", note=by_the_old_one, size=told.size
    )
    assert found(audit) == [("checkpoint_altered", f"checkpoint {told.size}")]


def found(audit: Audit) -> list[tuple[str, str]]:
    """What the checks find, given the newest key."""
    with audit.reading() as connection:
        key = VerifierKey.parse(queries.vkey(connection))
        return [(one.code, one.place) for one in check(connection, key)]


def test_a_worker_at_work_takes_up_both_changes_by_itself(audit: Audit, rows: MakeRows) -> None:
    signing = signing_of(audit)
    old = audit.signer.verifier.key_id.hex()
    assert signers_of(grow(audit, rows, signing)) == [old]
    new = begin(audit).key_id.hex()
    assert signers_of(grow(audit, rows, signing)) == [old, new]
    end(audit)
    assert signers_of(grow(audit, rows, signing)) == [new]
    assert found(audit) == []


def test_a_worker_that_starts_amid_a_rotation_signs_with_both_keys(audit: Audit, rows: MakeRows) -> None:
    grow(audit, rows)
    new = begin(audit)
    for _ in range(2):
        with audit.unit_of_work.begin(audit.act) as work:
            keys.ensure_log(work, audit.folder, "fundtrail.test/ignored")
        assert signers_of(grow(audit, rows)) == [audit.signer.verifier.key_id.hex(), new.key_id.hex()]
    assert found(audit) == []


def test_nothing_is_signed_while_a_key_in_force_is_missing(audit: Audit, rows: MakeRows) -> None:
    grow(audit, rows)
    begin(audit)
    audit.take(*rows("portal", 11, 12))
    both = keys.load_signers(audit.folder)
    signing = signing_of(audit)
    for held in (both[:1], both[1:], []):
        keys.keep_signers(audit.folder, held)
        assert signing.step() is None
    with pytest.raises(KeyLost), audit.unit_of_work.begin(audit.act) as work:
        keys.ensure_log(work, audit.folder, audit.signer.name)
    keys.keep_signers(audit.folder, both)
    assert len(signers_of(signing.step() or "")) == 2


def test_the_older_key_ends_only_when_it_has_vouched_for_the_newer(audit: Audit, rows: MakeRows) -> None:
    grow(audit, rows)
    with pytest.raises(Conflict, match="only one"):
        end(audit)
    begin(audit)
    with pytest.raises(Conflict, match="follows"):
        begin(audit)
    with pytest.raises(Conflict, match="could not learn"):
        end(audit)
    audit.take(*rows("portal", 11, 20))
    assert signing_of(audit).step() is not None
    with pytest.raises(Conflict, match="could not learn"):  # both keys signed, but the entry is not there
        end(audit)
    grow(audit, rows)
    assert end(audit) == 31
    begin(audit)
    assert len(keys.load_signers(audit.folder)) == 2


def test_a_crash_between_file_and_database_is_put_right_by_the_next_try(audit: Audit, rows: MakeRows) -> None:
    grow(audit, rows)
    with audit.unit_of_work.begin(audit.act) as work:
        left = rotation.begin_key(work, audit.folder)
        work.connection.rollback()
    assert signers_of(grow(audit, rows)) == [audit.signer.verifier.key_id.hex()]
    assert begin(audit) == left.key
    grow(audit, rows)
    with audit.unit_of_work.begin(audit.act) as work:
        rotation.end_key(work)
    assert len(keys.load_signers(audit.folder)) == 2
    assert signers_of(grow(audit, rows)) == [left.key.key_id.hex()]
    with audit.unit_of_work.begin(audit.act) as work:
        keys.ensure_log(work, audit.folder, audit.signer.name)
    assert [one.verifier for one in keys.load_signers(audit.folder)] == [left.key]
    assert found(audit) == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE log_keys SET ended_size = 1000 WHERE number = 1", ("key_untold", "log_keys")),
        ("UPDATE log_keys SET ended_size = NULL WHERE number = 1", ("key_untold", "log_keys")),
        ("DELETE FROM log_keys WHERE number = 1", ("key_untold", "log_keys")),
        ("DELETE FROM log_keys WHERE number = 2", ("key_untold", "log_keys")),
        ("UPDATE log_keys SET vkey = 'x' WHERE number = 1", ("key_differs", "log_keys")),
        ("UPDATE log_keys SET vkey = :stranger WHERE number = 1", ("key_untold", "log_keys")),
    ],
)
def test_keys_that_the_log_does_not_tell_of_are_found(
    audit: Audit, rows: MakeRows, statement: str, expected: tuple[str, str]
) -> None:
    grow(audit, rows)
    begin(audit)
    grow(audit, rows)
    end(audit)
    grow(audit, rows)
    assert found(audit) == []
    stranger = {"stranger": str(Signer(audit.signer.name, bytes(32)).verifier)}
    audit.tamper(statement, **(stranger if ":stranger" in statement else {}))
    assert expected in found(audit)


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    logkey.add_arguments(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["logkey", *arguments])
    status: int = parsed.run(parsed)
    return status


def test_the_command_begins_lists_and_ends_a_key(
    audit: Audit, rows: MakeRows, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(audit.folder.parent / "state")
    monkeypatch.setenv("FUNDTRAIL_HOME", str(home.root))
    assert run("list") == 1
    assert "knows no database of audit" in capsys.readouterr().err
    address = audit.unit_of_work.engine.url.render_as_string(hide_password=False)
    home.secrets.mkdir(parents=True)
    write_json(home.addresses, {"audit": {"service": address}})
    home.keys("audit").parent.mkdir(parents=True)
    audit.folder.rename(home.keys("audit"))
    audit.folder = home.keys("audit")
    grow(audit, rows)
    assert run("begin", "--reason", REASON) == 0
    assert run("end", "--reason", REASON) == 1
    assert "try again" in capsys.readouterr().err
    grow(audit, rows)
    assert run("end", "--reason", REASON) == 0
    assert "signs nothing beyond 21 entries" in capsys.readouterr().out
    assert run("list") == 0
    assert capsys.readouterr().out == (audit.folder / keys.VKEY_FILE).read_text()
    with audit.reading() as connection:
        told = [item for _, item in positions.page(connection, "audit", Cursor(0, 0), 2**62, 1_000)]
    assert [(one.type, one.topic, one.reason) for one in told] == [(KeysRotated.TYPE, "trail", REASON)] * 2
