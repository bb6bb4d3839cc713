"""How a cluster is reached: its servers, who we are there, and whom we believe.

    kafka://[user:password@]host:port[,host:port...][?ca=FILE][&mechanism=SCRAM-SHA-512]

With a user we sign in by SASL; with `ca` every connection is TLS, and the broker must show a certificate of
that authority for the name by which it was called. Letters of a password that an address gives a meaning are
written as percent and two digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

SCHEME = "kafka://"
PLAIN = "PLAIN"
MECHANISMS = frozenset({PLAIN, "SCRAM-SHA-256", "SCRAM-SHA-512"})
OPTIONS = frozenset({"ca", "mechanism"})
SERVER = re.compile(r"[\w.\-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Servers of one cluster, and the options of kafka-python that every client of it needs."""

    servers: tuple[str, ...]
    security: Mapping[str, Any] = field(default_factory=dict, repr=False)


def parse(url: str) -> KafkaAddress:
    """The address that a text names.

    Raises: ValueError, which never repeats a user or a password.
    """
    body, _, query = url.removeprefix(SCHEME).partition("?")
    who, at, places = body.rpartition("@")
    servers = tuple(places.split(","))
    for number, place in enumerate(servers, 1):
        if not SERVER.fullmatch(place):
            raise ValueError(
                f"A Kafka address lists servers as host:port,host:port; number {number} is none."
            )
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := options.keys() - OPTIONS:
        raise ValueError(f"A Kafka address has no option {min(unknown)!r}; it has {_names(OPTIONS)}.")
    return KafkaAddress(
        servers, {**_identity(who, options, signs_in=bool(at)), **_trust(options, signs_in=bool(at))}
    )


def _identity(who: str, options: Mapping[str, str], *, signs_in: bool) -> dict[str, Any]:
    if not signs_in:
        if "mechanism" in options:
            raise ValueError("A Kafka address with a mechanism needs user:password@ before its servers.")
        return {}
    user, colon, password = who.partition(":")
    mechanism = options.get("mechanism", PLAIN)
    if not (user and colon and password):
        raise ValueError("A Kafka address signs in with user:password@ before its servers, both not empty.")
    if mechanism not in MECHANISMS:
        raise ValueError(f"{mechanism!r} is no mechanism of ours for Kafka; there are {_names(MECHANISMS)}.")
    return {
        "sasl_mechanism": mechanism,
        "sasl_plain_username": unquote(user),
        "sasl_plain_password": unquote(password),
    }


def _trust(options: Mapping[str, str], *, signs_in: bool) -> dict[str, Any]:
    if "ca" not in options:
        return {"security_protocol": "SASL_PLAINTEXT"} if signs_in else {}
    if not options["ca"]:
        raise ValueError("The option ca of a Kafka address names the file of the authority to believe.")
    return {
        "security_protocol": "SASL_SSL" if signs_in else "SSL",
        "ssl_cafile": options["ca"],
        "ssl_check_hostname": True,
    }


def _names(known: frozenset[str]) -> str:
    return ", ".join(sorted(known))
