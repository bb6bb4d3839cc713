"""How the parts stand: what is ready, what lags, what waits for an operator, how old the last backup is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LISTENERS = ("allocation", "beneficiaries", "notifications", "portal")  # audit's intake puts nothing aside
PARTS = ("portal", "allocation", "beneficiaries", "notifications", "audit")
AGE = "fundtrail_backup_age_seconds"
HOUR_S = 3_600
OLD_AFTER_HOURS = 36  # as the alarm BackupTooOld has it
LATE_AFTER_S = 60  # a process signs every ten seconds, and no loop of one stands still for longer
# The processes that each service has beside its API.
ROLES: Mapping[str, tuple[str, ...]] = {
    "portal": ("worker",),
    "allocation": ("worker",),
    "beneficiaries": ("worker", "jobs"),
    "notifications": ("worker",),
    "audit": ("worker",),
}
API, PAGES = "api", "pages"


@dataclass(frozen=True, slots=True)
class Part:
    """One service. What is None is not known, as the service or audit does not answer."""

    name: str
    ready: bool
    written: int | None = None
    sent: int | None = None
    logged: int | None = None
    quarantined: int | None = None
    more_quarantined: bool = False

    @property
    def unsent(self) -> int | None:
        """Rows of the journal that the relay has not sent."""
        return None if self.written is None or self.sent is None else max(self.written - self.sent, 0)

    @property
    def unlogged(self) -> int | None:
        """Rows of the journal that audit has not taken."""
        return None if self.written is None or self.logged is None else max(self.written - self.logged, 0)


@dataclass(frozen=True, slots=True)
class Process:
    """One process and its last sign of life. Units: `age_s` seconds; None where no sign is there.

    `known`: whether its service could be asked at all. `slowest` is the loop that went round longest ago.
    """

    service: str
    role: str
    member: str = ""
    age_s: int | None = None
    started_at: str | None = None
    slowest: str = ""
    known: bool = True

    @property
    def late(self) -> bool:
        """Whether somebody must look after it."""
        return self.known and (self.age_s is None or self.age_s > LATE_AFTER_S)


@dataclass(frozen=True, slots=True)
class Backup:
    """The last good backup. `told`: whether its age is known at all; `hours` is None where there is none."""

    told: bool
    hours: int | None = None

    @property
    def too_old(self) -> bool:
        """Whether somebody must look after it."""
        return self.told and (self.hours is None or self.hours >= OLD_AFTER_HOURS)


def part(
    name: str,
    *,
    ready: bool,
    head: Mapping[str, Any] | None,
    log: Mapping[str, Any] | None,
    aside: Mapping[str, Any] | None,
) -> Part:
    """One service, from what it says of its journal and of its quarantine, and what the log says of it."""
    return Part(
        name,
        ready,
        written=head["position"] if head else None,
        sent=head["sent"] if head else None,
        logged=logged(log, name, head["epoch"]) if log and head else None,
        quarantined=len(aside["items"]) if aside else None,
        more_quarantined=bool(aside and aside["next_cursor"]),
    )


def processes(name: str, *, ready: bool, signs: Mapping[str, Any] | None) -> list[Process]:
    """The processes of a service: its API, which answers or not, and the others by the signs they left."""
    found = [_process(name, one) for one in signs["items"]] if signs else []
    missing = [role for role in ROLES[name] if role not in {one.role for one in found}]
    api = Process(name, API, age_s=0 if ready else None)
    return [api, *found, *(Process(name, role, known=signs is not None) for role in missing)]


def _process(name: str, sign: Mapping[str, Any]) -> Process:
    return Process(
        name, sign["role"], sign["member"], int(sign["age_s"]), str(sign["started_at"]), str(sign["slowest"])
    )


def logged(log: Mapping[str, Any], name: str, epoch: int) -> int:
    """Up to which position audit has taken the journal of a service."""
    found = [one for one in log["sources"] if one["source"] == name and one["epoch"] == epoch]
    return int(found[-1]["position"]) if found else 0


def backup_of(figures: str) -> Backup:
    """The age of the last backup in a page of figures for Prometheus."""
    for line in figures.splitlines():
        if line.startswith(f"{AGE} "):
            age_s = float(line.removeprefix(f"{AGE} "))
            return Backup(told=True, hours=None if math.isinf(age_s) else int(age_s // HOUR_S))
    return Backup(told=False)
