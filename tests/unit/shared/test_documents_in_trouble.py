"""Documents on a disk that is full, cut off, taken away or altered: never a wrong document."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.documents.store import NONCE_BYTES, DocumentStore
from shared.kernel.errors import NotFound, Rejected, Unavailable

KEY = bytes(range(32))
CONTENT = "Danh sách chi trả".encode() * 50


@pytest.fixture
def store(tmp_path: Path) -> DocumentStore:
    return DocumentStore(tmp_path, KEY)


def only_file(folder: Path) -> Path:
    (found,) = [path for path in folder.rglob("*") if path.is_file()]
    return found


@pytest.mark.parametrize("size", [0, 1, NONCE_BYTES - 1, NONCE_BYTES, NONCE_BYTES + 1, NONCE_BYTES + 15, 200])
def test_a_file_that_was_cut_off_is_an_altered_document(
    store: DocumentStore, tmp_path: Path, size: int
) -> None:
    name = store.put(CONTENT)
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(Rejected, match="is not what was stored") as refused:
        store.get(name)
    assert refused.value.code == "document_altered"
    assert name in refused.value.message


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_no_byte_of_a_file_can_be_another(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int
) -> None:
    folder = tmp_path_factory.mktemp("documents")
    store = DocumentStore(folder, KEY)
    name = store.put(CONTENT)
    path = only_file(folder)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= flip
    path.write_bytes(bytes(data))
    with pytest.raises(Rejected, match="document_altered"):
        store.get(name)


def test_bytes_behind_the_end_are_noticed(store: DocumentStore, tmp_path: Path) -> None:
    name = store.put(CONTENT)
    with only_file(tmp_path).open("ab") as file:
        file.write(b"x")
    with pytest.raises(Rejected, match="document_altered"):
        store.get(name)


@pytest.mark.parametrize("wanted", ["0" * 64, "f" * 64, hashlib.sha256(b"other").hexdigest()])
def test_a_document_that_was_never_stored_is_not_found(store: DocumentStore, wanted: str) -> None:
    store.put(CONTENT)
    with pytest.raises(NotFound, match=wanted):
        store.get(wanted)


def test_a_document_under_the_name_of_another_does_not_open(store: DocumentStore, tmp_path: Path) -> None:
    one, other = store.put(b"one"), store.put(b"other")
    files = {path.name: path for path in tmp_path.rglob("*") if path.is_file()}
    files[other].write_bytes(files[one].read_bytes())
    with pytest.raises(Rejected, match="document_altered"):
        store.get(other)
    assert store.get(one) == b"one"


@pytest.mark.parametrize(
    "number", [errno.EIO, errno.EACCES, errno.ESTALE, errno.ENOTDIR, errno.EMFILE], ids=errno.errorcode.get
)
def test_a_disk_that_does_not_read_is_unavailable_and_not_altered(
    store: DocumentStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    name = store.put(CONTENT)

    def fails(_: Path) -> bytes:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fails)
        with pytest.raises(Unavailable, match="could not be read"):
            store.get(name)
    assert store.get(name) == CONTENT


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO], ids=errno.errorcode.get
)
@pytest.mark.parametrize("step", ["mkdir", "open", "replace"])
def test_a_disk_that_does_not_write_is_unavailable_and_nothing_can_be_read(
    store: DocumentStore, monkeypatch: pytest.MonkeyPatch, number: int, step: str
) -> None:
    def fails(*_: Any, **__: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path, step, fails)
        with pytest.raises(Unavailable, match="nothing was changed"):
            store.put(CONTENT)
    with pytest.raises(NotFound):
        store.get(hashlib.sha256(CONTENT).hexdigest())
    assert store.get(store.put(CONTENT)) == CONTENT


def test_half_a_draft_of_a_process_that_died_is_no_document(store: DocumentStore, tmp_path: Path) -> None:
    name = hashlib.sha256(CONTENT).hexdigest()
    folder = tmp_path / name[:2]
    folder.mkdir()
    (folder / f"{name}.999.draft").write_bytes(b"half")
    with pytest.raises(NotFound):
        store.get(name)
    assert store.get(store.put(CONTENT)) == CONTENT


@given(st.binary(max_size=500))
@settings(max_examples=50, deadline=None)
def test_the_same_content_has_the_same_name_and_never_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folders = [tmp_path_factory.mktemp("documents") for _ in range(2)]
    names = {DocumentStore(folder, KEY).put(content) for folder in folders}
    assert names == {hashlib.sha256(content).hexdigest()}
    assert only_file(folders[0]).read_bytes() != only_file(folders[1]).read_bytes()
