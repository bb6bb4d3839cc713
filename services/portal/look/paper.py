"""What papers of all rooms bear: a code that leads back to where they came from."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr_code(address: str, title: str) -> Markup:
    """A QR code of an address as an element of the page; it brings no style of its own."""
    drawn = segno.make_qr(address, error="m")
    svg = drawn.svg_inline(omitsize=True, svgclass=None, lineclass=None, border=2, title=title)
    return Markup(svg)  # noqa: S704 - segno escapes the title, the rest is a path of numbers
