"""Workbooks of both kinds written part by part, so that a test can write what no program would."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence

import pytest

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
SECTOR = 512
END, UNUSED, TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD

Book = Callable[..., bytes]


@pytest.fixture
def xlsx() -> Book:
    """`xlsx('<row>...</row>', strings="<si>...</si>", styles=..., more={part: bytes})`: an XLSX workbook."""
    return workbook


@pytest.fixture
def xls() -> Book:
    """`xls(cells, start=b"...")`: an XLS workbook whose one sheet consists of these records."""
    return old_workbook


def workbook(
    rows: str,
    *,
    after: str = "",
    strings: str = "",
    styles: str = "",
    properties: str = "",
    state: str = "visible",
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """One sheet named Trang with these rows; `more` replaces or adds parts."""
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}">{properties}<sheets>'
        f'<sheet name="Trang" sheetId="1" state="{state}" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">'
        f'<Relationship Id="rId1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{LINKS}/sharedStrings" Target="sharedStrings.xml"/>'
        f'<Relationship Id="rId3" Type="{LINKS}/styles" Target="styles.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>'
        f"{after}</worksheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>',
    }
    return zipped({name: text.encode() for name, text in parts.items()} | dict(more or {}))


def zipped(parts: Mapping[str, bytes]) -> bytes:
    """A zip archive of these parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return target.getvalue()


def record(kind: int, data: bytes = b"") -> bytes:
    """One BIFF record."""
    return struct.pack("<HH", kind, len(data)) + data


def cell(kind: int, row: int, column: int, data: bytes, style: int = 0) -> bytes:
    """The record of one cell; row and column count from 0."""
    return record(kind, struct.pack("<HHH", row, column, style) + data)


def old_workbook(
    cells: bytes,
    start: bytes = b"",
    version: int = 0x0600,
    state: int = 0,
    sheets: int = 1,
    size: int = SECTOR,
) -> bytes:
    """BIFF8 in a compound file; all sheets but the first follow the first one's place by one byte each."""
    begin = record(0x0809, struct.pack("<HHHHII", version, 5, 0, 1996, 0, 0)) + start
    name = b"Trang"
    offset = len(begin) + sheets * (4 + 8 + len(name)) + 4
    listed = b"".join(
        record(0x0085, struct.pack("<IBBBB", offset + number, state, 0, len(name), 0) + name)
        for number in range(sheets)
    )
    page = record(0x0809, struct.pack("<HHHHII", version, 0x10, 0, 1996, 0, 0)) + cells + record(0x000A)
    return compound(begin + listed + record(0x000A) + page, size)


def compound(stream: bytes, size: int = SECTOR, chain: Sequence[int] | None = None) -> bytes:
    """The stream "Workbook" in sectors of a size; `chain` may say something else than what is true."""
    stream = stream.ljust(max(4_096, -(-len(stream) // size) * size), b"\0")
    count = len(stream) // size
    true = [*range(1, count), END, END, TABLE]  # stream, directory, this table
    links = [*(chain if chain is not None else true)]
    table = struct.pack(f"<{size // 4}I", *links, *[UNUSED] * (size // 4 - len(links)))
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, size.bit_length() - 1, 6,
        0, 1, count, 0, 4_096, END, 0, END, 0, count + 1,
    ) + struct.pack("<108I", *[UNUSED] * 108)  # fmt: skip
    directory = entry("Root Entry", 5, END, 0) + entry("Workbook", 2, 0, len(stream))
    return header.ljust(size, b"\0") + stream + directory.ljust(size, b"\0") + table


def entry(name: str, kind: int, start: int, length: int) -> bytes:
    """One entry of the directory."""
    text = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ",
        text,
        len(text) + 2,
        kind,
        1,
        UNUSED,
        UNUSED,
        UNUSED,
        b"",
        0,
        0,
        0,
        start,
        length,
    )
