"""Reads the XML of a sheet: its values, formulas and merges, what is hidden, how far it goes.

Events only, no tree, so that memory does not grow with the file; no entities, no network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lxml import etree

from shared.sheets.grid import (
    BUILT_IN_DATE_FORMATS,
    CELL_CHARACTERS_MAX,
    COLUMNS_MAX,
    PARTS_MAX,
    Cell,
    Facts,
    Limits,
    Merge,
    SheetUnreadable,
    clean,
    from_serial,
    is_date_format,
)

REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([1-9]\d{0,6})", re.ASCII)
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,4})?", re.ASCII)
MERGES_MAX = 10_000
TRUE = frozenset({"1", "true"})


@dataclass(frozen=True, slots=True)
class Meanings:
    """What the numbers in cells stand for: shared texts, styles that show dates, the first day."""

    strings: Sequence[str]
    dates: frozenset[int]
    since_1904: bool


def read_sheet(xml: bytes, meanings: Meanings, limits: Limits) -> tuple[dict[tuple[int, int], Cell], Facts]:
    """The values of a sheet by row and column, and what lies behind them. Raises: SheetUnreadable."""
    reader = _SheetReader(meanings, limits)
    _parse(xml, reader)
    return reader.values, reader.facts


def shared_strings(xml: bytes) -> list[str]:
    """The texts that cells point to. Raises: SheetUnreadable."""
    reader = _StringReader()
    _parse(xml, reader)
    return reader.found


def date_styles(xml: bytes) -> frozenset[int]:
    """The cell styles that show a number as a day or time. Raises: SheetUnreadable."""
    reader = _StyleReader()
    _parse(xml, reader)
    codes = {number: code for number, code in reader.codes.items() if is_date_format(code)}
    return frozenset(
        index
        for index, number in enumerate(reader.styles)
        if number in BUILT_IN_DATE_FORMATS or number in codes
    )


def attributes_of(xml: bytes, name: str) -> list[Mapping[str, str]]:
    """The attributes of each element of a name, without their namespaces. Raises: SheetUnreadable."""
    reader = _AttributeReader(name)
    _parse(xml, reader)
    return reader.found


class _Reader:
    """What lxml calls while it reads; most of it is of no interest."""

    def start(self, tag: str | bytes, attrib: dict[str | bytes, str | bytes]) -> None:
        """An element begins."""
        self.begin(_local(str(tag)), {_local(str(key)): str(value) for key, value in attrib.items()})

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element of a name begins; namespaces are taken away."""

    def end(self, tag: str | bytes) -> None:
        """An element ends."""
        self.finish(_local(str(tag)))

    def finish(self, name: str) -> None:
        """An element of a name ends."""

    def data(self, data: str | bytes) -> None:
        """Text inside an element."""

    def comment(self, text: str | bytes) -> None:
        """A remark."""

    def doctype(self, *_: str | None) -> None:
        """A declaration of the document's type, in whatever encoding it came. Raises: SheetUnreadable."""
        raise _declared()

    def close(self) -> None:
        """The document ends."""


class _AttributeReader(_Reader):
    def __init__(self, name: str) -> None:
        self._name = name
        self.found: list[Mapping[str, str]] = []

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == self._name and len(self.found) < PARTS_MAX:
            self.found.append(attributes)


