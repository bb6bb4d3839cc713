"""Which bus an instance uses, and why; the answer is printed, so that nobody has to guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.kafka import Tools, find_tools
from deploy.local.spawn import CannotStart

CLUSTER = "kafka-cluster"
LOCAL_KAFKA = "kafka"
POSTGRES = "postgresql"


@dataclass(frozen=True, slots=True)
class BusChoice:
    """The kind of bus, the reason as a sentence, and what its start needs."""

    kind: str
    why: str
    url: str | None = None
    tools: Tools | None = None


def choose_bus(environment: Mapping[str, str]) -> BusChoice:
    """A cluster that is named, else Apache Kafka run here, else PostgreSQL.

    Raises: CannotStart where Kafka is required and cannot be had, or FUNDTRAIL_BUS names no bus.
    """
    servers = environment.get("KAFKA_BOOTSTRAP_SERVERS")
    if servers:
        return BusChoice(CLUSTER, "KAFKA_BOOTSTRAP_SERVERS names a cluster", f"kafka://{servers}")
    wanted = environment.get("FUNDTRAIL_BUS", "")
    if wanted not in {"", POSTGRES}:
        raise CannotStart(f"FUNDTRAIL_BUS={wanted} is unknown; set it to {POSTGRES}, or unset it.")
    tools = find_tools(environment)
    required = kafka_is_required(environment)
    if isinstance(tools, Tools) and (required or not wanted):
        return BusChoice(LOCAL_KAFKA, "Java and Maven are here", tools=tools)
    if required:
        raise CannotStart(f"Apache Kafka is required here (CI or REQUIRE_KAFKA is set), but {tools}.")
    return BusChoice(POSTGRES, "FUNDTRAIL_BUS asks for it" if wanted else str(tools))


def kafka_is_required(environment: Mapping[str, str]) -> bool:
    """Whether a run without Apache Kafka counts as failed."""
    return bool(environment.get("CI") or environment.get("REQUIRE_KAFKA"))
