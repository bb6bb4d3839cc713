"""Reads XLSX workbooks: guards first, then values and what lies behind them.

Nothing in the file is trusted: sizes are read from the zip directory and enforced while unpacking.
It is our own reader because calamine 0.9.1 aborts the whole process on a workbook of 8 KB that
announces four billion strings, and no exception can be caught then.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from shared.sheets.grid import (
    PARTS_MAX,
    SHEETS_MAX,
    UNPACK_RATIO_MAX,
    UNPACKED_BYTES_MAX,
    Limits,
    Sheet,
    SheetUnreadable,
    grid,
)
from shared.sheets.sheet_xml import (
    Meanings,
    attributes_of,
    date_styles,
    read_sheet,
    shared_strings,
)

WORKBOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
NEEDED = re.compile(r"(\[Content_Types\]\.xml|_rels/\.rels|xl/.*\.(xml|rels))", re.IGNORECASE)
UNNEEDED = re.compile(r"xl/(media|drawings|charts|theme|printerSettings|customXml|pivot\w*)/", re.IGNORECASE)
RATIO_FROM_BYTES = 1_000_000  # small parts may be dense without harm


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    path: str
    hidden: bool


def read_xlsx(content: bytes, limits: Limits) -> list[Sheet]:
    """The sheets of a workbook that hold something. Raises: SheetUnreadable."""
    parts = _unpacked(content)
    if WORKBOOK not in parts:
        raise SheetUnreadable(
            "wrong_type", "The file is a zip archive but no XLSX workbook; save it as .xlsx."
        )
    targets = _targets(parts)
    meanings = Meanings(
        strings=shared_strings(parts.get(targets.get("sharedStrings", ""), b"")),
        dates=date_styles(parts.get(targets.get("styles", ""), b"")),
        since_1904=any(
            values.get("date1904") in {"1", "true"} for values in attributes_of(parts[WORKBOOK], "workbookPr")
        ),
    )
    read = [
        (part, *read_sheet(parts.get(part.path, b""), meanings, limits))
        for part in _sheet_parts(parts[WORKBOOK], targets)
    ]
    return [Sheet(part.name, grid(values), facts, part.hidden) for part, values, facts in read if facts.cells]


def _unpacked(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_sizes(archive.infolist())
            return {
                info.filename: _part(archive, info)
                for info in archive.infolist()
                if NEEDED.fullmatch(info.filename) and not UNNEEDED.match(info.filename)
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise SheetUnreadable("file_damaged", "The workbook is cut off or damaged; send it again.") from error


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX:
        raise _bomb()
    for part in parts:
        if part.flag_bits & 1:
            raise SheetUnreadable(
                "password_protected", "The file is protected by a password; save it without."
            )
        if part.file_size > RATIO_FROM_BYTES and part.file_size > UNPACK_RATIO_MAX * part.compress_size:
            raise _bomb()


def _part(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as stream:
        return stream.read(info.file_size + 1)


def _bomb() -> SheetUnreadable:
    return SheetUnreadable(
        "zip_bomb",
        f"Unpacked, the file would fill more than {UNPACKED_BYTES_MAX:,} bytes or {UNPACK_RATIO_MAX} times "
        "its size, which no sound table does; it was not opened.",
    )


def _targets(parts: Mapping[str, bytes]) -> dict[str, str]:
    """Where the parts lie: by the id the workbook uses, and strings and styles by their kind."""
    targets = {}
    for values in attributes_of(parts.get(RELATIONS, b""), "Relationship"):
        path = posixpath.normpath(posixpath.join("/xl", values.get("Target", ""))).lstrip("/")
        targets[values.get("Id", "")] = path
        targets.setdefault(values.get("Type", "").rpartition("/")[2], path)
    return targets


def _sheet_parts(workbook: bytes, targets: Mapping[str, str]) -> list[_Part]:
    """The sheets in workbook order, with the part that holds each."""
    found = [
        _Part(
            name=values.get("name", ""),
            path=targets.get(values.get("id", ""), ""),
            hidden=values.get("state", "visible") != "visible",
        )
        for values in attributes_of(workbook, "sheet")
    ]
    if len({part.path for part in found}) < len(found):
        raise SheetUnreadable(
            "file_damaged", "Two sheets of the workbook are one and the same; save it anew."
        )
    if len(found) > SHEETS_MAX:
        raise SheetUnreadable("sheet_too_large", f"The workbook has more than {SHEETS_MAX} sheets.")
    return found
