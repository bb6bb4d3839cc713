from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import SettingMissing, Settings, bus_url, owner_database_url

NEEDED = {
    "FUNDTRAIL_SERVICE_DATABASE_URL": "postgresql+psycopg://service@db/x",
    "FUNDTRAIL_BUS_URL": "kafka://broker:9092",
    "FUNDTRAIL_ISSUER": "http://issuer",
    "FUNDTRAIL_JWKS_URL": "http://issuer/jwks",
}


def test_what_is_needed_is_enough() -> None:
    settings = Settings.from_environment(NEEDED)
    assert settings.database_url == "postgresql+psycopg://service@db/x"
    assert settings.bus_url == "kafka://broker:9092"
    assert (settings.issuer, settings.jwks_url) == ("http://issuer", "http://issuer/jwks")


def test_nothing_listens_beyond_this_machine_unless_told() -> None:
    assert Settings.from_environment(NEEDED).host == "127.0.0.1"


def test_what_has_a_default_can_be_set() -> None:
    given = {
        "FUNDTRAIL_AUDIENCE": "other",
        "FUNDTRAIL_STATE_DIR": "/srv/state",
        "FUNDTRAIL_PORT": "8701",
        "FUNDTRAIL_HEALTH_PORT": "8721",
        "FUNDTRAIL_API_WORKERS": "2",
        "FUNDTRAIL_API_THREADS": "16",
        "FUNDTRAIL_LOG_LEVEL": "DEBUG",
    }
    settings = Settings.from_environment(NEEDED | given)
    assert (settings.audience, settings.log_level) == ("other", "DEBUG")
    assert (settings.port, settings.health_port) == (8701, 8721)
    assert (settings.api_workers, settings.api_threads) == (2, 16)


def test_keys_lie_in_the_state_folder_unless_told_otherwise() -> None:
    state = {"FUNDTRAIL_STATE_DIR": "/srv/state"}
    assert Settings.from_environment(NEEDED | state).keys_dir == Path("/srv/state/keys")
    elsewhere = state | {"FUNDTRAIL_KEYS_DIR": "/run/keys"}
    assert Settings.from_environment(NEEDED | elsewhere).keys_dir == Path("/run/keys")


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_setting_is_named(name: str) -> None:
    without = {key: value for key, value in NEEDED.items() if key != name}
    with pytest.raises(SettingMissing, match=name):
        Settings.from_environment(without)


def test_only_migrations_know_the_owners_address() -> None:
    assert owner_database_url({"FUNDTRAIL_OWNER_DATABASE_URL": "x"}) == "x"
    with pytest.raises(SettingMissing, match="FUNDTRAIL_OWNER_DATABASE_URL"):
        owner_database_url(NEEDED)


@pytest.mark.parametrize("text", ["kafka://user:word@kafka:9092\n", "kafka://user:word@kafka:9092"])
def test_a_secret_may_lie_in_a_file_with_or_without_a_line_end(text: str, tmp_path: Path) -> None:
    secret = tmp_path / "bus_url"
    secret.write_text(text)
    without = {name: value for name, value in NEEDED.items() if name != "FUNDTRAIL_BUS_URL"}
    told = without | {"FUNDTRAIL_BUS_URL_FILE": str(secret)}
    assert Settings.from_environment(told).bus_url == "kafka://user:word@kafka:9092"
    assert bus_url(told) == "kafka://user:word@kafka:9092"
    assert owner_database_url({"FUNDTRAIL_OWNER_DATABASE_URL_FILE": str(secret)}).startswith("kafka://")


@pytest.mark.parametrize("content", [b"", b"\n", b"\nkafka://", b"\xff\xfe", None])
def test_a_file_without_a_value_stops_the_start_and_is_named(content: bytes | None, tmp_path: Path) -> None:
    secret = tmp_path / "bus_url"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(SettingMissing, match=r"FUNDTRAIL_BUS_URL_FILE names .*bus_url, which"):
        bus_url({"FUNDTRAIL_BUS_URL_FILE": str(secret)})


def test_a_setting_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    told = {"FUNDTRAIL_BUS_URL": "kafka://one", "FUNDTRAIL_BUS_URL_FILE": str(tmp_path)}
    with pytest.raises(SettingMissing, match="FUNDTRAIL_BUS_URL or FUNDTRAIL_BUS_URL_FILE, not both"):
        bus_url(told)
