"""What an address of a cluster says: who signs in, who is believed, and what it never repeats."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from shared.bus.kafka import KafkaBus
from shared.bus.kafka_address import parse
from shared.bus.open import open_bus

SIGNED = "kafka://allocation:w%40rd%3A@kafka:9092"
SEALED = f"{SIGNED}?ca=/run/tls/ca.pem"


def test_a_plain_address_lists_its_servers_and_needs_nothing_else() -> None:
    address = parse("kafka://one:9092,two.example:9093,[::1]:9094")
    assert address.servers == ("one:9092", "two.example:9093", "[::1]:9094")
    assert address.security == {}


def test_a_user_signs_in_with_a_password_that_may_hold_any_letter() -> None:
    address = parse(SIGNED)
    assert address.servers == ("kafka:9092",)
    assert address.security == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "allocation",
        "sasl_plain_password": "w@rd:",
    }


def test_an_authority_makes_every_connection_tls_with_the_name_checked() -> None:
    assert parse(SEALED).security | {"sasl_plain_password": ""} == {
        "security_protocol": "SASL_SSL",
        "ssl_cafile": "/run/tls/ca.pem",
        "ssl_check_hostname": True,
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "allocation",
        "sasl_plain_password": "",
    }
    assert parse("kafka://kafka:9092?ca=/ca.pem").security["security_protocol"] == "SSL"
    scram = parse(f"{SEALED}&mechanism=SCRAM-SHA-512").security
    assert (scram["sasl_mechanism"], scram["security_protocol"]) == ("SCRAM-SHA-512", "SASL_SSL")


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_user_and_password_come_out_as_they_went_in(user: str, password: str) -> None:
    security = parse(f"kafka://{quote(user, safe='')}:{quote(password, safe='')}@kafka:9092").security
    assert (security["sasl_plain_username"], security["sasl_plain_password"]) == (user, password)


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("kafka://", "host:port"),
        ("kafka://kafka", "host:port"),
        ("kafka://kafka:9092,", "host:port"),
        ("kafka://kafka:9092,kafka:", "host:port"),
        ("kafka://kafka:9092/topic", "host:port"),
        ("kafka://user:s3cret@", "host:port"),
        ("kafka://user:s3cret", "number 1 is none"),
        ("kafka://user@kafka:9092", "both not empty"),
        ("kafka://:s3cret@kafka:9092", "both not empty"),
        ("kafka://user:@kafka:9092", "both not empty"),
        ("kafka://user:s3cret@kafka:9092?mechanism=GSSAPI", "no mechanism of ours"),
        ("kafka://kafka:9092?mechanism=PLAIN", "needs user:password@"),
        ("kafka://kafka:9092?ca=", "names the file"),
        ("kafka://user:s3cret@kafka:9092?sslmode=off", "no option 'sslmode'"),
    ],
)
def test_an_address_that_says_no_clear_thing_is_refused_without_its_secret(
    address: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse(address)
    assert "s3cret" not in str(caught.value)


def test_a_password_is_not_shown_where_the_address_is() -> None:
    assert "w@rd" not in repr(parse(SIGNED))


@pytest.mark.parametrize("client", [KafkaAdminClient, KafkaConsumer, KafkaProducer])
def test_every_client_of_the_library_knows_these_options(client: type) -> None:
    assert parse(f"{SEALED}&mechanism=SCRAM-SHA-256").security.keys() <= client.DEFAULT_CONFIG.keys()  # type: ignore[attr-defined]


def test_the_bus_hands_the_options_to_each_of_its_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, str] = {}

    def client(name: str) -> object:
        def make(**options: str) -> None:
            given[name] = options["sasl_plain_username"]
            raise LookupError(name)

        return make

    for name in ("KafkaAdminClient", "KafkaConsumer", "KafkaProducer"):
        monkeypatch.setattr(f"shared.bus.kafka.{name}", client(name))
    bus = open_bus(SIGNED, "tests")
    assert isinstance(bus, KafkaBus)
    for ask in (
        lambda: bus.topic_ids(["t"]),
        lambda: bus.subscribe("group", ["t"]),
        bus._ensure_sending,
        lambda: bus.last_records("t"),
    ):
        with pytest.raises(LookupError):
            ask()
    assert given == dict.fromkeys(("KafkaAdminClient", "KafkaConsumer", "KafkaProducer"), "allocation")
