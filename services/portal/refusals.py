"""What a violated constraint means in this service's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.kernel.errors import Conflict, Rejected

REFUSALS: Mapping[str, Callable[[], Rejected]] = {
    "uq_users_username": lambda: Conflict("username_taken", "This user name is taken; choose another."),
}
