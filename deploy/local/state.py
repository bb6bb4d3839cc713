"""The folder that holds everything an instance keeps, who runs on it, and what the last run found out."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.postgres import postgres_home
from deploy.local.spawn import CannotStart, unprivileged_account

FOLDER = ".fundtrail"
LOCK = "launcher.lock"
RUN = "run.json"


@dataclass(frozen=True, slots=True)
class Home:
    """The state folder and the places in it."""

    root: Path

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        """Passwords, readable by their owner only."""
        return self.root / "secrets"

    @property
    def passwords(self) -> Path:
        """The passwords of the database roles."""
        return self.secrets / "databases.json"

    @property
    def addresses(self) -> Path:
        """The addresses of databases and bus, with their passwords."""
        return self.secrets / "addresses.json"

    @property
    def run(self) -> Path:
        """What the last run found out; no secret stands here."""
        return self.root / RUN

    def keys(self, service: str) -> Path:
        """The key files of one service."""
        return self.root / "keys" / service

    def outside(self, name: str) -> Path:
        """The folder of a process that stands for somebody else."""
        return self.root / "outside" / name


def home_of(environment: Mapping[str, str]) -> Home:
    """The state folder that the environment names, else `.fundtrail` where we stand."""
    return Home(Path(environment.get("FUNDTRAIL_HOME") or FOLDER).resolve())


@contextlib.contextmanager
def hold(home: Home) -> Iterator[None]:
    """The state belongs to this process alone; the kernel lets go when it dies, however it dies.

    Raises: CannotStart where another launcher holds it or the folder cannot be written.
    """
    _make(home)
    with (home.root / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(
                f"Another launcher (process {lock.read().strip() or 'unknown'}) runs on {home.root}. "
                "Use that one, stop it with Ctrl-C, or set FUNDTRAIL_HOME to another folder for a second one."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
        lock.truncate(0)


def write_json(path: Path, content: Mapping[str, Any], mode: int = 0o644) -> None:
    """The file holds the content; whoever reads it sees the old or the new, never half."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")
    partial.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The content, empty where there is no such file."""
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


def note(home: Home, facts: Mapping[str, Any]) -> None:
    """`run.json` holds these facts beside those it held."""
    write_json(home.run, {**read_json(home.run), **facts})


def reset(home: Home) -> list[Path]:
    """The folders that were removed: the state, and the database's where it had to stand elsewhere.

    Raises: CannotStart where a launcher runs on it.
    """
    if not home.root.exists():
        return []
    with hold(home):
        moved = postgres_home(home.root, unprivileged_account()).parent
        removed = [folder for folder in dict.fromkeys((moved, home.root)) if folder.exists()]
        for folder in removed:
            shutil.rmtree(folder)
    return removed


def _make(home: Home) -> None:
    try:
        for folder in (home.root, home.logs, home.secrets):
            folder.mkdir(parents=True, exist_ok=True)
        home.secrets.chmod(0o700)
    except OSError as error:
        raise CannotStart(
            f"{home.root} cannot be written ({error.strerror}). Set FUNDTRAIL_HOME to a folder of yours."
        ) from error
