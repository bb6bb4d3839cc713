"""Recomputing the log from its entries and naming every place that is not what it was.

It reads and writes nothing. Entries, tiles, data and checkpoints are stored apart from each other, so that an
alteration of one is contradicted by the others; where they contradict, the signed root says who is right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from services.audit.findings import Finding
from services.audit.log import keyring, packs, proofs, queries, rotation, store, tiles
from services.audit.log.keyring import LogKey
from services.audit.log.model import Lane
from services.audit.log.notes import Checkpoint, NoteInvalid, VerifierKey
from services.audit.log.packs import Pack
from services.audit.log.tables import log_bundles, log_checkpoints, log_data, log_tiles
from services.audit.log.tiles import TILE_HEIGHT, TILE_WIDTH, BundleInvalid, Edge, TileReader
from shared.kernel import canonical, merkle

FINDINGS_MAX = 1000  # of a log that was rewritten from end to end this many places are enough


@dataclass(slots=True)
class Report:
    """What was found so far, and what was recomputed on the way."""

    edge: Edge
    stored: TileReader
    findings: list[Finding] = field(default_factory=list)
    levels: list[list[bytes]] = field(default_factory=lambda: [[]])  # recomputed tiles of each level
    lanes: dict[Lane, list[int]] = field(default_factory=lambda: defaultdict(list))  # first and last position
    of_keys: list[int] = field(default_factory=list)  # entries that tell of the log's own keys

    def add(self, code: str, place: str, message: str) -> None:
        """Note a finding, unless there are very many already."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(code, place, message))

    def recomputed(self, level: int, index: int) -> bytes:
        """A recomputed tile, empty where the tree has none."""
        rows = self.levels[level] if level < len(self.levels) else []
        return rows[index] if index < len(rows) else b""


def check(connection: Connection, key: VerifierKey) -> list[Finding]:
    """Every contradiction in the stored log; none of a log that is whole.

    Call it inside one snapshot (`UnitOfWork.reading`), as the log grows all the time.
    Bounds: at most 1,000 findings; memory 32 bytes an entry.
    """
    edge = store.edge(connection)
    report = Report(edge, store.tile_reader(connection, edge))
    for index, entries in _bundles(connection, report):
        _check_bundle(connection, report, index, entries)
    _check_upper_tiles(report)
    _check_counts(connection, report)
    _check_sources(connection, report)
    ring = _check_keys(connection, report, key)
    _check_checkpoints(connection, report, key.name, ring)
    return report.findings


def placed_leaves(connection: Connection) -> Iterator[tuple[int, Lane, int, bytes]]:
    """Index, lane, position and canonical entry of everything in the log, to be compared with the journals.

    Entries that cannot be read are left out; `check` names them.
    """
    edge = store.edge(connection)
    report = Report(edge, store.tile_reader(connection, edge))
    for bundle, entries in _bundles(connection, report):
        for index, leaf in enumerate(entries, bundle * TILE_WIDTH):
            envelope = _envelope(leaf)
            if envelope is not None:
                yield index, Lane(envelope["source"], envelope["epoch"]), envelope["position"], leaf


