"""Vietnamese names: one stored form, one key to search by, one order, and honest comparison.

Text is stored NFC as given. The search key drops marks; comparing and ordering keep them, but a tone
counts for its syllable, so "thủy" and "thuỷ" are the same word (old and new tone placement).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
TONES = {"\u0300": "1", "\u0309": "2", "\u0303": "3", "\u0301": "4", "\u0323": "5"}  # huyền hỏi ngã sắc nặng
KINDS = ("thành phố", "thị trấn", "đặc khu", "thị xã", "phường", "huyện", "tỉnh", "xã")
NEAREST_RATIO_MIN = 0.6
NEAREST_TEXT_MAX = 200  # letters compared; more is no name

_QUOTES = str.maketrans("’‘ʼ`´", "'''''")
_RANKS = {letter: chr(ord("A") + rank) for rank, letter in enumerate(ALPHABET)}


def nfc(text: str) -> str:
    """The text in its one stored form: composed, without spaces around it."""
    return unicodedata.normalize("NFC", text).strip()


@lru_cache(maxsize=65_536)
def search_key(text: str) -> str:
    """The text without marks, with d for đ, in lower case, with single spaces.

    Old and new tone placement give the same key because no tone is left in it.
    """
    plain = _unmarked(text.lower().replace("đ", "d").translate(_QUOTES))
    return " ".join(plain.split())


def without_kind(key: str) -> str:
    """A search key without the kind of unit before the name: "xa que minh" becomes "que minh"."""
    return _KIND.sub("", key, count=1) or key


def same_name(a: str, b: str) -> bool:
    """Whether two texts are the same name: marks count, case, spaces and tone placement do not."""
    return spoken_key(a) == spoken_key(b)


@lru_cache(maxsize=65_536)
def spoken_key(text: str) -> str:
    """The text with the tone of each syllable moved to its end, in lower case, with single spaces."""
    return " ".join(
        "".join(letters) + tones for letters, tones in map(_syllable, text.translate(_QUOTES).lower().split())
    )


@lru_cache(maxsize=65_536)
def sort_key(text: str) -> str:
    """A text whose code-point order is Vietnamese dictionary order.

    Syllable by syllable: letters first (a ă â b c d đ e ê ...), then tones (ngang, huyền, hỏi, ngã,
    sắc, nặng). Equal to the eye means ordered by the text itself, so the order is total.
    """
    syllables = []
    for word in text.lower().split():
        letters, tones = _syllable(word)
        ranked = "".join(_RANKS.get(letter, letter) for letter in letters if letter.isalnum())
        syllables.append(f"{ranked} {tones or '0'}")
    return "".join(syllables) + "\x01" + unicodedata.normalize("NFC", text)


def nearest(text: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """The candidates most like the text, best first; none that has little in common with it.

    Compared without marks, case and spaces, with and without the kind of unit before the name.
    """
    return [name for _, name in likest(text, candidates, limit)]


def likest(text: str, candidates: Iterable[str], limit: int = 3) -> list[tuple[float, str]]:
    """The candidates most like the text with their likeness, 0.6 to 1, best first."""
    matchers = []
    for form in _forms(text[:NEAREST_TEXT_MAX]):
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(form)  # what is compared again and again is indexed once
        matchers.append(matcher)
    scored = [(_likeness(matchers, name), name) for name in dict.fromkeys(candidates)]
    good = sorted(
        (item for item in scored if item[0] >= NEAREST_RATIO_MIN),
        key=lambda item: (-item[0], sort_key(item[1])),
    )
    return good[:limit]


def _likeness(matchers: Sequence[SequenceMatcher[str]], candidate: str) -> float:
    best = 0.0
    for matcher, form in zip(matchers, _forms(candidate), strict=True):
        matcher.set_seq1(form)
        floor = max(best, NEAREST_RATIO_MIN)
        if matcher.real_quick_ratio() >= floor and matcher.quick_ratio() >= floor:
            best = max(best, matcher.ratio())
    return best


@lru_cache(maxsize=65_536)
def _forms(text: str) -> tuple[str, str]:
    key = search_key(text)
    return squashed(key), squashed(without_kind(key))


def squashed(key: str) -> str:
    """A search key without spaces and signs, because printed lists write "A Xan" and "Axan"."""
    return "".join(sign for sign in key if sign.isalnum())


def _syllable(word: str) -> tuple[str, str]:
    decomposed = unicodedata.normalize("NFD", word)
    letters = "".join(sign for sign in decomposed if sign not in TONES)
    tones = "".join(TONES[sign] for sign in decomposed if sign in TONES)
    return unicodedata.normalize("NFC", letters), tones


def _unmarked(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


_KIND = re.compile(
    r"^(?:" + "|".join(_unmarked(kind).replace("đ", "d") for kind in KINDS) + r"|tp|tx|tt)[ .]+ *"
)
