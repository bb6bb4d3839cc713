"""What a secured Apache Kafka node is told: users, rights, and TLS where there is a certificate.

The same text goes into the container and into the tests' node; only places and ports differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.kafka.acl import ADMINISTRATOR
from deploy.local.kafka import SINGLE_NODE

LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
CLIENTS = "CLIENTS"
CONTROLLER = "CONTROLLER"
SECURE_LISTENERS = ("SASL_PLAINTEXT", "SASL_SSL")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: its data, what clients call it, and its two ports."""

    data: str
    host: str
    listens_on: str
    port: int
    controller_port: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """One PEM file with the private key and the chain, and one with the authority."""

    key_and_chain: str
    authority: str


def properties(place: Place, passwords: Mapping[str, str], certificate: Certificate | None = None) -> str:
    """The settings of a node that lets in only these users, each with the rights it is given.

    The controller speaks with this node alone, on an address that nobody else can reach.
    """
    protocol = SECURE_LISTENERS[1 if certificate else 0]
    settings: dict[str, str | int] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{place.controller_port}",
        "controller.listener.names": CONTROLLER,
        "listeners": f"{CLIENTS}://{place.listens_on}:{place.port},"
        f"{CONTROLLER}://127.0.0.1:{place.controller_port}",
        "advertised.listeners": f"{CLIENTS}://{place.host}:{place.port}",
        "listener.security.protocol.map": f"{CLIENTS}:{protocol},{CONTROLLER}:SASL_PLAINTEXT",
        "inter.broker.listener.name": CLIENTS,
        "log.dirs": place.data,
        **_identities(passwords),
        **SINGLE_NODE,
        **(_sealing(certificate) if certificate else {}),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _identities(passwords: Mapping[str, str]) -> dict[str, str]:
    users = " ".join(f'user_{name}="{word}"' for name, word in passwords.items())
    own = f'username="{ADMINISTRATOR}" password="{passwords[ADMINISTRATOR]}"'
    login = f"{LOGIN} required {own} {users};"
    return {
        "authorizer.class.name": AUTHORIZER,
        "super.users": f"User:{ADMINISTRATOR}",
        "allow.everyone.if.no.acl.found": "false",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        f"listener.name.{CLIENTS.lower()}.plain.sasl.jaas.config": login,
        f"listener.name.{CONTROLLER.lower()}.plain.sasl.jaas.config": login,
    }


def _sealing(certificate: Certificate) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificate.key_and_chain,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": certificate.authority,
        "ssl.endpoint.identification.algorithm": "https",
    }
