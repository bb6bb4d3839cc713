from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.bus import CLUSTER, LOCAL_KAFKA, POSTGRES, choose_bus
from deploy.local.kafka import Tools, find_tools
from deploy.local.spawn import CannotStart


def program(folder: Path, name: str, says: str = "") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    path.chmod(0o755)


@pytest.fixture
def with_java_and_maven(tmp_path: Path) -> dict[str, str]:
    program(tmp_path, "java", 'openjdk version "17.0.1" 2025-01-01')
    program(tmp_path, "mvn")
    return {"PATH": str(tmp_path)}


def test_a_named_cluster_comes_first(with_java_and_maven: dict[str, str]) -> None:
    choice = choose_bus({**with_java_and_maven, "KAFKA_BOOTSTRAP_SERVERS": "one:9092,two:9092"})
    assert (choice.kind, choice.url) == (CLUSTER, "kafka://one:9092,two:9092")


def test_java_and_maven_mean_kafka(with_java_and_maven: dict[str, str]) -> None:
    choice = choose_bus(with_java_and_maven)
    assert choice.kind == LOCAL_KAFKA
    assert isinstance(choice.tools, Tools)
    assert choice.why == "Java and Maven are here"


def test_without_java_postgresql_carries_the_events_and_the_reason_is_told(tmp_path: Path) -> None:
    choice = choose_bus({"PATH": str(tmp_path)})
    assert choice.kind == POSTGRES
    assert "no Java was found" in choice.why


def test_java_that_is_too_old_is_named(tmp_path: Path) -> None:
    program(tmp_path, "java", 'java version "1.8.0_402"')
    program(tmp_path, "mvn")
    assert choose_bus({"PATH": str(tmp_path)}).why == "Java 8 was found; Apache Kafka needs 17 or later"


def test_java_without_maven_is_not_enough(tmp_path: Path) -> None:
    program(tmp_path, "java", 'openjdk version "21" 2023-09-19')
    assert "not Maven" in choose_bus({"PATH": str(tmp_path)}).why


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin", "java", 'openjdk version "21" 2023-09-19')
    program(tmp_path, "java", 'java version "1.8.0_402"')
    program(tmp_path, "mvn")
    tools = find_tools({"PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)})
    assert tools == Tools(str(tmp_path / "bin" / "java"), str(tmp_path / "mvn"))


def test_postgresql_can_be_asked_for(with_java_and_maven: dict[str, str]) -> None:
    choice = choose_bus({**with_java_and_maven, "FUNDTRAIL_BUS": "postgresql"})
    assert (choice.kind, choice.why) == (POSTGRES, "FUNDTRAIL_BUS asks for it")


def test_an_unknown_bus_is_refused() -> None:
    with pytest.raises(CannotStart, match="FUNDTRAIL_BUS=rabbit is unknown"):
        choose_bus({"FUNDTRAIL_BUS": "rabbit"})


@pytest.mark.parametrize("name", ["CI", "REQUIRE_KAFKA"])
def test_where_kafka_is_required_its_absence_stops_the_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotStart, match=r"required here .* no Java was found"):
        choose_bus({"PATH": str(tmp_path), name: "1"})
