"""Alterations behind the service's back: each is found, and its place named."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from services.audit.log import queries, store, tiles
from services.audit.log.check import placed_leaves
from services.audit.log.model import Lane
from services.audit.log.notes import Checkpoint, Signer, sign_checkpoint
from services.audit.log.tables import log_bundles, log_state, log_tiles
from shared.journal.envelope import Envelope
from shared.kernel import canonical, merkle

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit

MakeEnvelope = Callable[..., Envelope]
MakeRows = Callable[..., list[Envelope]]


SURPLUS_DATA = ("rows_surplus", "log_data")


@pytest.fixture
def filled(audit: Audit, envelope: MakeEnvelope, rows: MakeRows) -> Audit:
    """700 entries, the last a bulk row, under checkpoints at 300 and 700, indexed."""
    audit.take(*rows("portal", 1, 300))
    audit.sign()
    audit.take(*rows("portal", 301, 699, data={"person_id": "C1"}))
    items = [{"payment_id": f"P{number}"} for number in range(20)]
    audit.take(envelope("beneficiaries", 1, data={"list_id": "L1", "items": items}))
    audit.sign()
    audit.index()
    assert audit.findings() == []
    return audit


def places(audit: Audit) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in audit.findings()]


def test_an_altered_entry_is_named(filled: Audit) -> None:
    filled.tamper(
        "UPDATE log_bundles SET data = set_byte(data, 100, get_byte(data, 100) # 1) WHERE index = 1"
    )
    found = places(filled)
    assert found[0] == ("entry_altered", "entry 256")
    assert {place for _, place in found} == {"entry 256"}


def test_an_altered_entry_of_the_open_bundle_is_named(filled: Audit) -> None:
    with filled.owner.begin() as connection:
        entries = queries.bundle(connection, 2)
        envelope = canonical.decode(entries[7])
        entries[7] = canonical.encode(envelope | {"actor": "somebody-else"})
        bundle = tiles.pack_entries(entries)
        connection.execute(log_state.update().values(bundle=bundle))
    assert places(filled) == [("entry_altered", "entry 519"), ("search_altered", "entry 519")]


def test_an_altered_tile_is_named_with_its_hash(filled: Audit) -> None:
    filled.tamper("UPDATE log_tiles SET data = set_byte(data, 64, get_byte(data, 64) # 1) WHERE index = 1")
    (finding,) = filled.findings()
    assert (finding.code, finding.place) == ("tile_altered", "tile/0/001")
    assert "Hash 2 is not that of entry 258" in finding.message


def test_an_altered_upper_tile_is_named(filled: Audit) -> None:
    filled.tamper("UPDATE log_state SET tiles[2] = set_byte(tiles[2], 40, get_byte(tiles[2], 40) # 1)")
    (finding,) = filled.findings()
    assert (finding.code, finding.place) == ("tile_altered", "tile/1/000")
    assert "entries 256 to 511" in finding.message


def test_an_entry_altered_together_with_its_tile_is_named_by_the_tile_above(filled: Audit) -> None:
    with filled.owner.begin() as connection:
        entries = queries.bundle(connection, 0)
        entries[3] = canonical.encode(canonical.decode(entries[3]) | {"actor": "somebody-else"})
        tile = b"".join(merkle.leaf_hashes(entries))
        connection.execute(
            log_bundles.update().where(log_bundles.c.index == 0).values(data=tiles.pack_entries(entries))
        )
        connection.execute(log_tiles.update().where(log_tiles.c.index == 0).values(data=tile))
    assert places(filled)[:3] == [
        ("tile_altered", "tile/1/000"),
        ("root_differs", "checkpoint 300"),
        ("root_differs", "checkpoint 700"),
    ]


def test_a_whole_rewrite_is_contradicted_by_what_was_signed(filled: Audit, rows: MakeRows) -> None:
    for table in ("log_bundles", "log_tiles", "log_data", "log_sources", "search_entries", "search_subjects"):
        filled.tamper(f"DELETE FROM {table}")
    filled.tamper("UPDATE log_state SET size = 0, tiles = '{}', bundle = ''")
    filled.tamper("UPDATE search_cursor SET indexed = 0")
    filled.take(*rows("portal", 1, 700, actor="somebody-else"))
    assert places(filled) == [("root_differs", "checkpoint 300"), ("root_differs", "checkpoint 700")]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE log_data SET data = overlay(data PLACING '{\"n\":2345}'::bytea FROM 69) WHERE index = 0",
            ("data_altered", "entry 4"),
        ),
        ("DELETE FROM log_data WHERE index = 0", ("data_missing", "entry 4")),
        ("UPDATE log_data SET data = data || 'x'::bytea WHERE index = 0", ("data_altered", "entry 255")),
        ("UPDATE log_data SET data = substr(data, 1, 70) WHERE index = 0", ("data_missing", "entry 4")),
        ("UPDATE log_data SET index = 1 WHERE index = 0", ("data_missing", "entry 0")),
        ("INSERT INTO log_data VALUES (9, '\\x0000000d'::bytea || '{\"number\":10}'::bytea)", SURPLUS_DATA),
        ("INSERT INTO log_data VALUES (700, '')", SURPLUS_DATA),
        ("INSERT INTO log_bundles VALUES (2, '')", ("rows_surplus", "log_bundles")),
        ("DELETE FROM log_bundles WHERE index = 0", ("bundle_altered", "tile/entries/000")),
        (
            "UPDATE log_bundles SET data = substr(data, 1, 900) WHERE index = 0",
            ("bundle_altered", "tile/entries/000"),
        ),
        ("DELETE FROM log_tiles WHERE index = 0", ("tile_altered", "tile/0/000")),
        ("UPDATE log_state SET size = 699", ("log_cut_off", "checkpoint 700")),
        ("UPDATE log_keys SET vkey = 'x'", ("key_differs", "log_keys")),
        ("UPDATE log_sources SET taken = 698 WHERE source = 'portal'", ("source_differs", "portal epoch 1")),
        ("DELETE FROM log_sources WHERE source = 'portal'", ("source_differs", "portal epoch 1")),
        (
            "UPDATE log_checkpoints SET root = set_byte(root, 0, 7) WHERE size = 300",
            ("checkpoint_altered", "checkpoint 300"),
        ),
        ("UPDATE log_checkpoints SET size = 301 WHERE size = 300", ("checkpoint_altered", "checkpoint 301")),
        (
            "UPDATE log_checkpoints SET note = replace(note, '300', '299') WHERE size = 300",
            ("checkpoint_altered", "checkpoint 300"),
        ),
        ("UPDATE search_entries SET actor = 'nobody' WHERE index = 9", ("search_altered", "entry 9")),
        ("DELETE FROM search_entries WHERE index = 9", ("search_altered", "entry 9")),
        ("DELETE FROM search_subjects WHERE index = 400", ("search_altered", "entry 400")),
        ("INSERT INTO search_subjects VALUES ('person:C1', 9, -1)", ("search_altered", "entry 9")),
        ("INSERT INTO search_subjects VALUES ('person:C1', 900, -1)", ("rows_surplus", "search")),
    ],
)
def test_every_other_alteration_is_named(filled: Audit, statement: str, expected: tuple[str, str]) -> None:
    assert filled.tamper(statement) > 0
    assert expected in places(filled)


def test_a_checkpoint_over_another_root_is_found_even_under_the_right_key(filled: Audit) -> None:
    forged = Checkpoint(filled.signer.name, 500, bytes(32))
    with filled.owner.begin() as connection:
        store.keep_checkpoint(connection, forged, sign_checkpoint(forged, filled.signer))
    assert places(filled) == [("root_differs", "checkpoint 500")]


def test_checkpoints_of_a_stranger_are_found(filled: Audit) -> None:
    stranger = Signer(filled.signer.name, bytes(32))
    with filled.reading() as connection:
        newest = queries.signed_checkpoint(connection)
    note = sign_checkpoint(Checkpoint(stranger.name, newest.size, newest.root), stranger)
    filled.tamper("UPDATE log_checkpoints SET note = :note WHERE size = 700", note=note)
    assert places(filled) == [("checkpoint_altered", "checkpoint 700")]


def test_no_single_altered_byte_goes_unnoticed(filled: Audit) -> None:
    dice = random.Random(12)
    for table in ("log_bundles", "log_tiles", "log_data"):
        for _ in range(4):
            index = dice.randrange(2) * (tiles.TILE_WIDTH if table == "log_data" else 1)
            with filled.owner.begin() as connection:
                length = f"SELECT octet_length(data) FROM {table} WHERE index = {index}"
                at = dice.randrange(connection.exec_driver_sql(length).scalar_one())
            flip = f"set_byte(data, {at}, get_byte(data, {at}) # 1)"
            filled.tamper(f"UPDATE {table} SET data = {flip} WHERE index = {index}")
            assert filled.findings() != [], (table, index, at)
            filled.tamper(f"UPDATE {table} SET data = {flip} WHERE index = {index}")
    assert filled.findings() == []


def test_the_number_of_findings_is_bounded(audit: Audit, rows: MakeRows) -> None:
    audit.take(*rows("portal", 1, 1100))
    audit.tamper("UPDATE log_data SET data = 'x'")
    assert len(audit.findings()) == 1000


def test_leaves_are_given_with_their_places_for_comparison_with_the_journals(filled: Audit) -> None:
    with filled.reading() as connection:
        placed = list(placed_leaves(connection))
        leaves = queries.entries(connection, range(700))
    assert [(index, leaf) for index, _, _, leaf in placed] == sorted(leaves.items())
    assert placed[0][1:3] == (Lane("portal", 1), 1)
    assert placed[-1][1:3] == (Lane("beneficiaries", 1), 1)
