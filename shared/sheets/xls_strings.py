"""Reads texts of XLS records, also where one is cut across records. Source: [MS-XLS] 2.5.294, 2.5.293."""

from __future__ import annotations

import struct

from shared.sheets.grid import CELL_CHARACTERS_MAX

WIDE, EXTENDED, RICH = 1, 4, 8


def plain_string(data: bytes, offset: int, *, short: bool = False) -> str:
    """A text that lies in one record: its length in two bytes, or in one, then a flag, then letters."""
    length = data[offset] if short else struct.unpack_from("<H", data, offset)[0]
    offset += 1 if short else 2
    width = 2 if data[offset] & WIDE else 1
    letters = data[offset + 1 : offset + 1 + length * width]
    return letters.decode("utf-16-le" if width == 2 else "latin-1", "replace")


def shared_strings(records: list[bytes]) -> list[str]:
    """The table of texts that cells point to; the records of the table and those that continue it."""
    if not records:
        return []
    reader = _Cursor(records)
    count = struct.unpack("<II", reader.take(8))[1]
    strings: list[str] = []
    while len(strings) < count and not reader.at_end:
        strings.append(reader.string())
    return strings


class _Cursor:
    """A place in a row of records that belong together."""

    def __init__(self, records: list[bytes]) -> None:
        self._records = records
        self._index = 0
        self._offset = 0

    @property
    def at_end(self) -> bool:
        self._advance()
        return self._index >= len(self._records)

    def take(self, size: int) -> bytes:
        """So many bytes, across records. Raises: IndexError at the end."""
        parts = []
        while size > 0:
            self._advance()
            part = self._records[self._index][self._offset : self._offset + size]
            self._offset += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def string(self) -> str:
        """The next text, without its formatting and readings aloud."""
        length, flags = struct.unpack("<HB", self.take(3))
        runs = struct.unpack("<H", self.take(2))[0] if flags & RICH else 0
        more = struct.unpack("<I", self.take(4))[0] if flags & EXTENDED else 0
        text = self._letters(length, wide=bool(flags & WIDE))
        self._skip(4 * runs + more)
        return text[:CELL_CHARACTERS_MAX]

    def _letters(self, length: int, *, wide: bool) -> str:
        """Letters; where a record ends inside them, the next begins with a new flag."""
        parts = []
        while length > 0:
            if self._offset >= len(self._records[self._index]):
                self._index, self._offset = self._index + 1, 0
                wide = bool(self.take(1)[0] & WIDE)
            width = 2 if wide else 1
            left = (len(self._records[self._index]) - self._offset) // width
            count = min(length, max(left, 1))
            parts.append(self.take(count * width).decode("utf-16-le" if wide else "latin-1", "replace"))
            length -= count
        return "".join(parts)

    def _skip(self, size: int) -> None:
        while size > 0 and not self.at_end:
            step = min(size, len(self._records[self._index]) - self._offset)
            self._offset += step
            size -= step

    def _advance(self) -> None:
        while self._index < len(self._records) and self._offset >= len(self._records[self._index]):
            self._index, self._offset = self._index + 1, 0
