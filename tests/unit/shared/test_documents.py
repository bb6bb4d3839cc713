from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.documents.keys import ensure_key, write_secret
from shared.documents.store import DocumentStore
from shared.kernel.errors import NotFound, Rejected, Unavailable

KEY = bytes(range(32))
CONTENT = "Danh sách người có công".encode()


@pytest.fixture
def store(tmp_path: Path) -> DocumentStore:
    return DocumentStore(tmp_path / "documents", KEY)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_document_is_named_by_its_content(store: DocumentStore) -> None:
    name = store.put(CONTENT)
    assert name == hashlib.sha256(CONTENT).hexdigest()
    assert store.get(name) == CONTENT


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.binary(max_size=2000))
def test_any_content_comes_back(store: DocumentStore, content: bytes) -> None:
    assert store.get(store.put(content)) == content


def test_the_same_content_is_stored_once(store: DocumentStore, tmp_path: Path) -> None:
    assert store.put(CONTENT) == store.put(CONTENT)
    assert len(files(tmp_path)) == 1


def test_nothing_readable_lies_on_the_disk(store: DocumentStore, tmp_path: Path) -> None:
    store.put(CONTENT)
    (path,) = files(tmp_path)
    assert CONTENT not in path.read_bytes()
    assert CONTENT[:8] not in path.read_bytes()


def test_an_altered_file_is_noticed(store: DocumentStore, tmp_path: Path) -> None:
    name = store.put(CONTENT)
    (path,) = files(tmp_path)
    sealed = bytearray(path.read_bytes())
    sealed[-1] ^= 1
    path.write_bytes(sealed)
    with pytest.raises(Rejected, match="document_altered"):
        store.get(name)


def test_a_file_in_another_ones_place_is_noticed(store: DocumentStore, tmp_path: Path) -> None:
    first, second = store.put(b"one"), store.put(b"two")
    paths = {path.name: path for path in files(tmp_path)}
    paths[first].write_bytes(paths[second].read_bytes())
    with pytest.raises(Rejected, match="document_altered"):
        store.get(first)


def test_another_key_opens_nothing(store: DocumentStore, tmp_path: Path) -> None:
    name = store.put(CONTENT)
    with pytest.raises(Rejected, match="document_altered"):
        DocumentStore(tmp_path / "documents", bytes(32)).get(name)


def test_an_unknown_document_is_not_found(store: DocumentStore) -> None:
    with pytest.raises(NotFound, match="document_unknown"):
        store.get("0" * 64)


def test_a_disk_that_refuses_is_unavailable_and_leaves_nothing(
    store: DocumentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="No space left"):
            store.put(CONTENT)
    assert store.get(store.put(CONTENT)) == CONTENT


def test_a_key_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    key = ensure_key(path)
    assert len(key) == 32
    assert ensure_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_key(tmp_path / "other.key") != key


def test_a_secret_is_never_written_over(tmp_path: Path) -> None:
    write_secret(tmp_path / "a", b"first")
    with pytest.raises(FileExistsError):
        write_secret(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"
