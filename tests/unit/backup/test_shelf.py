"""The place of backups: whole ones are found, broken ones are named, half ones are never seen."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.backup import manifest as manifests
from deploy.backup.configuration import settings_of
from deploy.backup.manifest import BASE, DATABASES, Manifest, Piece
from deploy.backup.sealing import SealedWriter
from deploy.backup.shelf import Shelf
from deploy.local.state import Home
from shared.kernel.errors import Conflict, NotFound, Rejected, Unavailable

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)
FILE = "portal.sealed"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "second place", tmp_path / "keys" / "backup.key")


def make(shelf: Shelf, at: datetime = NOON, kind: str = DATABASES) -> Path:
    key = shelf.key_for_writing()
    with shelf.making(at) as folder:
        with (folder / FILE).open("wb") as file:
            writer = SealedWriter(file, key, FILE)
            writer.write(b"rows")
            writer.close()
        piece = Piece(FILE, "portal", writer.size_bytes, writer.sha256, 7, 1)
        manifests.write(folder, Manifest(kind, at, "PostgreSQL 15", (piece,)), key)
    return shelf.place_of(at)


def faults(shelf: Shelf) -> list[str]:
    return [one.fault or "" for one in shelf.backups() if one.good is None]


def test_a_backup_is_found_with_what_it_holds(shelf: Shelf) -> None:
    folder = make(shelf)
    (found,) = shelf.backups()
    assert (found.folder, found.fault) == (folder, None)
    assert found.good is not None
    assert (found.good.made_at, found.good.piece("portal").journal_rows) == (NOON, 7)
    manifests.ensure_whole(folder, found.good)


def test_the_key_is_made_at_first_use_for_its_owner_alone(shelf: Shelf, tmp_path: Path) -> None:
    make(shelf)
    key = tmp_path / "keys" / "backup.key"
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    make(shelf, NOON + timedelta(days=1))
    assert key.read_bytes() == before
    assert len(before) == 32
    assert not (shelf.folder / key.name).exists(), "a key beside what it seals protects nothing"


def test_a_lost_key_is_asked_for_and_not_made_anew_beside_old_backups(shelf: Shelf, tmp_path: Path) -> None:
    make(shelf)
    (tmp_path / "keys" / "backup.key").unlink()
    for ask in (shelf.key_for_writing, shelf.key, shelf.backups):
        with pytest.raises(NotFound, match="Bring it back from"):
            ask()


def test_a_key_of_the_wrong_length_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    make(shelf)
    (tmp_path / "keys" / "backup.key").write_bytes(b"short")
    with pytest.raises(Rejected, match="holds 5 bytes, a backup key has 32"):
        shelf.key()


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        pytest.param(lambda at: (at / FILE).unlink(), "is missing", id="a file is gone"),
        pytest.param(lambda at: os.truncate(at / FILE, 10), "has 10 bytes", id="a file was cut"),
        pytest.param(lambda at: (at / "manifest.json").unlink(), "no readable manifest", id="no manifest"),
        pytest.param(lambda at: (at / "manifest.json").write_text("{"), "no readable", id="half a manifest"),
        pytest.param(lambda at: (at / "manifest.json").write_text("[]"), "no readable", id="another JSON"),
    ],
)
def test_a_broken_backup_is_none_and_says_why(shelf: Shelf, deed: object, words: str) -> None:
    deed(make(shelf))  # type: ignore[operator] # a lambda of the table
    (fault,) = faults(shelf)
    assert words in fault
    assert shelf.age(NOON) is None
    with pytest.raises(Rejected, match=r"no backup|were written|broken one"):
        shelf.named(shelf.place_of(NOON).name)


@pytest.mark.parametrize("name", ["kind", "made_at", "server", "pieces"])
def test_no_word_of_a_manifest_can_be_changed(shelf: Shelf, name: str) -> None:
    path = make(shelf) / "manifest.json"
    content = json.loads(path.read_text())
    content[name] = [] if name == "pieces" else f"{content[name]}x"
    path.write_text(json.dumps(content))
    assert "not sealed with this backup key" in faults(shelf)[0]


def test_a_backup_under_another_key_is_named_so(shelf: Shelf, tmp_path: Path) -> None:
    make(shelf)
    (tmp_path / "keys" / "backup.key").write_bytes(bytes(32))
    assert "made under another key" in faults(shelf)[0]


def test_a_byte_that_was_turned_is_found_when_the_files_are_read(shelf: Shelf) -> None:
    path = make(shelf) / FILE
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    (found,) = shelf.backups()
    assert found.good is not None, "looking costs no reading"
    with pytest.raises(Rejected, match="SHA-256 differs"):
        manifests.ensure_whole(found.folder, found.good)


def test_what_fails_in_the_middle_leaves_nothing(shelf: Shelf) -> None:
    def fail() -> None:
        with shelf.making(NOON) as folder:
            (folder / FILE).write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [one.name for one in shelf.folder.iterdir()] == [".lock"]


def test_what_a_kill_left_half_made_is_no_backup_and_is_cleared_by_the_next(shelf: Shelf) -> None:
    make(shelf)
    left = shelf.folder / ".backup-20240805T060000Z.partial"
    left.mkdir()
    (left / FILE).write_bytes(b"half")
    assert len(shelf.backups()) == 1
    make(shelf, NOON + timedelta(days=1))
    assert not left.exists()
    assert len(shelf.backups()) == 2


def test_two_backups_at_once_are_not_made(shelf: Shelf) -> None:
    with shelf.held(), pytest.raises(Conflict, match="Another backup is being made"):
        make(shelf)


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "is full"), (errno.EDQUOT, "is full"), (errno.EACCES, "Let this account write there")],
    ids=["disk full", "quota", "rights"],
)
def test_what_the_disk_refuses_is_one_sentence_and_no_half_backup(
    shelf: Shelf, number: int, words: str
) -> None:
    def refused() -> None:
        with shelf.making(NOON) as folder:
            (folder / FILE).write_bytes(b"half")
            raise OSError(number, os.strerror(number))

    with pytest.raises(Unavailable, match=words):
        refused()
    assert [one.name for one in shelf.folder.iterdir()] == [".lock"]


def test_a_place_that_is_a_file_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="name another folder with --to"):
        make(Shelf(tmp_path / "file", tmp_path / "backup.key"))


def test_the_newest_stay_and_broken_or_other_ones_do_not_count(shelf: Shelf) -> None:
    folders = [make(shelf, NOON + timedelta(days=day)) for day in range(5)]
    base = make(shelf, NOON + timedelta(days=9), BASE)
    (folders[4] / FILE).unlink()
    assert shelf.keep_only(2) == folders[:2]
    assert {one.folder for one in shelf.backups()} == {*folders[2:], base}
    assert shelf.keep_only(2) == []


def test_the_age_is_that_of_the_newest_good_one(shelf: Shelf) -> None:
    make(shelf)
    (make(shelf, NOON + timedelta(hours=5)) / FILE).unlink()
    assert shelf.age(NOON + timedelta(hours=6)) == timedelta(hours=6)


def test_a_backup_is_named_by_name_folder_or_latest(shelf: Shelf) -> None:
    first, second = make(shelf), make(shelf, NOON + timedelta(days=1))
    assert shelf.named("latest").folder == second
    assert shelf.named(first.name).folder == first
    assert shelf.named(str(first)).folder == first
    with pytest.raises(NotFound, match="backup --list"):
        shelf.named("backup-20200101T000000Z")


def test_latest_of_none_is_told(shelf: Shelf) -> None:
    with pytest.raises(NotFound, match="holds no backup latest"):
        shelf.named("latest")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FUNDTRAIL_BACKUP_HOURS", "daily"),
        ("FUNDTRAIL_BACKUP_HOURS", "-1"),
        ("FUNDTRAIL_BACKUP_HOURS", "nan"),
        ("FUNDTRAIL_BACKUP_HOURS", "inf"),
        ("FUNDTRAIL_BACKUP_KEEP", "0"),
    ],
)
def test_a_setting_that_is_no_number_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Rejected, match=f"{name}={value} is no number from"):
        settings_of(Home(tmp_path), {name: value})


def test_the_settings_without_a_word(tmp_path: Path) -> None:
    found = settings_of(Home(tmp_path), {})
    assert (found.keep, found.every, found.scheduled) == (14, timedelta(hours=24), True)
    assert found.shelf.folder == tmp_path / "backups"
    assert found.warning is not None
    assert "no second place yet" in found.warning
    assert not settings_of(Home(tmp_path), {"FUNDTRAIL_BACKUP_HOURS": "0"}).scheduled


def test_the_command_line_goes_before_the_environment(tmp_path: Path) -> None:
    told = {"FUNDTRAIL_BACKUP_DIR": str(tmp_path / "one")}
    assert settings_of(Home(tmp_path), told).shelf.folder == tmp_path / "one"
    assert settings_of(Home(tmp_path), told, str(tmp_path / "two")).shelf.folder == tmp_path / "two"


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs two file systems")  # noqa: S108
def test_another_disk_is_a_second_place(tmp_path: Path) -> None:
    found = settings_of(Home(tmp_path), {"FUNDTRAIL_BACKUP_DIR": "/dev/shm/none"})  # noqa: S108
    same = tmp_path.stat().st_dev == Path("/dev/shm").stat().st_dev  # noqa: S108
    assert (found.warning is not None) is same
