"""Every figure says its unit, is explained to operators, and is looked at by a dashboard or an alarm."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.docs.test_documents_are_true import OPERATIONS, SOURCES, metrics_in, table_rows

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
TOLD = {row[0].strip("`"): row for row in table_rows("`fundtrail_")}
USED = re.compile(r"fundtrail_[a-z_]+")
OF_A_HISTOGRAM = ("_bucket", "_count", "_sum")
FLAG = "1 or 0"
# The last word of a name and the unit it stands for; what is counted is its own unit.
UNITS = {
    "seconds": "seconds",
    "entries": "entries",
    "rows": "rows",
    "messages": "messages",
    "jobs": "jobs",
    "places": "places",
    "deliveries": "deliveries",
    "holes": "journals",
    "halted": FLAG,
    "away": FLAG,
    "inconsistent": FLAG,
}


@cache
def created() -> dict[str, str]:
    return {name: kind for path in SOURCES for name, kind in metrics_in(path).items()}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    board = json.loads((MONITORING / "grafana" / "dashboards" / "fundtrail.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*shown, *(rule["expr"] for rule in rules())]


def used() -> set[str]:
    """The metrics that dashboards and alarms ask for; parts of a histogram stand for the whole."""
    names = {name for text in expressions() for name in USED.findall(text)}
    return {
        name if name in created() else re.sub(f"({'|'.join(OF_A_HISTOGRAM)})$", "", name) for name in names
    }


@pytest.mark.parametrize("name", sorted(TOLD))
def test_a_metric_says_its_unit_in_its_name_and_in_the_document(name: str) -> None:
    _, kind, unit, where, meaning, closer = TOLD[name]
    assert kind == created()[name]
    if kind == "counter":
        assert name.endswith("_total")
        assert unit not in {"seconds", FLAG}
    else:
        assert unit == UNITS[name.rpartition("_")[2]]
    assert where
    assert meaning
    assert closer


def test_every_metric_is_looked_at_and_nothing_looks_for_one_that_is_not_there() -> None:
    assert used() == created().keys()


def test_a_panel_says_what_it_shows_and_in_which_unit() -> None:
    for panel in panels():
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "prometheus"
    numbers = [panel["id"] for panel in panels()]
    assert len(set(numbers)) == len(numbers)


def test_every_alarm_has_a_sentence_a_weight_and_a_row_in_the_document() -> None:
    section = OPERATIONS.partition("## Alarms")[2].partition("\n## ")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert {rule["alert"] for rule in rules()} == told
    for rule in rules():
        assert rule["annotations"]["summary"].endswith((".", "?")), rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_a_transaction_older_than_two_seconds_is_an_alarm_by_its_name() -> None:
    (rule,) = [one for one in rules() if one["alert"] == "TransactionTooOld"]
    assert rule["expr"] == "fundtrail_database_oldest_transaction_seconds > 2"


def test_the_dashboard_is_found_where_it_is_looked_for() -> None:
    provisioning = MONITORING / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert source["uid"] == "prometheus"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "fundtrail.yml").read_text())["providers"]
    compose = yaml.safe_load((MONITORING.parents[1] / "docker-compose.yml").read_text())["services"]
    assert (
        f"./deploy/monitoring/grafana/dashboards:{provider['options']['path']}:ro"
        in compose["grafana"]["volumes"]
    )
    assert source["url"] == "http://prometheus:9090"
    assert "--config.file=/etc/prometheus/prometheus.yml" in compose["prometheus"]["command"]