class _StringReader(_Reader):
    """Texts of the shared table; readings aloud beside them (rPh) are left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parts: list[str] | None = None
        self._aloud = False

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - one form for all
        if name == "si":
            self.found.append("")
        elif name == "rPh":
            self._aloud = True
        elif name == "t" and not self._aloud:
            self._parts = []

    def data(self, data: str | bytes) -> None:
        if self._parts is not None:
            self._parts.append(str(data))

    def finish(self, name: str) -> None:
        if name == "rPh":
            self._aloud = False
        elif name == "t" and self._parts is not None and self.found:
            self.found[-1] = (self.found[-1] + "".join(self._parts))[:CELL_CHARACTERS_MAX]
            self._parts = None


class _StyleReader(_Reader):
    """The number format of each cell style, and the codes of formats made in this workbook."""

    def __init__(self) -> None:
        self.codes: dict[int, str] = {}
        self.styles: list[int] = []
        self._inside = False

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "numFmt":
            self.codes[_number(attributes.get("numFmtId"), 0)] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            self.styles.append(_number(attributes.get("numFmtId"), 0))

    def finish(self, name: str) -> None:
        if name == "cellXfs":
            self._inside = False


class _SheetReader(_Reader):
    def __init__(self, meanings: Meanings, limits: Limits) -> None:
        self.facts = Facts(rows_max=limits.rows_max)
        self.values: dict[tuple[int, int], Cell] = {}
        self._meanings = meanings
        self._row = 0
        self._column = -1
        self._type = "n"
        self._style = 0
        self._parts: list[str] | None = None
        self._aloud = False

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "c":
            self._cell(attributes)
        elif name in {"v", "t"} and not self._aloud:
            self._parts = [] if self._parts is None else self._parts
        elif name == "rPh":
            self._aloud = True
        elif name == "f":
            self.facts.formulas.add((self._row, self._column))
        elif name == "row":
            self._new_row(attributes)
        elif name == "mergeCell":
            self._merge(attributes.get("ref", ""))
        elif name == "col" and attributes.get("hidden") in TRUE:
            first = _number(attributes.get("min"), 1)
            last = min(_number(attributes.get("max"), first), COLUMNS_MAX)
            self.facts.hidden_columns.update(range(first - 1, last))

    def data(self, data: str | bytes) -> None:
        if self._parts is not None and not self._aloud:
            self._parts.append(str(data))

    def finish(self, name: str) -> None:
        if name == "rPh":
            self._aloud = False
        elif name in {"v", "is"} and self._parts is not None:
            self.facts.count(self._row, self._column)
            value = self._meant("".join(self._parts))
            if value is not None:
                self.values[self._row, self._column] = value
            self._parts = None

    def _meant(self, text: str) -> Cell:
        if self._type == "s":
            index = _number(text.strip(), len(self._meanings.strings))
            return clean(self._meanings.strings[index]) if index < len(self._meanings.strings) else None
        if self._type == "b":
            return text.strip() in TRUE
        if self._type == "n" and NUMBER.fullmatch(text.strip()):
            number = clean(float(text))
            if isinstance(number, Decimal) and self._style in self._meanings.dates:
                return from_serial(number, since_1904=self._meanings.since_1904)
            return number
        return clean(text)

    def _new_row(self, attributes: Mapping[str, str]) -> None:
        self._row, self._column = _number(attributes.get("r"), self._row + 1), -1
        flat = attributes.get("ht", "") in {"0", "0.0"}
        if (attributes.get("hidden") in TRUE or flat) and self._row <= self.facts.rows_max:
            self.facts.hidden_rows.add(self._row)

    def _cell(self, attributes: Mapping[str, str]) -> None:
        """Where a cell stands; cells without a reference follow the one before."""
        match = REFERENCE.fullmatch(attributes.get("r", ""))
        if match is None:
            self._column += 1
        else:
            self._row, self._column = int(match[2]), _column(match[1])
        self._parts = None
        self._type = attributes.get("t", "n")
        self._style = _number(attributes.get("s"), 0)
        if self._type == "e":
            self.facts.errors.add((self._row, self._column))

    def _merge(self, reference: str) -> None:
        ends = [REFERENCE.fullmatch(end) for end in reference.split(":")]
        if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
            first, last = ends[0], ends[1]
            merge = Merge(int(first[2]), _column(first[1]), int(last[2]), _column(last[1]))
            self.facts.merges.append(merge)
        if len(self.facts.merges) > MERGES_MAX:
            raise SheetUnreadable("sheet_too_large", f"The sheet has more than {MERGES_MAX} merged ranges.")


def _parse(xml: bytes, reader: _Reader) -> None:
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise _declared()
    if not xml:
        return
    parser = etree.XMLParser(target=reader, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SheetUnreadable("file_damaged", "A part of the workbook is no XML; save it anew.") from error


def _declared() -> SheetUnreadable:
    return SheetUnreadable("file_damaged", "The workbook declares its own XML entities, which none needs.")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _column(letters: str) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,7}", text) else otherwise
