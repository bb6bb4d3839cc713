"""The file of the containers as a container engine would understand it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
IMAGE = "fundtrail:"


@cache
def described() -> dict[str, Any]:
    """The file as it stands, aliases and merges resolved."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return content


def containers() -> dict[str, dict[str, Any]]:
    """Every container by its name."""
    found: dict[str, dict[str, Any]] = described()["services"]
    return found


def own() -> dict[str, dict[str, Any]]:
    """The containers of our own image."""
    return {name: one for name, one in containers().items() if one["image"].startswith(IMAGE)}


def processes() -> dict[str, dict[str, Any]]:
    """Those of them that are a role of a service."""
    return {name: one for name, one in own().items() if str(one["command"][2]).startswith("services.")}


def filled_in(text: str, given: Mapping[str, str] | None = None) -> str:
    """A text with its variables replaced: by what is given, else by their defaults."""
    values = given or {}
    return VARIABLE.sub(lambda found: values.get(found[1]) or found[2] or "", text).replace("$$", "$")


def env_file(name: str) -> dict[str, str]:
    """The variables of one of the files for `--env-file`."""
    lines = (ROOT / "deploy" / "images" / name).read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {key: value for key, _, value in pairs}


def environment(container: Mapping[str, Any], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the process in a container finds in its environment."""
    return {name: filled_in(str(value), given) for name, value in container.get("environment", {}).items()}


def secrets_of(container: Mapping[str, Any]) -> dict[str, str]:
    """Where a container finds each of its secrets, by the secret's name."""
    found = {}
    for one in container.get("secrets", []):
        name = one if isinstance(one, str) else one["source"]
        found[name] = f"/run/secrets/{name}" if isinstance(one, str) else one["target"]
    return found
