"""Sealed files: what comes out is what went in, or it is refused."""

from __future__ import annotations

import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.backup import sealing
from deploy.backup.sealing import MAGIC, SALT_BYTES, TAG_BYTES, SealedReader, SealedWriter, opened
from shared.kernel.errors import Rejected

KEY = bytes(range(32))
NAME = "portal.sealed"
CHUNK = 1000
HEAD = len(MAGIC) + SALT_BYTES
MIB = 1 << 20


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "CHUNK_BYTES", CHUNK)


def sealed(plain: bytes, key: bytes = KEY, name: str = NAME) -> bytes:
    file = io.BytesIO()
    with SealedWriter(file, key, name) as writer:
        writer.write(plain)
    return file.getvalue()


def plain_of(content: bytes, key: bytes = KEY, name: str = NAME) -> bytes:
    return b"".join(opened(io.BytesIO(content), key, name))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7])
def test_what_was_sealed_comes_out_whatever_its_size(size: int) -> None:
    plain = os.urandom(size)
    assert plain_of(sealed(plain)) == plain


@given(st.lists(st.binary(max_size=2 * CHUNK), max_size=6))
@settings(max_examples=40, deadline=None)
def test_it_does_not_matter_in_which_pieces_it_was_written(pieces: list[bytes]) -> None:
    file = io.BytesIO()
    with SealedWriter(file, KEY, NAME) as writer:
        for piece in pieces:
            writer.write(piece)
    assert plain_of(file.getvalue()) == b"".join(pieces)
    assert writer.size_bytes == len(file.getvalue())


def chunks_of(content: bytes) -> list[bytes]:
    body, width = content[HEAD:], CHUNK + TAG_BYTES
    return [body[start : start + width] for start in range(0, len(body), width)]


def joined(content: bytes, *chunks: bytes) -> bytes:
    return content[:HEAD] + b"".join(chunks)


PLAIN = bytes(3) * CHUNK  # three whole chunks


@pytest.mark.parametrize(
    "deed",
    [
        pytest.param(lambda c: joined(c, *chunks_of(c)[:2]), id="the last chunk cut off"),
        pytest.param(lambda c: c[:-1], id="the last byte cut off"),
        pytest.param(lambda c: c[:HEAD], id="everything after the head cut off"),
        pytest.param(lambda c: c[: HEAD - 1], id="cut off within the head"),
        pytest.param(lambda c: c[:0], id="empty"),
        pytest.param(
            lambda c: joined(c, chunks_of(c)[1], chunks_of(c)[0], chunks_of(c)[2]), id="two swapped"
        ),
        pytest.param(lambda c: joined(c, *chunks_of(c)[1:]), id="the first left out"),
        pytest.param(lambda c: joined(c, chunks_of(c)[0], *chunks_of(c)), id="the first twice"),
        pytest.param(lambda c: joined(c, *chunks_of(c), chunks_of(c)[2]), id="the last twice"),
        pytest.param(lambda c: c + b"\x00", id="a byte more"),
        pytest.param(lambda c: joined(c, *chunks_of(sealed(PLAIN))), id="chunks of another file"),
        pytest.param(lambda c: c.replace(b"sealed-1", b"sealed-2"), id="another format"),
    ],
)
def test_a_file_that_is_not_what_was_sealed_is_refused(deed: object) -> None:
    altered = deed(sealed(PLAIN))  # type: ignore[operator] # a lambda of the table
    with pytest.raises(Rejected) as refused:
        plain_of(altered)
    assert refused.value.code == "backup_damaged"
    assert NAME in refused.value.message


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_single_bit_can_be_turned(data: st.DataObject) -> None:
    content = bytearray(sealed(PLAIN))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Rejected):
        plain_of(bytes(content))


@pytest.mark.parametrize(
    ("key", "name"), [(bytes(32), NAME), (KEY, "audit.sealed")], ids=["another key", "another name"]
)
def test_another_key_or_name_opens_nothing(key: bytes, name: str) -> None:
    with pytest.raises(Rejected):
        plain_of(sealed(PLAIN), key, name)


def test_no_chunk_is_given_out_before_it_was_proven() -> None:
    content = bytearray(sealed(PLAIN))
    content[HEAD + CHUNK + TAG_BYTES] ^= 1  # in the second chunk
    given_out = opened(io.BytesIO(bytes(content)), KEY, NAME)
    assert next(given_out) == PLAIN[:CHUNK]
    with pytest.raises(Rejected, match="Chunk 2"):
        next(given_out)


def test_a_file_that_was_abandoned_is_refused() -> None:
    file = io.BytesIO()
    writer = SealedWriter(file, KEY, NAME)
    writer.write(PLAIN)
    writer.abandon()
    with pytest.raises(Rejected):
        plain_of(file.getvalue())


def test_two_files_of_the_same_content_have_nothing_in_common() -> None:
    one, other = sealed(PLAIN), sealed(PLAIN)
    assert one[len(MAGIC) : HEAD] != other[len(MAGIC) : HEAD]
    assert not set(chunks_of(one)) & set(chunks_of(other))


def test_a_reader_gives_the_bytes_in_any_portions() -> None:
    plain = os.urandom(2 * CHUNK + 3)
    reader = io.BufferedReader(SealedReader(io.BytesIO(sealed(plain)), KEY, NAME))
    assert reader.read(5) + reader.read(CHUNK) + reader.read() == plain
    assert reader.read() == b""


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "CHUNK_BYTES", MIB // 4)
    block = bytes(MIB // 4)
    tracemalloc.start()
    try:
        with (tmp_path / "big").open("wb") as file, SealedWriter(file, KEY, NAME) as writer:
            for _ in range(64):
                writer.write(block)
        with (tmp_path / "big").open("rb") as file:
            assert sum(len(chunk) for chunk in opened(file, KEY, NAME)) == 16 * MIB
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * MIB
