"""What a test must know of a page to look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Ask = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Known:
    """Who looks at a page, where it is, and one stored fact that stands on it."""

    username: str | None
    path: str
    fact: str
