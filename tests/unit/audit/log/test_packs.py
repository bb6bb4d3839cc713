"""The data of many entries in one row: cut at bundles and at a size, read back as far as it goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.audit.log import packs
from services.audit.log.packs import PACK_BYTES
from services.audit.log.tiles import TILE_WIDTH


def read(found: list[packs.Pack]) -> dict[int, bytes]:
    return {index: one for pack in found for index, one in enumerate(packs.unpack(pack.data)[0], pack.first)}


def test_a_pack_ends_with_its_bundle() -> None:
    found = list(packs.cut(250, [b"%d" % number for number in range(250, 600)]))
    assert [pack.first for pack in found] == [250, 256, 512]
    assert read(found) == {number: b"%d" % number for number in range(250, 600)}


def test_a_pack_ends_once_it_is_large_enough() -> None:
    found = list(packs.cut(0, [bytes(PACK_BYTES - 1), b"x", b"y", bytes(PACK_BYTES)]))
    assert [pack.first for pack in found] == [0, 2]


def test_there_is_no_pack_of_nothing() -> None:
    assert list(packs.cut(7, [])) == []
    assert [pack.first for pack in packs.cut(TILE_WIDTH - 1, [b""])] == [TILE_WIDTH - 1]


@given(st.integers(0, 3 * TILE_WIDTH), st.lists(st.binary(max_size=40), max_size=600))
def test_whatever_is_packed_is_unpacked(first: int, data: list[bytes]) -> None:
    found = list(packs.cut(first, data))
    assert read(found) == dict(enumerate(data, first))
    assert all(packs.unpack(pack.data)[1] == b"" for pack in found)
    assert all(pack.first // TILE_WIDTH == max(read([pack])) // TILE_WIDTH for pack in found)


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=9), st.data())
def test_a_pack_that_is_cut_off_says_so_and_keeps_what_is_whole(
    data: list[bytes], choice: st.DataObject
) -> None:
    (pack,) = packs.cut(0, data)
    left = choice.draw(st.integers(0, len(pack.data) - 1))
    found, rest = packs.unpack(pack.data[:left])
    assert found == data[: len(found)]
    assert sum(len(one) + packs.LENGTH_BYTES for one in found) + len(rest) == left
    assert len(found) < len(data)
