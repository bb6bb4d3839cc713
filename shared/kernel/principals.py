"""Who acts, as far as a service knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or service that signed in: who, for which unit, with which permissions in which units."""

    subject: str
    name: str
    unit: str | None
    grants: Mapping[str, tuple[str, ...]]

    def units_for(self, permission: str) -> tuple[str, ...]:
        """The units a permission is held for, each with everything below it; empty where it is not held."""
        return self.grants.get(permission, ())
