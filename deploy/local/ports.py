"""Which ports of 127.0.0.1 one running instance uses: a block of a hundred, each part at its fixed place."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.spawn import CannotStart

DEFAULT_BASE = 8700
BLOCK = 100
BLOCKS_MAX = 10
API_OFFSETS = {"portal": 0, "allocation": 1, "beneficiaries": 2, "notifications": 3, "audit": 4}
ROLE_OFFSETS = {"api": 0, "worker": 20, "jobs": 40, "pages": 60}
PART_OFFSETS = {
    "postgres": 90,
    "kafka": 92,
    "kafka-controller": 93,
    "smtp": 95,
    "sms": 96,
    "mail": 97,
    "launcher": 98,
}


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the block that begins at `base`."""

    base: int

    def of(self, part: str) -> int:
        """The port of a part that is no service: a key of PART_OFFSETS."""
        return self.base + PART_OFFSETS[part]

    def of_service(self, service: str, role: str = "api") -> int:
        """The port on which a service's process answers: its API, or the health of a worker."""
        return self.base + API_OFFSETS[service] + ROLE_OFFSETS[role]

    def all(self) -> list[int]:
        """Every port that an instance may listen on."""
        services = [self.of_service(service, role) for service in API_OFFSETS for role in ROLE_OFFSETS]
        return sorted([*services, *(self.of(part) for part in PART_OFFSETS)])

    def taken(self) -> list[int]:
        """Those on which somebody listens already."""
        return [port for port in self.all() if not is_free(port)]


def choose_ports(environment: Mapping[str, str]) -> Ports:
    """The block of FUNDTRAIL_PORT_BASE, else the first free one from 8700 on.

    Raises: CannotStart naming the port in the way.
    """
    given = environment.get("FUNDTRAIL_PORT_BASE")
    if given:
        ports = Ports(_number(given))
        if taken := ports.taken():
            raise CannotStart(
                f"Port {taken[0]} is in use. Stop what listens there (`ss -ltnp` names it), or set "
                "FUNDTRAIL_PORT_BASE to another hundred, or unset it to have a free one chosen."
            )
        return ports
    for number in range(BLOCKS_MAX):
        ports = Ports(DEFAULT_BASE + number * BLOCK)
        if not ports.taken():
            return ports
    last = DEFAULT_BASE + BLOCKS_MAX * BLOCK - 1
    raise CannotStart(
        f"No free block of ports was found from {DEFAULT_BASE} to {last}. Stop instances that are not "
        "needed, or set FUNDTRAIL_PORT_BASE to a hundred that is free."
    )


def is_free(port: int) -> bool:
    """Whether we could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do: a closed connection is no user
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _number(given: str) -> int:
    if not given.isdigit() or not 1024 <= int(given) <= 65_535 - BLOCK:
        raise CannotStart(
            f"FUNDTRAIL_PORT_BASE={given} is no port between 1024 and {65_535 - BLOCK}; correct it."
        )
    return int(given)
