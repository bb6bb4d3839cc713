"""`python -m services.<name> api|worker|jobs|migrate`: one way in for every process of every service.

A role names the function that runs it as `module:function`, and only that module is imported: a worker then
carries no web framework, which saves it half a second and twenty megabytes.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module

from shared.settings import SettingMissing, Settings
from shared.telemetry.logs import configure

GARBAGE_AFTER = 50_000  # objects more than were freed since it was last looked for


def main(service: str, roles: Mapping[str, str]) -> int:
    """The exit status of the role that the command line names."""
    arguments = sys.argv[1:]
    if len(arguments) != 1 or arguments[0] not in roles:
        sys.stderr.write(f"Usage: python -m services.{service} {'|'.join(roles)}\n")
        return 2
    try:
        settings = Settings.from_environment(os.environ)
        configure(service, arguments[0], settings.log_level)
        status: int = _role(roles[arguments[0]])(settings)
    except SettingMissing as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return status


def spare_the_collector() -> None:
    """Let garbage in cycles be looked for seldom; everything else is freed at once, as it always is.

    Batches of thousands of rows are no garbage while they last, and looking at them all again and again took
    a third of a payroll's time (docs/PERFORMANCE.md).
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, 20, 50)


def _role(place: str) -> Callable[[Settings], int]:
    """The function at `module:function`; what its import makes is never taken for garbage."""
    module, _, function = place.partition(":")
    gc.disable()
    try:
        role: Callable[[Settings], int] = getattr(import_module(module), function)
    finally:
        spare_the_collector()
        gc.enable()
    return role
