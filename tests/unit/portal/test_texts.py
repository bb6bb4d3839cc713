"""Every text of a page stands in both catalogues, none is there for nothing, none stands in a template."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from services.portal.look.language import LANGUAGES, PORTAL

ASKED = re.compile(r"""(?:\b_|\bwords)\(\s*f?["']([a-z_]+\.[a-z0-9_.]*[a-z0-9_])["']\s*[,)]""")
BUILT = re.compile(r"""(?:\b_|\bwords)\(\s*f?["']([a-z_]+\.[a-z0-9_]*?)(?:["']\s*~|\{)""")
WHOLE = re.compile(r"""["']([a-z_]+(?:\.[a-z_]+)*)["']""")
QUOTED = re.compile(r"""["']([a-z_]+\.[a-z0-9_.]+)["']""")
PLACE = re.compile(r"%\((\w+)\)s")
TEMPLATES = sorted(PORTAL.glob("*/templates/**/*.html"))
CODE = sorted(path for path in PORTAL.rglob("*.py") if "node_modules" not in path.parts)
# Between tags, outside of {{ }} and {% %}: what a reader would see.
COMMANDS = r"<(code|pre)\b.*?</\1>|&\w+;"  # what is typed elsewhere, and signs
MARKUP = re.compile(
    COMMANDS + r"|\{% block main_class %\}.*?\{% endblock %\}|\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|<[^>]*>",
    re.DOTALL,
)
NAMES = {"English", "Tiếng Việt", "Fundtrail"}


def rooms() -> list[str]:
    return sorted(path.parent.parent.name for path in PORTAL.glob("*/texts/vi.po"))


def read(room: str, language: str) -> Catalog:
    with (PORTAL / room / "texts" / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def texts(language: str) -> dict[str, str]:
    return {str(one.id): str(one.string) for room in rooms() for one in read(room, language) if one.id}


def sources() -> Iterator[tuple[Path, str]]:
    for path in (*TEMPLATES, *CODE):
        yield path, path.read_text()


@pytest.mark.parametrize("room", rooms())
def test_both_catalogues_have_the_same_texts_with_the_same_places(room: str) -> None:
    found = [
        {str(one.id): str(one.string) for one in read(room, language) if one.id} for language in LANGUAGES
    ]
    assert found[0].keys() == found[1].keys()
    for name in found[0]:
        both = [one[name] for one in found]
        assert all(text.strip() for text in both), name
        assert set(PLACE.findall(both[0])) == set(PLACE.findall(both[1])), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_is_asked_for_is_there(language: str) -> None:
    known = texts(language)
    missing = {
        (path.name, name) for path, text in sources() for name in ASKED.findall(text) if name not in known
    }
    assert missing == set()


def test_no_text_is_there_for_nothing() -> None:
    parts = [name.split(".") for name in texts("vi")]
    groups = {".".join(one[:end]) for one in parts for end in range(1, len(one))} - set(rooms())
    asked: set[str] = set()
    begun: set[str] = set()
    for _, text in sources():
        asked |= set(ASKED.findall(text)) | set(QUOTED.findall(text))
        begun |= set(BUILT.findall(text))
        begun |= {f"{one}." for one in WHOLE.findall(text) if one in groups}
    unused = {
        name for name in texts("vi") if name not in asked and not any(name.startswith(one) for one in begun)
    }
    assert unused == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_words_stand_in_a_template(path: Path) -> None:
    left = MARKUP.sub(" ", path.read_text())
    for name in NAMES:
        left = left.replace(name, "")
    assert re.findall(r"[A-Za-zÀ-ỹ]{2,}", left) == []
