"""What a violated constraint means in this service's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.kernel.errors import Conflict, Rejected

REFUSALS: Mapping[str, Callable[[], Rejected]] = {
    "pk_log_state": lambda: Conflict(
        "log_begun", "This database already holds a log; a second one needs a database of its own."
    ),
}
