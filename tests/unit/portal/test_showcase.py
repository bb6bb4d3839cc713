"""The page `/design` shows every part that pages are made of."""

from __future__ import annotations

import re

from services.portal.look.language import PORTAL

PARTS = PORTAL / "look" / "templates" / "look" / "parts.html"
DESIGN = PORTAL / "showcase" / "templates" / "showcase" / "design.html"
# What others are put together from, what every page shows by itself, and what only who signed in is asked.
INSIDE = {"hidden", "fault_text", "problem", "field_id", "fault_of", "faults", "once_more"}


def test_every_part_is_shown() -> None:
    parts = set(re.findall(r"{% macro (\w+)\(", PARTS.read_text()))
    assert parts > INSIDE
    assert parts - INSIDE == set(re.findall(r"parts\.(\w+)\(", DESIGN.read_text()))
