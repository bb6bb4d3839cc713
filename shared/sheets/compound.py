"""Opens compound files, the container of old Office documents. Source: [MS-CFB]."""

from __future__ import annotations

import struct

from shared.sheets.grid import SheetUnreadable

END_OF_CHAIN = 0xFFFFFFFE
FREE = 0xFFFFFFFF
SPECIAL = 0xFFFFFFFA  # numbers from here on are no sectors
ENTRY_BYTES = 128
HEADER_DIFAT = 109
SECTOR_BYTES = frozenset({512, 4096})


def stream_of(content: bytes, names: frozenset[str]) -> bytes | None:
    """The first stream that bears one of the names; None when there is none.

    Raises: SheetUnreadable for a damaged container; struct.error and IndexError for one that is cut off.
    """
    size = 1 << min(struct.unpack_from("<H", content, 30)[0], 16)
    if size not in SECTOR_BYTES:
        raise SheetUnreadable("file_damaged", "The container of the workbook is damaged; save it anew.")
    table = _allocation(content, size)
    directory = _chain(content, size, table, struct.unpack_from("<I", content, 48)[0])
    for offset in range(0, len(directory) - ENTRY_BYTES + 1, ENTRY_BYTES):
        entry = directory[offset : offset + ENTRY_BYTES]
        name = entry[: max(0, min(64, struct.unpack_from("<H", entry, 64)[0]) - 2)]
        if name.decode("utf-16-le", "replace") in names:
            start, length = struct.unpack_from("<II", entry, 116)
            if length < struct.unpack_from("<I", content, 56)[0]:
                return b""  # kept among the small streams: too short to hold a table
            return _chain(content, size, table, start)[:length]
    return None


def _allocation(content: bytes, size: int) -> list[int]:
    """The sector that follows each sector."""
    sectors = list(struct.unpack_from(f"<{HEADER_DIFAT}I", content, 76))
    more = struct.unpack_from("<I", content, 68)[0]
    for _ in range(len(content) // size):
        if more >= SPECIAL:
            break
        values = struct.unpack_from(f"<{size // 4}I", content, (more + 1) * size)
        sectors += values[:-1]
        more = values[-1]
    table: list[int] = []
    for sector in sectors:
        if sector != FREE and len(table) <= len(content):
            table += struct.unpack_from(f"<{size // 4}I", content, (sector + 1) * size)
    return table


def _chain(content: bytes, size: int, table: list[int], sector: int) -> bytes:
    parts = []
    for _ in range(len(content) // size + 1):
        if sector == END_OF_CHAIN:
            break
        parts.append(content[(sector + 1) * size : (sector + 2) * size])
        sector = table[sector]
    return b"".join(parts)
