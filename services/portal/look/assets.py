"""What browsers load beside a page: ours, and what npm brought; read once, compressed, kept for ever under a
name that changes with the content.

govuk-frontend is used without its crown, its typeface and its colours, which belong to one government alone.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.settings import SettingMissing

PORTAL = Path(__file__).resolve().parents[1]
MODULES = PORTAL / "browser" / "node_modules"
STYLES = PORTAL / "look" / "styles"
CSS, SCRIPT = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
FONT_FACE = re.compile(r"@font-face\{[^}]*\}")
FOREIGN_FONT = re.compile(r"GDS Transport,\s*")
SOURCE_MAP = re.compile(r"(/\*# sourceMappingURL=[^*]*\*/|//# sourceMappingURL=\S+)\s*$")
DIGEST_CHARS = 12
FOR_EVER = "public, max-age=31536000, immutable"

SOURCES: Mapping[str, tuple[Path, str]] = {
    "govuk-frontend.css": (MODULES / "govuk-frontend/dist/govuk/govuk-frontend.min.css", CSS),
    "govuk-frontend.js": (MODULES / "govuk-frontend/dist/govuk/govuk-frontend.min.js", SCRIPT),
    "htmx.js": (MODULES / "htmx.org/dist/htmx.min.js", SCRIPT),
    "tus.js": (MODULES / "tus-js-client/dist/tus.min.js", SCRIPT),
    "fundtrail.css": (STYLES / "fundtrail.css", CSS),
    "paper.css": (STYLES / "paper.css", CSS),
    "fundtrail.js": (STYLES / "fundtrail.js", SCRIPT),
    "uploads.js": (STYLES / "uploads.js", SCRIPT),
    "mark.svg": (STYLES / "mark.svg", "image/svg+xml"),
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file for browsers. Shape: `name` has a part of its SHA-256 in it; `zipped` is its gzip."""

    name: str
    content: bytes
    zipped: bytes
    media_type: str


def load() -> dict[str, Asset]:
    """Every asset by its plain name. Raises: SettingMissing where npm has not brought what it should."""
    return {name: _asset(name, *source) for name, source in SOURCES.items()}


def _asset(name: str, path: Path, media_type: str) -> Asset:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingMissing(
            f"{path} is missing, and pages cannot do without it. Run `npm ci` in services/portal/browser."
        ) from error
    content = _without_what_is_not_ours(text).encode()
    digest = hashlib.sha256(content).hexdigest()[:DIGEST_CHARS]
    stem, _, suffix = name.rpartition(".")
    return Asset(f"{stem}.{digest}.{suffix}", content, gzip.compress(content, mtime=0), media_type)


def _without_what_is_not_ours(text: str) -> str:
    return SOURCE_MAP.sub("", FOREIGN_FONT.sub("", FONT_FACE.sub("", text)))
