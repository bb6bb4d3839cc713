"""What a process is told by its environment, and by nothing else. `docs/operations.md` lists every name.

A value that must not stand in an environment is given as a file: the name with `_FILE` behind it holds the
path of a file whose first line is the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "FUNDTRAIL_"
IN_A_FILE = "_FILE"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that every service process shares; a missing one without default stops the start."""

    database_url: str
    bus_url: str
    member: str | None
    issuer: str
    jwks_url: str
    audience: str
    state_dir: Path
    keys_dir: Path
    host: str
    port: int
    health_port: int
    api_workers: int
    api_threads: int
    log_level: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings found in an environment.

        Raises: SettingMissing with the name that is missing, or whose file cannot be read.
        """
        get = _Reader(environment)
        state_dir = Path(get("STATE_DIR", ".fundtrail"))
        return cls(
            database_url=get("SERVICE_DATABASE_URL"),
            bus_url=get("BUS_URL"),
            member=get("MEMBER", "") or None,
            issuer=get("ISSUER"),
            jwks_url=get("JWKS_URL"),
            audience=get("AUDIENCE", "fundtrail"),
            state_dir=state_dir,
            keys_dir=Path(get("KEYS_DIR", str(state_dir / "keys"))),
            host=get("HOST", "127.0.0.1"),
            port=int(get("PORT", "0")),
            health_port=int(get("HEALTH_PORT", "0")),
            api_workers=int(get("API_WORKERS", "1")),
            api_threads=int(get("API_THREADS", "8")),
            log_level=get("LOG_LEVEL", "INFO"),
        )


class SettingMissing(Exception):
    """A setting that has no sensible default was not given."""


class _Reader:
    """Reads names with our prefix."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __call__(self, name: str, default: str | None = None) -> str:
        given = self._environment.get(PREFIX + name)
        path = self._environment.get(PREFIX + name + IN_A_FILE)
        if path is not None:
            if given is not None:
                raise SettingMissing(f"Set {PREFIX}{name} or {PREFIX}{name}{IN_A_FILE}, not both.")
            return _first_line(PREFIX + name + IN_A_FILE, Path(path))
        value = default if given is None else given
        if value is None:
            raise SettingMissing(
                f"Set {PREFIX}{name}, or {PREFIX}{name}{IN_A_FILE} to a file that holds it; "
                "docs/operations.md says what it means."
            )
        return value


def _first_line(name: str, path: Path) -> str:
    """The value that a file holds; a line end behind it does not belong to it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingMissing(
            f"{name} names {path}, which cannot be read ({type(error).__name__}); make it readable."
        ) from error
    if not lines or not lines[0]:
        raise SettingMissing(f"{name} names {path}, which is empty; its first line must be the value.")
    return lines[0]


def owner_database_url(environment: Mapping[str, str]) -> str:
    """The address with which `migrate` owns the tables."""
    return _Reader(environment)("OWNER_DATABASE_URL")


def bus_url(environment: Mapping[str, str]) -> str:
    """The address of the bus, for those who need nothing else."""
    return _Reader(environment)("BUS_URL")
