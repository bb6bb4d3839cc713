"""Where backups go, how many stay, and how often one is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from deploy.backup.shelf import Shelf
from deploy.local.state import Home
from shared.kernel.errors import Rejected

FOLDER = "backups"
KEY_FILE = "backup.key"
KEEP = 14
EVERY_HOURS = 24
SAME_DISK = (
    "{folder} is on the same disk as the instance, and so no second place yet: name one with "
    "FUNDTRAIL_BACKUP_DIR or --to."
)


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """What the environment says about backups."""

    shelf: Shelf
    keep: int
    every: timedelta
    warning: str | None

    @property
    def scheduled(self) -> bool:
        """Whether the launcher takes backups by itself."""
        return self.every > timedelta(0)


def settings_of(home: Home, environment: Mapping[str, str], to: str | None = None) -> BackupSettings:
    """The settings; `to` goes before what the environment names.

    Raises: Rejected setting_malformed.
    """
    given = to or environment.get("FUNDTRAIL_BACKUP_DIR")
    folder = Path(given).resolve() if given else home.root / FOLDER
    keep = _number(environment, "FUNDTRAIL_BACKUP_KEEP", KEEP, 1)
    hours = _number(environment, "FUNDTRAIL_BACKUP_HOURS", EVERY_HOURS, 0)
    warning = SAME_DISK.format(folder=folder) if _same_disk(folder, home.root) else None
    shelf = Shelf(folder, home.root / "keys" / KEY_FILE)
    return BackupSettings(shelf, int(keep), timedelta(hours=hours), warning)


def _number(environment: Mapping[str, str], name: str, default: float, least: float) -> float:
    given = environment.get(name) or str(default)
    try:
        number = float(given)
    except ValueError:
        number = -1.0
    if not least <= number < float("inf"):
        raise Rejected(
            "setting_malformed", f"{name}={given} is no number from {least:g} on; correct or unset it."
        )
    return number


def _same_disk(folder: Path, root: Path) -> bool:
    """Whether both lie on one file system; what does not exist yet comes to lie where its parent does."""
    there, here = (_nearest(path).stat().st_dev for path in (folder, root))
    return there == here


def _nearest(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())
