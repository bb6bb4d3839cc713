"""The words of pages: two catalogues for each room, read from their .po files when the process starts.

Texts have names (`decisions.approve`), so that no language is the one that others are translated from; a
test holds both catalogues complete.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask_babel import Domain, get_locale

PORTAL = Path(__file__).resolve().parents[1]
LANGUAGES = ("vi", "en")
DEFAULT = LANGUAGES[0]


class Catalogues(Domain):  # type: ignore[misc] # Flask-Babel brings no types
    """The texts of all rooms in the language of the request."""

    def get_translations(self) -> Translations:
        """Those of the language that the visitor chose."""
        return catalogue(current())


TEXTS = Catalogues()


def words(name: str, /, **values: object) -> str:
    """The text of that name, with values put in; the name itself where no catalogue has it."""
    return str(TEXTS.gettext(name, **values))


def words_in(language: str, name: str, /, **values: object) -> str:
    """As `words`, in a language that need not be that of the request."""
    text = str(catalogue(language).gettext(name))
    return text % values if values else text


def current() -> str:
    """The language of this request: `vi` or `en`."""
    chosen = str(get_locale() or DEFAULT)[:2]
    return chosen if chosen in LANGUAGES else DEFAULT


@lru_cache(len(LANGUAGES))
def catalogue(language: str) -> Translations:
    """All texts of a language."""
    merged = Catalog(locale=language, domain="messages")
    for path in sorted(PORTAL.glob(f"*/texts/{language}.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    merged.add(message.id, message.string)
    written = BytesIO()
    write_mo(written, merged)
    written.seek(0)
    return Translations(written)
