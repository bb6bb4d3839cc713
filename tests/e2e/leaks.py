"""Looks through logs for what must not stand in them: a person's values, passwords, tokens and keys."""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from deploy.local.state import Home

NAME_WORDS = 3  # a shorter name is a word like any other
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
WORD = re.compile(r"\w+")
TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
LONG_ENOUGH = 6  # letters; shorter values are found in anything
ACCOUNTS = ("first-administrator.json", "notifications-account.json", "demo/accounts.json")
SAID_ALOUD = frozenset({"username", "user_id"})  # an account's name and id may stand in a log

PERSONAL_VALUES = {
    "beneficiaries": """
        SELECT full_name FROM persons UNION SELECT identity_number FROM persons
        UNION SELECT account_number FROM persons
    """,
    "portal": "SELECT email FROM users UNION SELECT phone FROM users",
}


@dataclass(frozen=True, slots=True)
class Leak:
    """A value in a file that must not hold it; the value itself is not repeated whole."""

    file: str
    line: int
    value: str


class Scanner:
    """Knows the values to look for, and finds them however they are written."""

    def __init__(self, values: Iterable[str], secrets: Iterable[str] = ()) -> None:
        plain = {_plain(value) for value in values if value}
        words = {tuple(WORD.findall(value)) for value in plain if "@" not in value}
        self._single = {" ".join(one) for one in words if len(one) == 1 and len(one[0]) >= LONG_ENOUGH}
        self._several = {one for one in words if len(one) >= NAME_WORDS}
        # An e-mail address has two or three words; it is looked for as it is written.
        self._exact = {value for value in plain if "@" in value}
        self._exact |= {_plain(secret) for secret in secrets if len(secret) >= LONG_ENOUGH}
        self._lengths = {len(one) for one in self._several}

    def __len__(self) -> int:
        return len(self._single) + len(self._several) + len(self._exact)

    def folder(self, folder: Path) -> list[Leak]:
        """Every leak in every log of a folder."""
        return [leak for path in sorted(folder.glob("*.log")) for leak in self.file(path)]

    def file(self, path: Path) -> list[Leak]:
        """Every leak in one file."""
        with path.open(encoding="utf-8", errors="replace") as lines:
            return [
                Leak(path.name, number, f"{value[:4]}...")
                for number, line in enumerate(lines, 1)
                for value in self.found(line)
            ]

    def found(self, line: str) -> Iterator[str]:
        """What a line holds that it must not."""
        yield from (match[0] for match in TOKEN.finditer(line))
        plain = _plain(line)
        words = WORD.findall(plain)
        yield from self._single.intersection(words)
        for length in self._lengths:
            grams = {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}
            yield from (" ".join(one) for one in self._several & grams)
        yield from (value for value in self._exact if value in plain)


def scanner_of(home: Home) -> Scanner:
    """A scanner that knows every person and every secret of an instance."""
    return Scanner(_personal(home), _secrets(home))


def _personal(home: Home) -> Iterator[str]:
    addresses = json.loads(home.addresses.read_text())
    for service, query in PERSONAL_VALUES.items():
        engine = create_engine(addresses[service]["reader"])
        with engine.connect() as connection:
            yield from (value for value in connection.scalars(text(query)) if value)
        engine.dispose()


def _secrets(home: Home) -> Iterator[str]:
    yield from json.loads(home.passwords.read_text()).values()
    for name in ACCOUNTS:
        yield from _texts(json.loads((home.root / name).read_text()))
    for path in (home.root / "keys").rglob("*"):
        if path.is_file():
            yield from _key_material(path.read_bytes())


def _key_material(content: bytes) -> Iterator[str]:
    """A key as somebody would write it: its lines where it is text, else in hexadecimal or as base 64."""
    if b"-----BEGIN" in content:
        yield from (line for line in content.decode().splitlines() if "-----" not in line)
    else:
        yield content.hex()
        yield base64.b64encode(content).decode()


def _texts(content: object, name: str = "") -> Iterator[str]:
    """Every text within, but for what may be said aloud."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _texts(value, key)
    elif isinstance(content, str) and name not in SAID_ALOUD:
        yield content


def _plain(written: str) -> str:
    """The same letters, however they were written: escaped, composed or not, large or small."""
    unescaped = ESCAPED.sub(lambda found: chr(int(found[1], 16)), written)
    return unicodedata.normalize("NFC", unescaped).casefold()