def _bundles(connection: Connection, report: Report) -> Iterator[tuple[int, list[bytes]]]:
    for index in range(-(-report.edge.size // TILE_WIDTH)):
        expected = min(TILE_WIDTH, report.edge.size - index * TILE_WIDTH)
        try:
            entries = queries.bundle(connection, index)
        except BundleInvalid as error:
            report.add("bundle_altered", tiles.path_of("entries", index), error.message)
            entries = []
        else:
            if len(entries) != expected:
                report.add(
                    "bundle_altered",
                    tiles.path_of("entries", index),
                    f"The bundle holds {len(entries)} entries instead of {expected}.",
                )
        yield index, entries[:expected]


def _check_bundle(connection: Connection, report: Report, index: int, entries: list[bytes]) -> None:
    hashed = b"".join(merkle.leaf_hashes(entries))
    width = min(TILE_WIDTH, report.edge.size - index * TILE_WIDTH)
    stored = report.stored(0, index)[: width * merkle.HASH_BYTES]
    report.levels[0].append(_more_credible(report, index, hashed, stored))
    span = range(index * TILE_WIDTH, index * TILE_WIDTH + width)
    envelopes = {number: _envelope(leaf) for number, leaf in zip(span, entries, strict=False)}
    _check_data(report, store.packs_between(connection, span), span, envelopes)
    for number, envelope in envelopes.items():
        place = f"entry {number}"
        if envelope is None:
            report.add("entry_unreadable", place, "The entry is no canonical envelope.")
        else:
            lane = Lane(envelope["source"], envelope["epoch"])
            _check_position(report, place, lane, envelope["position"])
            if rotation.is_told_by(envelope):
                report.of_keys.append(number)


def _more_credible(report: Report, index: int, hashed: bytes, stored: bytes) -> bytes:
    """The leaf hashes that the level above confirms, after naming where the other ones differ from them."""
    if hashed == stored:
        return hashed
    above = report.stored(1, index // TILE_WIDTH)[index % TILE_WIDTH * 32 :][:32]
    entries_are_right = len(hashed) >= len(stored) and merkle.root(tiles.split_hashes(hashed)) == above
    for number in range(max(len(hashed), len(stored)) // 32):
        place = slice(number * 32, number * 32 + 32)
        if hashed[place] == stored[place]:
            continue
        if entries_are_right:
            tile = tiles.path_of("0", index)
            report.add(
                "tile_altered", tile, f"Hash {number} is not that of entry {index * TILE_WIDTH + number}."
            )
        else:
            entry = index * TILE_WIDTH + number
            report.add(
                "entry_altered", f"entry {entry}", "The entry does not have the hash that its tile holds."
            )
    return hashed if entries_are_right else stored


def _check_data(
    report: Report, stored: Iterator[Pack], span: range, envelopes: Mapping[int, dict[str, Any] | None]
) -> None:
    """One pack after the other, as a bundle of bulk rows has more data than memory should hold."""
    missing = {number for number, envelope in envelopes.items() if envelope is not None}
    expected = span.start
    for pack in stored:
        found, rest = packs.unpack(pack.data)
        if pack.first < expected:
            report.add("rows_surplus", "log_data", f"The pack at {pack.first} begins within another.")
        for number, data in enumerate(found, pack.first):
            missing.discard(number)
            _check_one(report, number, data, envelopes.get(number))
        expected = pack.first + len(found)
        if rest:
            place = f"entry {max(expected - 1, pack.first)}"
            report.add("data_altered", place, "The pack of its data does not end with an entry.")
    if expected > span.stop:
        report.add("rows_surplus", "log_data", f"The last pack reaches to entry {expected - 1}.")
    for number in sorted(missing):
        report.add("data_missing", f"entry {number}", "The data of the event is not there.")


def _check_one(report: Report, index: int, data: bytes, envelope: dict[str, Any] | None) -> None:
    if envelope is None:
        return
    if canonical.digest(data) != envelope["data_sha256"]:
        report.add(
            "data_altered",
            f"entry {index}",
            "The data of the event is not that which the entry commits to.",
        )
    elif envelope["items_root"] is not None and envelope["items_root"] != _items_root(data):
        report.add(
            "items_altered", f"entry {index}", "The items do not have the root that the entry commits to."
        )


def _check_position(report: Report, place: str, lane: Lane, position: int) -> None:
    known = report.lanes[lane]
    if not known:
        known += [position, position]
        return
    if position != known[1] + 1:
        name = f"{lane.source} epoch {lane.epoch}"
        report.add("position_out_of_order", place, f"Position {position} of {name} follows {known[1]}.")
    known[1] = position


def _check_upper_tiles(report: Report) -> None:
    level = 1
    while report.edge.size >> TILE_HEIGHT * level:
        below = [data for data in report.levels[level - 1] if len(data) == tiles.TILE_BYTES]
        roots = [merkle.root(tiles.split_hashes(data)) for data in below]
        rows = [b"".join(roots[at : at + TILE_WIDTH]) for at in range(0, len(roots), TILE_WIDTH)]
        report.levels.append(rows)
        for index, data in enumerate(rows):
            _check_tile(report, level, index, data)
        level += 1


def _check_tile(report: Report, level: int, index: int, recomputed: bytes) -> None:
    stored = report.stored(level, index)[: len(recomputed)]
    for number in range(len(recomputed) // 32):
        place = slice(number * 32, number * 32 + 32)
        if stored[place] != recomputed[place]:
            span = TILE_WIDTH**level
            first = (index * TILE_WIDTH + number) * span
            report.add(
                "tile_altered",
                tiles.path_of(str(level), index),
                f"Hash {number} is not the root of the entries {first} to {first + span - 1}.",
            )


def _check_counts(connection: Connection, report: Report) -> None:
    size = report.edge.size
    full = size // TILE_WIDTH
    surplus = {
        "log_bundles": select(func.count()).select_from(log_bundles).where(log_bundles.c.index >= full),
        "log_data": select(func.count()).select_from(log_data).where(log_data.c.index >= size),
        "log_tiles": select(func.count())
        .select_from(log_tiles)
        .where(log_tiles.c.level == 0, log_tiles.c.index >= full),
    }
    for table, query in surplus.items():
        count = connection.scalar(query)
        if count:
            report.add("rows_surplus", table, f"{count} rows lie beyond the {size} entries of the log.")


def _check_sources(connection: Connection, report: Report) -> None:
    noted = {
        Lane(one.source, one.epoch): [one.first_position, one.position] for one in queries.sources(connection)
    }
    for lane in sorted(noted.keys() | report.lanes.keys()):
        found, said = report.lanes.get(lane), noted.get(lane)
        if found != said:
            place = f"{lane.source} epoch {lane.epoch}"
            report.add("source_differs", place, f"The log holds positions {found}, its book says {said}.")


def _check_keys(connection: Connection, report: Report, key: VerifierKey) -> list[LogKey]:
    """The keys that checkpoints may rest on: the one given, and those from which it followed."""
    if queries.vkey(connection) != str(key):
        report.add("key_differs", "log_keys", "The log names another key than the one given.")
        return [LogKey(1, key)]
    try:
        ring = store.ring(connection)
    except NoteInvalid as error:
        report.add("key_differs", "log_keys", error.message)
        return [LogKey(1, key)]
    if not rotation.is_told(connection, ring, report.of_keys):
        report.add("key_untold", "log_keys", "No entry of the log tells of just these keys and their ends.")
    return ring


def _check_checkpoints(connection: Connection, report: Report, origin: str, ring: Sequence[LogKey]) -> None:
    for row in connection.execute(select(log_checkpoints).order_by(log_checkpoints.c.size)):
        place = f"checkpoint {row.size}"
        try:
            signed = keyring.open_checkpoint(row.note, ring)
        except NoteInvalid as error:
            report.add("checkpoint_altered", place, error.message)
            continue
        if signed != Checkpoint(origin, row.size, bytes(row.root)):
            report.add("checkpoint_altered", place, "The row does not say what its note says.")
        elif row.size > report.edge.size:
            report.add("log_cut_off", place, f"The log holds only {report.edge.size} entries.")
        elif _root(report, row.size) != signed.root:
            report.add("root_differs", place, "The entries before it do not have the root that was signed.")


def _root(report: Report, size: int) -> bytes | None:
    try:
        return tiles.root(size, report.recomputed)
    except merkle.ProofInvalid:
        return None


def _items_root(data: bytes) -> str | None:
    payload: Any = canonical.decode(data)
    items: Sequence[object] = payload.get("items", []) if isinstance(payload, dict) else []
    return proofs.items_root(list(items)).hex()


def _envelope(leaf: bytes) -> dict[str, Any] | None:
    try:
        envelope = canonical.decode(leaf)
        return (
            envelope
            if {"source", "epoch", "position", "data_sha256", "items_root"} <= envelope.keys()
            else None
        )
    except (ValueError, AttributeError):
        return None
