"""Roles: named bundles of permissions, some of which one person may not hold together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from shared.kernel import canonical
from shared.kernel.errors import Denied, Rejected

# Who prepares must not be able to approve or to issue, whatever the unit; who inspects does neither.
INCOMPATIBLE: frozenset[frozenset[str]] = frozenset(
    {
        frozenset({"finance_officer", "finance_approver"}),
        frozenset({"finance_officer", "head"}),
        frozenset({"finance_approver", "head"}),
        frozenset({"benefit_officer", "benefit_approver"}),
        frozenset({"inspector", "finance_officer"}),
        frozenset({"inspector", "finance_approver"}),
        frozenset({"inspector", "head"}),
        frozenset({"inspector", "benefit_officer"}),
        frozenset({"inspector", "benefit_approver"}),
        frozenset({"inspector", "accountant"}),
        frozenset({"administrator", "inspector"}),
    }
)


@dataclass(frozen=True, slots=True)
class Role:
    """A bundle of permissions; `totp` roles need a second factor at sign-in."""

    name: str
    totp: bool
    permissions: tuple[str, ...]


@cache
def catalogue() -> Mapping[str, Role]:
    """Every role by its name."""
    text = files("services.portal.roles").joinpath("data/roles.json").read_bytes()
    return {
        name: Role(name, entry["totp"], tuple(entry["permissions"]))
        for name, entry in canonical.decode(text).items()
    }


def ensure_known(names: Iterable[str]) -> None:
    """Nothing, where every role exists.

    Raises: Rejected role_unknown, naming those that exist.
    """
    unknown = sorted(set(names) - catalogue().keys())
    if unknown:
        raise Rejected(
            "role_unknown",
            f"No role is called {', '.join(unknown)}; there are {', '.join(sorted(catalogue()))}.",
        )


def ensure_compatible(names: Iterable[str]) -> None:
    """Nothing, where one person may hold all of the roles.

    Raises: Denied roles_incompatible, naming the pair.
    """
    held = frozenset(names)
    for pair in sorted(INCOMPATIBLE, key=sorted):
        if pair <= held:
            first, second = sorted(pair)
            raise Denied(
                "roles_incompatible",
                f"One person cannot hold {first} and {second}: who prepares must not check.",
            )


def needs_totp(names: Iterable[str]) -> bool:
    """Whether one of the roles needs a second factor."""
    return any(catalogue()[name].totp for name in names)
