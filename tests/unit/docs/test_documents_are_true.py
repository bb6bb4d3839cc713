"""What the documents name is there, and what is there is documented."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.bus.postgres import PostgresBus
from shared.settings import PREFIX

ROOT = Path(__file__).parents[3]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SOURCES = [path for part in ("shared", "services", "deploy") for path in sorted((ROOT / part).rglob("*.py"))]
METRIC_KINDS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
SETTING = re.compile(rf"{PREFIX}[A-Z_]*[A-Z]")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def constants(tree: ast.AST) -> Iterator[str]:
    """Every text of a module that is no docstring of prose: names are found in them by their form."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def settings_in(path: Path) -> set[str]:
    """The settings that a module names in full, or reads without our prefix by the reader of settings.py."""
    tree = ast.parse(path.read_text())
    found = {name for text in constants(tree) for name in SETTING.findall(text)}
    if path.name == "settings.py":
        found |= {
            f"{PREFIX}{call.args[0].value!s}"
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and call.args
            if isinstance(call.args[0], ast.Constant) and str(call.args[0].value).isupper()
        }
    return found


def metrics_in(path: Path) -> dict[str, str]:
    """Name and kind of every metric that a module creates with prometheus_client."""
    tree = ast.parse(path.read_text())
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client"
        for alias in node.names
    }
    return {
        str(call.args[0].value): call.func.id.lower()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if call.func.id in METRIC_KINDS & imported and isinstance(call.args[0], ast.Constant)
    }


def table_rows(start: str) -> list[list[str]]:
    """The cells of the tables' rows that begin with a name of a form, from the operator's document."""
    rows = [line.strip("|").split("|") for line in OPERATIONS.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows if row[0].strip().startswith(start)]


def test_the_settings_of_the_code_are_found() -> None:
    found = settings_in(ROOT / "shared" / "settings.py")
    assert {"FUNDTRAIL_BUS_URL", "FUNDTRAIL_API_THREADS", "FUNDTRAIL_OWNER_DATABASE_URL"} <= found


def test_every_setting_in_the_code_is_documented_and_every_documented_one_is_in_the_code() -> None:
    in_code = {name for path in SOURCES for name in settings_in(path)}
    told = {name for row in table_rows(f"`{PREFIX}") for name in SETTING.findall(row[0])}
    assert in_code == told


def test_a_setting_has_one_row_with_as_many_defaults_as_names() -> None:
    names = [name for row in table_rows(f"`{PREFIX}") for name in SETTING.findall(row[0])]
    assert len(names) == len(set(names))
    for row in table_rows(f"`{PREFIX}"):
        assert len(row) == 3, row
        defaults = row[2].split(", ")
        assert len(defaults) in {1, len(SETTING.findall(row[0]))}, row


def test_every_metric_is_documented_with_its_kind_and_no_other_is() -> None:
    created = {name: kind for path in SOURCES for name, kind in metrics_in(path).items()}
    told = {row[0].strip("`"): row[1] for row in table_rows("`fundtrail_")}
    assert len(created) >= 8
    assert created == told


def test_a_metric_says_its_unit_or_what_it_counts() -> None:
    for path in SOURCES:
        for name, kind in metrics_in(path).items():
            assert name.startswith("fundtrail_")
            assert (kind == "counter") == name.endswith("_total"), name
            assert kind != "histogram" or name.endswith("_seconds"), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_inside_the_repository_leads_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_file_that_the_guarantees_name_exists() -> None:
    text = (ROOT / "docs" / "GUARANTEES.md").read_text()
    named = re.findall(r"`((?:tests|shared|services|deploy)/[\w./-]+)`", text)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_guarantee_says_how_and_by_what_it_is_shown() -> None:
    rows = [
        line for line in (ROOT / "docs" / "GUARANTEES.md").read_text().splitlines() if line.startswith("| ")
    ]
    for row in rows[1:]:
        guarantee, how, shown, mutants = (cell.strip() for cell in row.strip("|").split("|"))
        assert guarantee
        assert how
        assert mutants
        assert "`" in shown, f"{guarantee}: no test is named"


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in DOCUMENTS:
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(), re.MULTILINE))
        assert named <= targets, f"{path.name}: {named - targets}"


def test_every_make_target_says_what_it_does_and_is_no_file() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split())
    described = set(re.findall(r"^([a-z-]+):.*## \w", text, re.MULTILINE))
    assert described == phony


def test_decisions_are_numbered_without_gaps_and_say_what_was_decided() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [path.name[:5] for path in records] == [f"{number:04}-" for number in range(1, len(records) + 1)]
    for path in records:
        title, *rest = path.read_text().splitlines()
        assert title.startswith("# "), path.name
        assert len("\n".join(rest)) > 200, path.name


def test_documents_name_modules_that_exist() -> None:
    for path in DOCUMENTS:
        for name in re.findall(r"`((?:shared|services|deploy)/[\w/]+\.(?:py|sql|sh))`", path.read_text()):
            assert (ROOT / name).exists(), f"{path.name} names {name}"


def test_the_commands_of_the_readme_are_commands() -> None:
    named = set(re.findall(r"bin/fundtrail ([a-z]+)", (ROOT / "README.md").read_text()))
    main = importlib.import_module("deploy.cli.main")
    assert named <= {module.__name__.rpartition(".")[2] for module in main.MODULES}


def test_the_buses_that_the_document_names_can_be_opened() -> None:
    opened = importlib.import_module("shared.bus.open")
    for address in re.findall(r"`(kafka://|postgresql\+psycopg://)", OPERATIONS):
        bus = opened.open_bus(f"{address}127.0.0.1:1", "docs")
        assert isinstance(bus, PostgresBus) == address.startswith("postgresql")
        bus.close()
