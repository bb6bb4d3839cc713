"""Who may do what in Kafka: the one list, from which a secured cluster is set up and which tests try out.

A service writes its own two topics and makes them anew when they are lost. It reads them too: its relay
looks at its own newest record, to notice that its database was restored. Beyond that it reads the events it
works on; only audit reads what others put on their trail. Nobody deletes a topic but the administrator.

`python -m deploy.kafka.acl` makes the topics and brings the cluster's list to this one. Idempotent.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import KafkaError

from deploy.local.plan import topics
from shared.bus import kafka_address
from shared.bus.open import open_bus
from shared.kernel.errors import Unavailable
from shared.settings import SettingMissing, bus_url

ADMINISTRATOR = "administrator"
ANY_HOST = "*"
TIMEOUT_MS = 30_000
KINDS = ("events", "trail")

# Whose events each service works on; every service but audit also hears audit's requests to send rows again.
READS: Mapping[str, tuple[str, ...]] = {
    "allocation": ("beneficiaries", "audit"),
    "beneficiaries": ("allocation", "audit"),
    "notifications": ("allocation", "beneficiaries", "audit"),
    "audit": ("allocation", "beneficiaries", "notifications", "portal"),
    "portal": ("allocation", "audit"),
}
READS_TRAILS = frozenset({"audit"})

OWN = (ACLOperation.WRITE, ACLOperation.READ, ACLOperation.CREATE)  # each carries the right to describe
FOREIGN = (ACLOperation.READ,)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one user may do with one topic, or with the place that its group has in topics."""

    user: str
    kind: ResourceType
    name: str
    operation: ACLOperation

    def acl(self) -> ACL:
        """The rule as Kafka stores it."""
        return ACL(
            principal=f"User:{self.user}",
            host=ANY_HOST,
            operation=self.operation,
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=ResourcePattern(self.kind, self.name),
        )


def rules() -> list[Rule]:
    """Every rule of every service."""
    return [rule for service in READS for rule in _rules_of(service)]


def _rules_of(service: str) -> list[Rule]:
    own = [f"{service}.{kind}.v1" for kind in KINDS]
    kinds = KINDS if service in READS_TRAILS else ("events",)
    foreign = [f"{other}.{kind}.v1" for other in READS[service] for kind in kinds]
    return [
        Rule(service, ResourceType.GROUP, service, ACLOperation.READ),
        *(Rule(service, ResourceType.TOPIC, name, one) for name in own for one in OWN),
        *(Rule(service, ResourceType.TOPIC, name, one) for name in foreign for one in FOREIGN),
    ]


def apply(url: str) -> tuple[int, int]:
    """How many rules the cluster at an address lacked and how many it had too many; it has ours now.

    Raises: KafkaError; ValueError where a rule was not taken.
    """
    address = kafka_address.parse(url)
    admin = KafkaAdminClient(
        bootstrap_servers=list(address.servers),
        client_id="fundtrail-acl",
        bootstrap_timeout_ms=TIMEOUT_MS,
        request_timeout_ms=TIMEOUT_MS,
        **address.security,
    )
    try:
        wanted = {rule.acl() for rule in rules()}
        found = set(admin.describe_acls(_everything())[0])
        _create(admin, list(wanted - found))
        surplus = list(found - wanted)
        if surplus:
            admin.delete_acls([_exactly(acl) for acl in surplus])
        return len(wanted - found), len(surplus)
    finally:
        admin.close()


def _create(admin: Any, acls: Sequence[ACL]) -> None:  # noqa: ANN401 - kafka-python brings no types
    if acls and (failed := admin.create_acls(acls)["failed"]):
        raise ValueError(f"Kafka did not take {len(failed)} of {len(acls)} rules; the first: {failed[0]}.")


def _everything() -> ACLFilter:
    pattern = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    return ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, pattern)


def _exactly(acl: ACL) -> ACLFilter:
    place = acl.resource_pattern
    pattern = ResourcePatternFilter(place.resource_type, place.resource_name, place.pattern_type)
    return ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, pattern)


def main() -> int:
    """The exit status once topics and rules are there."""
    try:
        url = bus_url(os.environ)
        missing, surplus = apply(url)
        bus = open_bus(url, "fundtrail-acl")
        bus.ensure_topics(topics())
        bus.close()
    except (KafkaError, SettingMissing, Unavailable, ValueError) as error:
        sys.stderr.write(f"The rights in Kafka were not set: {error}\n")
        return 1
    sys.stdout.write(f"Kafka has the topics and {len(rules())} rules: {missing} added, {surplus} removed.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
