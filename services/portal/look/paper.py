"""What papers of all rooms share: their language, and a code that leads back to where they came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import segno
from flask_babel import force_locale
from markupsafe import Markup

from services.portal.look.language import current, words_in

LANGUAGE = "vi"  # of what is signed and stamped


@dataclass(frozen=True, slots=True)
class Aside:
    """What stands beside a paper on the screen alone: words in the language of who looks."""

    language: str

    @property
    def foreign(self) -> bool:
        """Whether who looks may not understand what the paper itself says."""
        return self.language != LANGUAGE

    def __call__(self, name: str, /, **values: object) -> str:
        """The text of that name."""
        return words_in(self.language, name, **values)


@contextmanager
def on_paper() -> Iterator[Aside]:
    """Words, names and figures are those of a paper while the block runs, whatever language is chosen."""
    aside = Aside(current())
    with force_locale(LANGUAGE):
        yield aside


def qr_code(address: str, title: str) -> Markup:
    """A QR code of an address as an element of the page; it brings no style of its own."""
    drawn = segno.make_qr(address, error="m")
    svg = drawn.svg_inline(omitsize=True, svgclass=None, lineclass=None, border=2, title=title)
    return Markup(svg)  # noqa: S704 - segno escapes the title, the rest is a path of numbers
