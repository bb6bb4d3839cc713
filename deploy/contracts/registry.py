"""Every event that some service records, found in the code: nobody keeps a list of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import getdoc
from types import ModuleType
from typing import Any

import services
import shared

TRAIL = "trail"
EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Published:
    """One event type: its class, and the topics on which it is sent."""

    event: type[Any]
    topics: tuple[str, ...]

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        found: str = self.event.TYPE
        return found

    @property
    def key(self) -> str:
        """The field whose value is the record's key."""
        found: str = self.event.KEY
        return found

    @property
    def subjects(self) -> tuple[str, ...]:
        """The fields by which the audit log can be searched."""
        found: tuple[str, ...] = self.event.SUBJECTS
        return found

    @property
    def summary(self) -> str:
        """When it is recorded, in the words of the code."""
        return " ".join((getdoc(self.event) or "").split())


def service_names() -> list[str]:
    """Every service, by the names of their packages."""
    return sorted(found.name for found in pkgutil.iter_modules(services.__path__) if found.ispkg)


def published() -> list[Published]:
    """Every event, in the order of the types.

    What a service tells goes to its own topic. What the parts that all services share tell is about attempts
    and the work of operators: it goes to the trail of every service.
    """
    names = service_names()
    found = [
        Published(event, (f"{service}.{getattr(event, 'TOPIC', EVENTS)}.v1",))
        for service in names
        for event in _events_below(importlib.import_module(f"services.{service}"))
    ]
    everywhere = tuple(f"{service}.{TRAIL}.v1" for service in names)
    found += [Published(event, everywhere) for event in _events_below(shared)]
    return sorted(found, key=lambda one: one.type)


def _events_below(package: ModuleType) -> Iterator[type[Any]]:
    for feature in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if feature.ispkg:
            inside = importlib.import_module(feature.name).__path__
            if any(module.name == "events" for module in pkgutil.iter_modules(inside)):
                yield from _events_in(importlib.import_module(f"{feature.name}.events"))


def _events_in(module: ModuleType) -> Iterator[type[Any]]:
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "TYPE"):
            yield value
