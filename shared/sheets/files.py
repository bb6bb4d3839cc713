"""From bytes to sheets: by what the bytes are, never by the name alone, and never more than fits."""

from __future__ import annotations

import csv
import io
from pathlib import PurePath

from shared.sheets.grid import (
    COLUMNS_MAX,
    USUAL,
    Cell,
    Facts,
    Limits,
    Sheet,
    SheetUnreadable,
    clean,
)
from shared.sheets.xls import read_xls
from shared.sheets.xlsx import read_xlsx

ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
DELIMITERS = (",", ";", "\t", "|")
SUFFIXES = {".xlsx": "XLSX workbook", ".xls": "XLS workbook", ".csv": "CSV table", ".txt": "CSV table"}
SNIFFED_LINES = 60
CONTROLS_SHARE_MAX = 100  # one control character in so many makes it no text


def read_sheets(content: bytes, filename: str, limits: Limits = USUAL) -> list[Sheet]:
    """The sheets of a file that hold something, in their order.

    Bounds: 10 MB and 20,000 rows unless the limits say otherwise, 100 columns, 50 sheets.
    Raises: SheetUnreadable.
    """
    if len(content) > limits.bytes_max:
        raise SheetUnreadable(
            "file_too_large",
            f"The file has more than {limits.bytes_max:,} bytes, the most that is read; "
            "send the table alone, without pictures and other sheets.",
        )
    suffix = PurePath(filename).suffix.lower()
    kind = _kind(content)
    wanted = SUFFIXES.get(suffix)
    if wanted is None or kind is None or kind != wanted:
        raise SheetUnreadable("wrong_type", _wrong_type(suffix, wanted, kind))
    if kind == SUFFIXES[".xlsx"]:
        return read_xlsx(content, limits)
    if kind == SUFFIXES[".xls"]:
        return read_xls(content, limits)
    return _read_csv(content, limits)


def _kind(content: bytes) -> str | None:
    if content.startswith(ZIP_MAGIC):
        return SUFFIXES[".xlsx"]
    if content.startswith(OLE_MAGIC):
        if _utf16("EncryptedPackage") in content or _utf16("EncryptionInfo") in content:
            raise SheetUnreadable(
                "password_protected", "The workbook is protected by a password; save it without one."
            )
        return SUFFIXES[".xls"]
    return SUFFIXES[".csv"] if _looks_like_text(content) else None


def _wrong_type(suffix: str, wanted: str | None, kind: str | None) -> str:
    if wanted is None:
        return f'A file "{suffix or "without an ending"}" is no table; save it as .xlsx, .xls or .csv.'
    if kind is None:
        return f"The file is named {suffix} but its content is no {wanted}; save it anew as .xlsx."
    return f"The file is named {suffix} but holds a {kind}; give it the ending of what it is."


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def _looks_like_text(content: bytes) -> bool:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    controls = sum(byte < 32 and byte not in b"\t\n\r\x0c" for byte in content[:65_536])
    markup = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:5].lower()
    return controls * CONTROLS_SHARE_MAX <= len(content) and not markup.startswith(
        (b"<", b"%pdf-", b"{\\rtf")
    )


def _read_csv(content: bytes, limits: Limits) -> list[Sheet]:
    text = _decoded(content)
    try:
        rows = _csv_rows(text, _delimiter(text), limits)
    except csv.Error as error:
        raise SheetUnreadable("csv_broken", f"The CSV cannot be divided into cells: {error}.") from error
    facts = Facts(cells=sum(cell is not None for row in rows for cell in row))
    return [Sheet("CSV", rows, facts)] if facts.cells else []


def _decoded(content: bytes) -> str:
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetUnreadable(
            "encoding_unknown",
            'The text is not UTF-8, so its letters cannot be known; save it as "CSV UTF-8" or as .xlsx.',
        ) from error


def _delimiter(text: str) -> str:
    """The sign that divides the most of the first lines into the same, largest number of cells."""
    lines = text.splitlines()[:SNIFFED_LINES]
    return max(
        DELIMITERS,
        key=lambda sign: (
            sum(len(row) > 2 for row in csv.reader(lines, delimiter=sign)),
            -DELIMITERS.index(sign),
        ),
    )


def _csv_rows(text: str, delimiter: str, limits: Limits) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        if len(rows) >= limits.rows_max or len(cells) > COLUMNS_MAX:
            raise SheetUnreadable(
                "sheet_too_large", f"The table has more than {limits.rows_max} rows or {COLUMNS_MAX} columns."
            )
        rows.append([clean(cell) for cell in cells])
    return rows
