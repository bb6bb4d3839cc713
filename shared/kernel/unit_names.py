"""Finds the administrative unit that a printed text names, and asks instead of guessing.

Pure: an index over names. Marks count where the text has them, kinds (xã, phường, huyện ...) count
where they are written, spaces and case never do. What stays ambiguous or unknown is reported as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from shared.kernel.names import likest, nfc, search_key, spoken_key, squashed, without_kind

COMMUNE_KINDS = frozenset({"xa", "phuong", "thi tran", "dac khu"})
DISTRICT_KINDS = frozenset({"huyen", "thi xa", "thanh pho", "quan"})
ABBREVIATIONS = {"tp": "thanh pho", "tx": "thi xa", "tt": "thi tran"}
WRITTEN_KINDS = frozenset(
    {"xã", "phường", "thị trấn", "đặc khu", "huyện", "thị xã", "thành phố", "quận", "tỉnh", *ABBREVIATIONS}
)
LEVELS = 3  # commune, district, province
NAME_WORDS_MAX = 6
SNIPPET_WORDS = 3  # words after a kind that are taken for the name nobody knows
MEMORY_MAX = 4_096  # texts whose reading is remembered, headings above all
TYPO_RATIO_MIN = 0.8
TYPO_WORDS_MAX = 5

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SPOKEN_KINDS = {spoken_key(kind): search_key(kind) for kind in WRITTEN_KINDS}
_PLAIN_KINDS = {search_key(kind): search_key(kind) for kind in WRITTEN_KINDS}


@dataclass(frozen=True, slots=True)
class UnitName:
    """A unit as lists print it; units of one lineage are one name carried through time."""

    id: UUID
    name: str
    kind: str
    parent_name: str | None
    lineage: UUID | None = None

    @property
    def label(self) -> str:
        """The name with the unit above it, so that two of one name can be told apart."""
        return f"{self.name} ({self.parent_name})" if self.parent_name else self.name


class Match(NamedTuple):
    """What a text names: one unit, several it could be, or none with the names nearest to it.

    meant: the text speaks of a unit, so naming none that is known is a mistake to be mended.
    """

    unit: UnitName | None = None
    candidates: tuple[UnitName, ...] = ()
    nearest: tuple[str, ...] = ()
    meant: bool = False


class _Mention(NamedTuple):
    candidates: tuple[UnitName, ...]
    kind: str | None  # as written before the name
    words: str

    @property
    def level(self) -> int:
        return max(_level(unit.kind) for unit in self.candidates)


class _Unknown(NamedTuple):
    words: str
    level: int


class UnitNames:
    """An index of unit names for one date, or for all time."""

    def __init__(self, units: Iterable[UnitName]) -> None:
        self._by_key: dict[str, list[UnitName]] = {}
        names = []
        for unit in units:
            names.append(unit.name)
            self._by_key.setdefault(_bare(unit.name), []).append(unit)
        self._names = tuple(dict.fromkeys(names))
        self._mentions: dict[str, tuple[tuple[_Mention, ...], _Unknown | None]] = {}

    def __len__(self) -> int:
        return len(self._names)

    @property
    def remembered(self) -> int:
        """How many texts it keeps its reading of."""
        return len(self._mentions)

    def find(self, text: str, headings: Sequence[str] = (), *, offer: bool = True) -> Match:
        """What the text names; headings, nearest first, tell apart units of one name.

        Without `offer` no nearest names are sought, and a bare misspelt name passes for a work: comparing
        one text with every name costs milliseconds.
        """
        mentions, unknown = self._read(text)
        lowest = min((mention.level for mention in mentions), default=LEVELS)
        if unknown is not None and unknown.level <= lowest:
            return Match(nearest=self._nearest(unknown.words) if offer else (), meant=True)
        if not mentions:
            return self._not_found(text) if offer else Match()
        targets = [mention for mention in mentions if mention.level == lowest]
        targets = [mention for mention in targets if mention.kind] or targets
        if len({mention.words for mention in targets}) > 1:  # a work across several units: a person decides
            return Match(nearest=tuple(unit.name for mention in targets for unit in mention.candidates)[:3])
        parents = [mention for mention in mentions if mention not in targets]
        above = [parents, *(self._read(heading)[0] for heading in headings)]
        left = _narrowed(targets[0].candidates, above)
        return Match(unit=left[0]) if len(left) == 1 else Match(candidates=left, meant=True)

    def _not_found(self, text: str) -> Match:
        words = _WORD.findall(nfc(text))
        if len(words) > TYPO_WORDS_MAX:
            runs = list(_capitalised_runs(words))
            return Match(
                nearest=tuple(dict.fromkeys(name for run in runs for name in self._nearest(run)))[:3]
            )
        near = likest(text, self._names)
        named = all(word[0].isupper() or word.isdecimal() for word in words)  # "Quế Mihn", not "Trường học"
        meant = named and bool(near) and near[0][0] >= TYPO_RATIO_MIN
        return Match(nearest=tuple(name for _, name in near), meant=meant)

    def _nearest(self, text: str) -> tuple[str, ...]:
        return tuple(name for _, name in likest(text, self._names))

    def _read(self, text: str) -> tuple[tuple[_Mention, ...], _Unknown | None]:
        """The units a text mentions, and the first name after a kind that no unit bears."""
        if text not in self._mentions:
            if len(self._mentions) >= MEMORY_MAX:
                self._mentions.clear()
            self._mentions[text] = self._scan(_WORD.findall(nfc(text)))
        return self._mentions[text]

    def _scan(self, words: list[str]) -> tuple[tuple[_Mention, ...], _Unknown | None]:
        marked = any(not word.isascii() for word in words)
        mentions: list[_Mention] = []
        unknown: _Unknown | None = None
        position = 0
        while position < len(words):
            kind, start = _kind_at(words, position, marked=marked)
            mention, end = self._longest(words, start, kind, marked=marked)
            if mention is not None:
                mentions.append(mention)
            elif kind and unknown is None and _names_something(words, start):
                unknown = _Unknown(" ".join(words[position : start + SNIPPET_WORDS]), _level(kind))
                end = start + 1
            position = max(end, start if kind else position + 1)
        return tuple(mentions), unknown

    def _longest(
        self, words: list[str], start: int, kind: str | None, *, marked: bool
    ) -> tuple[_Mention | None, int]:
        """The longest known name that begins at a word, and where it ends."""
        for end in range(min(len(words), start + NAME_WORDS_MAX), start, -1):
            whole = start == 0 and end == len(words)
            if kind is None and not whole and end - start == 1:
                break  # "Lăng", "Ba", "Tư" are words before they are communes
            said = " ".join(words[start:end])
            units = _fitting(self._by_key.get(squashed(search_key(said)), ()), kind)
            exact = tuple(unit for unit in units if _spoken(unit.name) == _joined(said))
            if exact or (units and (kind is not None or whole or not marked)):
                return _Mention(exact or units, kind, search_key(said)), end
        return None, start


def _narrowed(units: tuple[UnitName, ...], above: Sequence[Sequence[_Mention]]) -> tuple[UnitName, ...]:
    """The units that are left when what stands above them, then level and lineage, have spoken."""
    for mentions in above:
        parents = {_bare(unit.name) for mention in mentions for unit in mention.candidates}
        inside = tuple(unit for unit in units if unit.parent_name and _bare(unit.parent_name) in parents)
        if inside:
            units = inside
            break
    highest = max(_level(unit.kind) for unit in units)  # a bare name means the district, not its town
    units = tuple(unit for unit in units if _level(unit.kind) == highest)
    if len({unit.lineage or unit.id for unit in units}) == 1:
        return units[-1:]
    return units


def _fitting(units: Sequence[UnitName], kind: str | None) -> tuple[UnitName, ...]:
    """The units of the written kind; without one, those of its level, for lists mistake xã and thị trấn."""
    if kind is None:
        return tuple(units)
    same = tuple(unit for unit in units if search_key(unit.kind) == kind)
    return same or tuple(unit for unit in units if _level(unit.kind) == _level(kind))


def _kind_at(words: list[str], position: int, *, marked: bool) -> tuple[str | None, int]:
    """The kind of unit written at a word, and the word after it."""
    for size in (2, 1):
        said = " ".join(words[position : position + size])
        kind = _SPOKEN_KINDS.get(spoken_key(said))
        if kind is None and not marked:
            kind = _PLAIN_KINDS.get(search_key(said))
        if kind is not None and position + size < len(words):
            return ABBREVIATIONS.get(kind, kind), position + size
    return None, position


def _names_something(words: list[str], start: int) -> bool:
    """Whether a name follows a kind: "xã Quế Mihn", but not "bảo trợ xã hội" or "các huyện nghèo"."""
    shouted = all(word.isupper() or word.isdigit() for word in words)
    return words[start][0].isupper() and not (shouted and search_key(words[start]) in {"hoi", "ngheo"})


def _capitalised_runs(words: list[str]) -> Iterator[str]:
    """Stretches of at least two capitalised words: the proper names inside the name of a work."""
    run: list[str] = []
    for word in [*words, ""]:
        if word[:1].isupper():
            run.append(word)
        else:
            if len(run) > 1:
                yield " ".join(run)
            run = []


def _level(kind: str) -> int:
    key = search_key(kind)
    return 1 if key in COMMUNE_KINDS else 2 if key in DISTRICT_KINDS else LEVELS


def _bare(name: str) -> str:
    return squashed(without_kind(search_key(name)))


def _spoken(name: str) -> str:
    """A unit's name without its kind, as spoken: marks count, spaces do not."""
    words = name.split()
    size = next((n for n in (2, 1) if spoken_key(" ".join(words[:n])) in _SPOKEN_KINDS), 0)
    return _joined(" ".join(words[size:] or words))


def _joined(text: str) -> str:
    return squashed(spoken_key(text))
