"""The write-ahead log in the second place: sealed, without a gap, forgotten when nobody needs it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.backup.shelf import Shelf
from deploy.backup.write_ahead import SEGMENT_BYTES, WriteAhead, ensure_without_gap, successor
from shared.kernel.errors import Rejected

FIRST, SECOND, THIRD = (f"00000001000000000000000{number}" for number in (1, 2, 3))
OPEN = THIRD + ".partial"


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool"


@pytest.fixture
def log(tmp_path: Path, spool: Path) -> WriteAhead:
    shelf = Shelf(tmp_path / "second place", tmp_path / "backup.key")
    shelf.key_for_writing()
    made = WriteAhead(shelf, spool)
    made.folder.mkdir(parents=True)
    return made


def receive(spool: Path, *names: str) -> None:
    """As the receiver leaves them: what is open has its full size, the rest of it zeros."""
    for name in names:
        (spool / name).write_bytes(name.encode())
        if name == OPEN:
            os.truncate(spool / name, SEGMENT_BYTES)


def brought_back(log: WriteAhead, first: str, *present: str) -> dict[str, bytes]:
    target = log.folder.parent / "brought back"
    target.mkdir(exist_ok=True)
    log.bring_back(first, present, target)
    return {path.name: path.read_bytes() for path in target.iterdir()}


def test_segments_come_back_as_they_were_received(log: WriteAhead, spool: Path) -> None:
    receive(spool, FIRST, SECOND, OPEN)
    content = (spool / OPEN).read_bytes()
    assert log.seal_new() == 3
    assert log.segments() == [FIRST, SECOND, THIRD]
    assert brought_back(log, FIRST) == {FIRST: FIRST.encode(), SECOND: SECOND.encode(), THIRD: content}


def test_a_segment_that_is_still_filled_with_zeros_waits_for_its_full_size(
    log: WriteAhead, spool: Path
) -> None:
    receive(spool, FIRST, OPEN)
    os.truncate(spool / OPEN, SEGMENT_BYTES - 1)
    assert log.seal_new() == 1
    assert log.segments() == [FIRST]
    os.truncate(spool / OPEN, SEGMENT_BYTES)
    assert log.seal_new() == 1
    assert log.segments() == [FIRST, THIRD]


def test_only_what_is_new_is_sealed_and_only_the_last_finished_one_is_kept_here(
    log: WriteAhead, spool: Path
) -> None:
    receive(spool, FIRST, SECOND, OPEN)
    log.seal_new()
    assert sorted(path.name for path in spool.iterdir()) == [SECOND, OPEN]
    assert log.seal_new() == 0
    os.utime(spool / OPEN, (1, 1))
    assert log.seal_new() == 1


def test_a_finished_segment_takes_the_place_of_what_it_was_when_open(log: WriteAhead, spool: Path) -> None:
    receive(spool, OPEN)
    log.seal_new()
    (spool / OPEN).rename(spool / THIRD)
    (spool / THIRD).write_bytes(b"whole")
    (spool / successor(THIRD)).write_bytes(b"next")
    log.seal_new()
    assert log.segments() == [THIRD, successor(THIRD)]
    assert brought_back(log, THIRD)[THIRD] == b"whole"
    assert not list(log.folder.glob("*.partial*"))


def test_nothing_lies_open_in_the_second_place(log: WriteAhead, spool: Path) -> None:
    (spool / FIRST).write_bytes(b"Nguyen Thi Sen" * 10)
    log.seal_new()
    (path,) = log.folder.iterdir()
    assert b"Nguyen" not in path.read_bytes()


def test_an_altered_segment_is_refused(log: WriteAhead, spool: Path) -> None:
    (spool / FIRST).write_bytes(b"rows" * 100)
    log.seal_new()
    (path,) = log.folder.iterdir()
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(Rejected, match="altered or cut off"):
        brought_back(log, FIRST)


def test_one_segment_cannot_pose_as_another(log: WriteAhead, spool: Path) -> None:
    (spool / FIRST).write_bytes(b"rows" * 100)
    log.seal_new()
    (path,) = log.folder.iterdir()
    path.rename(path.with_name(path.name.replace(FIRST, SECOND)))
    with pytest.raises(Rejected, match="altered or cut off"):
        brought_back(log, SECOND)


def test_a_gap_is_named_by_the_segment_that_is_missing(log: WriteAhead, spool: Path) -> None:
    for name in (FIRST, THIRD):
        (spool / name).write_bytes(b"x")
    log.seal_new()
    with pytest.raises(Rejected, match=f"Segment {SECOND} of the write-ahead log is in no backup"):
        brought_back(log, FIRST)
    assert set(brought_back(log, FIRST, SECOND)) == {FIRST, THIRD}, "the base brings the second itself"


def test_the_segment_a_base_begins_with_must_be_there() -> None:
    with pytest.raises(Rejected, match=FIRST):
        ensure_without_gap(FIRST, [SECOND])
    ensure_without_gap(FIRST, [])


def test_what_no_base_needs_is_forgotten(log: WriteAhead, spool: Path) -> None:
    receive(spool, FIRST, SECOND, OPEN)
    log.seal_new()
    assert log.forget_before(SECOND) == 1
    assert log.segments() == [SECOND, THIRD]


@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("000000010000000000000001", "000000010000000000000002"),
        ("0000000100000000000000FF", "000000010000000100000000"),
        ("00000002000000FF000000FF", "000000020000010000000000"),
    ],
)
def test_segments_follow_each_other_over_the_ends_of_files(name: str, following: str) -> None:
    assert successor(name) == following
