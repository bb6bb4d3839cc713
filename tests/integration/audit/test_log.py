"""The log on a real database: growth, order, signing, proofs."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.audit.log import handlers, keys, loops, model, notes, proofs, queries, store, tiles
from services.audit.log.keys import KeyLost, LogLost
from services.audit.verifier import fundtrail_verify
from shared.journal.envelope import Envelope
from shared.kernel import canonical, merkle
from shared.kernel.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit

MakeEnvelope = Callable[..., Envelope]
MakeRows = Callable[..., list[Envelope]]


def test_the_log_holds_what_was_taken_in_the_order_of_each_journal(audit: Audit, rows: MakeRows) -> None:
    stream = rows("portal", 1, 400) + rows("allocation", 1, 300)
    random.Random(1).shuffle(stream)
    grown = sum(audit.take(*stream[at : at + 90]) for at in range(0, len(stream), 90))
    assert grown == 700
    with audit.reading() as connection:
        leaves = queries.entries(connection, range(700))
        assert {(one.source, one.position) for one in queries.sources(connection)} == {
            ("portal", 400),
            ("allocation", 300),
        }
        assert tiles.root(700, store.tile_reader(connection)) == merkle.root(
            merkle.leaf_hashes(leaves.values())
        )
    for source, last in (("portal", 400), ("allocation", 300)):
        envelopes = [canonical.decode(leaf) for leaf in leaves.values()]
        assert [one["position"] for one in envelopes if one["source"] == source] == list(range(1, last + 1))
    assert sorted(leaves.values()) == sorted(item.leaf() for item in stream)
    assert audit.findings() == []


def test_a_row_that_comes_again_changes_nothing(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 10))
    assert audit.take(*rows("portal", 1, 10)) == 0
    with audit.reading() as connection:
        assert queries.size(connection) == 10


def test_early_rows_wait_outside_the_log_until_the_hole_is_filled(audit: Audit, rows: MakeRows) -> None:
    assert audit.take(*rows("portal", 2, 1200)) == 0
    assert audit.take(*rows("portal", 1202, 1210)) == 0
    assert audit.take(*rows("portal", 1, 1)) == 1200
    assert audit.take(*rows("portal", 1201, 1201)) == 10
    with audit.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM log_staged")) == 0
    assert audit.findings() == []


def test_nothing_is_kept_of_a_batch_that_was_not_committed(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 300))
    with audit.unit_of_work.begin(audit.act) as work:
        handlers.take(work, [model.arrival_of(item) for item in rows("portal", 301, 700)])
        work.connection.rollback()
    assert audit.take(*rows("portal", 301, 600)) == 300
    assert audit.findings() == []


def test_two_appenders_at_once_make_one_log(audit: Audit, rows: MakeRows) -> None:
    def feed(source: str) -> None:
        for start in range(1, 400, 20):
            audit.take(*rows(source, start, start + 19))

    threads = [threading.Thread(target=feed, args=(source,)) for source in ("portal", "allocation", "portal")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with audit.reading() as connection:
        assert queries.size(connection) == 800
    assert audit.findings() == []


def test_a_hole_is_an_alarm_after_a_minute_and_asked_for_once(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 3), *rows("portal", 5, 6))
    audit.tamper("UPDATE log_staged SET staged_at = :at", at=audit.clock.now())
    noticed = []
    for seconds in (59, 2, 2):
        audit.clock.advance(timedelta(seconds=seconds))
        with audit.unit_of_work.begin(audit.act) as work:
            noticed.append(handlers.notice_holes(work))
    assert noticed == [[], [(model.Lane("portal", 1), 4)], [(model.Lane("portal", 1), 4)]]
    with audit.reading() as connection:
        asked = connection.execute(text("SELECT type, convert_from(data, 'UTF8') FROM journal")).all()
    assert asked == [
        ("vn.fundtrail.log.republish_requested.v1", '{"epoch":1,"position":4,"source":"portal"}')
    ]
    audit.take(*rows("portal", 4, 4))
    with audit.unit_of_work.begin(audit.act) as work:
        assert handlers.notice_holes(work) == []


def test_after_a_restore_the_log_keeps_the_orphans_and_takes_the_new_epoch(
    audit: Audit, envelope: MakeEnvelope, rows: MakeRows
) -> None:
    audit.take(*rows("portal", 1, 10))
    begun = envelope("portal", 8, epoch=2, type=model.EPOCH_BEGUN)
    assert audit.take(*rows("portal", 9, 12, epoch=2)) == 0
    assert audit.take(begun) == 5
    with audit.reading() as connection:
        old, new = queries.sources(connection)
    assert (old.position, old.ended_at, old.orphaned) == (10, 7, 3)
    assert (new.first_position, new.position, new.ended_at, new.orphaned) == (8, 12, None, 0)
    assert audit.findings() == []


def test_a_restore_to_an_older_backup_leaves_the_orphans_of_both_epochs(
    audit: Audit, envelope: MakeEnvelope, rows: MakeRows
) -> None:
    audit.take(*rows("portal", 1, 10))
    for epoch, first, last in ((2, 8, 12), (3, 5, 6)):
        begun = envelope("portal", first, epoch=epoch, type=model.EPOCH_BEGUN)
        audit.take(begun, *rows("portal", first + 1, last, epoch=epoch))
    with audit.reading() as connection:
        found = queries.sources(connection)
    assert [(one.position, one.ended_at, one.orphaned) for one in found] == [
        (10, 4, 6),
        (12, 4, 5),
        (6, None, 0),
    ]
    assert audit.findings() == []


def test_signs_once_per_growth_and_every_checkpoint_continues_the_last(audit: Audit, rows: MakeRows) -> None:
    assert audit.sign() is None
    signed = []
    for step in range(12):
        audit.take(*rows("portal", step * 77 + 1, step * 77 + 77))
        note = audit.sign()
        assert note is not None
        assert audit.sign() is None
        signed.append(notes.open_checkpoint(note, audit.signer.verifier))
    assert [one.size for one in signed] == [77 * step for step in range(1, 13)]
    with audit.reading() as connection:
        for older in signed:
            size, path = queries.consistency(connection, older.size, None)
            assert size == signed[-1].size
            assert merkle.verify_consistency(older.size, size, older.root, signed[-1].root, path)


def test_the_newest_checkpoint_is_published_beside_the_key(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 5))
    assert audit.sign() == (audit.folder / keys.CHECKPOINT_FILE).read_text()
    assert (audit.folder / keys.VKEY_FILE).read_text() == f"{audit.signer.verifier}\n"
    assert (audit.folder / keys.KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_log_that_was_rolled_back_is_not_signed(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 300))
    audit.sign()
    before = dict.fromkeys(("log_bundles", "log_tiles", "log_data", "log_checkpoints"))
    for table in before:
        audit.tamper(f"DELETE FROM {table}")
    audit.tamper("UPDATE log_state SET size = 0, tiles = '{}', bundle = ''")
    audit.tamper("UPDATE log_sources SET taken = 0")
    assert audit.sign() is None
    audit.take(*rows("portal", 1, 200), *rows("allocation", 1, 200))
    assert audit.sign() is None  # it is longer than what was signed by now, but not its continuation
    with audit.reading() as connection:
        assert queries.newest_checkpoint(connection) is None


def test_a_log_whose_tiles_were_altered_is_not_signed(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 300))
    audit.sign()
    audit.tamper("UPDATE log_state SET tiles[2] = set_byte(tiles[2], 5, get_byte(tiles[2], 5) # 1)")
    audit.take(*rows("portal", 301, 310))
    assert audit.sign() is None


def test_a_published_checkpoint_that_was_forged_stops_signing(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 5))
    audit.sign()
    file = audit.folder / keys.CHECKPOINT_FILE
    file.write_text(file.read_text().replace("\n5\n", "\n4\n"))
    audit.take(*rows("portal", 6, 6))
    assert audit.sign() is None
    assert loops.INCONSISTENT._value.get() == 1


def test_a_log_never_goes_on_under_another_key(audit: Audit) -> None:
    (audit.folder / keys.KEY_FILE).rename(audit.folder / "elsewhere")
    with pytest.raises(KeyLost, match=r"log\.key"), audit.unit_of_work.begin(audit.act) as work:
        keys.ensure_log(work, audit.folder, "fundtrail.test/other")
    assert not (audit.folder / keys.KEY_FILE).exists()
    (audit.folder / keys.KEY_FILE).write_text(notes.Signer.generate(audit.signer.name).secret_text())
    with pytest.raises(KeyLost), audit.unit_of_work.begin(audit.act) as work:
        keys.ensure_log(work, audit.folder, audit.signer.name)


def test_a_database_that_lost_its_log_is_not_given_a_new_one_under_the_old_key(
    audit: Audit, rows: MakeRows
) -> None:
    audit.take(*rows("portal", 1, 5))
    audit.sign()
    audit.tamper("DELETE FROM log_state")
    with pytest.raises(LogLost, match="Restore"), audit.unit_of_work.begin(audit.act) as work:
        keys.ensure_log(work, audit.folder, audit.signer.name)


def test_beginning_the_log_again_changes_nothing(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 5))
    with audit.unit_of_work.begin(audit.act) as work:
        keys.ensure_log(work, audit.folder, "fundtrail.test/ignored")
        assert store.origin(work.connection) == audit.signer.name
        assert queries.size(work.connection) == 5


def test_every_entry_is_proven_to_the_offline_verifier(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 600))
    audit.sign()
    audit.take(*rows("portal", 601, 700))  # the tree has grown past the checkpoint that proofs stand on
    with audit.reading() as connection:
        for index in [0, 1, 255, 256, 511, 512, 598, 599]:
            proof = queries.proof(connection, index)
            assert proofs.Proof.parse(proof.text()) == proof
            report = fundtrail_verify.verify(proof.text(), str(audit.signer.verifier))
            assert f"position    {index + 1}" in report
            assert f'data        {{"number":{index + 1}}}' in report


def test_one_item_is_proven_without_the_others(audit: Audit, envelope: MakeEnvelope) -> None:
    items = [{"payment_id": f"P{number}", "amount_vnd": number} for number in range(200)]
    audit.take(envelope("beneficiaries", 1, data={"list_id": "L1", "items": items}))
    audit.sign()
    with audit.reading() as connection:
        for number in (0, 3, 198, 199):
            text_of_proof = queries.proof(connection, 0, number).text()
            report = fundtrail_verify.verify(text_of_proof, str(audit.signer.verifier))
            assert f'item        {{"amount_vnd":{number},"payment_id":"P{number}"}}' in report
        assert queries.proof(connection, 0).evidence.data is None
        with pytest.raises(NotFound, match="200 items"):
            queries.proof(connection, 0, 200)


def test_says_when_an_entry_item_or_checkpoint_is_not_there(audit: Audit, rows: MakeRows) -> None:
    with audit.reading() as connection, pytest.raises(Unavailable):
        queries.signed_checkpoint(connection)
    audit.take(*rows("portal", 1, 5))
    audit.sign()
    audit.take(*rows("portal", 6, 6))
    with audit.reading() as connection:
        with pytest.raises(NotFound, match="no entry 6"):
            queries.entry(connection, 6)
        with pytest.raises(Unavailable, match="Entry 5"):
            queries.proof(connection, 5)
        with pytest.raises(NotFound, match="0 items"):
            queries.proof(connection, 1, 0)
        for sizes in ((0, 6), (4, 3), (6, None)):
            with pytest.raises(NotFound):
                queries.consistency(connection, *sizes)


def test_tiles_and_bundles_are_served_as_the_checkpoint_demands(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 300))
    audit.sign()
    audit.take(*rows("portal", 301, 400))
    with audit.reading() as connection:
        leaves = list(queries.entries(connection, range(300)).values())
        hashes = b"".join(merkle.leaf_hashes(leaves))
        assert queries.tile_resource(connection, 0, 0, 256) == hashes[:8192]
        assert queries.tile_resource(connection, 0, 1, 44) == hashes[8192:]
        assert queries.tile_resource(connection, 1, 0, 1) == merkle.root(merkle.leaf_hashes(leaves[:256]))
        assert queries.bundle_resource(connection, 1, 44) == tiles.pack_entries(leaves[256:])
        for level, index, width in ((0, 1, 45), (0, 2, 1), (1, 0, 2), (2, 0, 1), (0, 1, 256)):
            with pytest.raises(NotFound):
                queries.tile_resource(connection, level, index, width)


def test_the_service_cannot_change_what_it_has_written(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 300))
    audit.sign()
    for table in ("log_tiles", "log_bundles", "log_data", "log_checkpoints"):
        for statement in (
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"UPDATE {table} SET {'size' if 'check' in table else 'index'} = 9",
        ):
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                audit.unit_of_work.begin(audit.act) as work,
            ):
                work.connection.execute(text(statement))
