"""What an instance's processes are told, where everything lies, and how the launcher speaks."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local import plan
from deploy.local.commands import Relay, split_commands
from deploy.local.plan import Layout
from deploy.local.ports import BLOCK, BLOCKS_MAX, DEFAULT_BASE, Ports, choose_ports
from deploy.local.processes import Part
from deploy.local.progress import Progress
from deploy.local.provisioning import Addresses
from deploy.local.spawn import CannotStart, Program
from deploy.local.state import Home, home_of, note, read_json, write_json
from services.notifications.config import outside
from shared.settings import Settings, owner_database_url

ROOT = Path(__file__).parents[3]
NAMES = [service.name for service in plan.SERVICES]
LAYOUT = Layout(
    Home(Path("/state")),
    Ports(9000),
    {name: Addresses(f"{name}-owner", f"{name}-service", f"{name}-reader") for name in [*NAMES, "bus"]},
    "kafka://127.0.0.1:9092",
    {"PATH": "/bin", "KAFKA_BOOTSTRAP_SERVERS": "x", "FUNDTRAIL_PORT_BASE": "9000", "LANG": "vi_VN"},
)
PARTS = plan.service_parts(LAYOUT)
OPTIONAL = {
    "FUNDTRAIL_API_WORKERS",
    "FUNDTRAIL_API_THREADS",
    "FUNDTRAIL_LOG_LEVEL",
    "FUNDTRAIL_LOG_ORIGIN",
    "FUNDTRAIL_OTLP_URL",
    "FUNDTRAIL_OIDC_ISSUER",
    "FUNDTRAIL_OIDC_CLIENT",
    "FUNDTRAIL_OIDC_JWKS_URL",
    "FUNDTRAIL_OIDC_SECRET",
}
OWN_PORT = {"FUNDTRAIL_PORT", "FUNDTRAIL_HEALTH_PORT"}
FEW = settings(max_examples=50, deadline=None)


def told(program: Program) -> dict[str, str]:
    return dict(program.environment or {})


def documented() -> set[str]:
    """The settings of a service process, from the operator's document."""
    text = (ROOT / "docs" / "operations.md").read_text().partition("## Settings of a service process")[2]
    rows = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("| `FUNDTRAIL_")]
    return {name for row in rows for name in re.findall(r"FUNDTRAIL_[A-Z_]+[A-Z]", row.split("|")[1])}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_process_is_told_every_documented_setting_and_nothing_undocumented(part: Part) -> None:
    given = {name for name in told(part.program) if name.startswith("FUNDTRAIL_")}
    expected = documented() - OPTIONAL - OWN_PORT - {"FUNDTRAIL_OWNER_DATABASE_URL"}
    assert given - OWN_PORT == expected
    assert len(given & OWN_PORT) == 1


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_process_starts_with_what_it_is_told(part: Part) -> None:
    settings = Settings.from_environment(told(part.program))
    service, _, role = part.name.partition("-")
    assert settings.database_url == f"{service}-service"
    assert settings.keys_dir == Path("/state/keys") / service
    assert (settings.port if role in plan.SERVING else settings.health_port) == LAYOUT.ports.of_service(
        service, role
    )
    assert settings.issuer == "http://127.0.0.1:9000"
    assert settings.jwks_url.startswith(settings.issuer)
    assert outside(told(part.program)).portal_url == settings.issuer


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_no_process_hears_of_the_servers_owner_or_of_other_databases(part: Part) -> None:
    values = set(told(part.program).values())
    assert not any(value.endswith(("-owner", "-reader")) for value in values)
    assert [value for value in values if value.endswith("-service")] == [
        part.name.partition("-")[0] + "-service"
    ]
    assert not {"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "FUNDTRAIL_PORT_BASE"} & told(part.program).keys()
    assert told(part.program)["LANG"] == "vi_VN"


@pytest.mark.parametrize("service", plan.SERVICES, ids=lambda service: service.name)
def test_a_migration_knows_the_owner_of_its_own_tables_only(service: plan.Service) -> None:
    environment = told(plan.migration(LAYOUT, service))
    assert owner_database_url(environment) == f"{service.name}-owner"
    assert sum(value.endswith("-owner") for value in environment.values()) == 1


def test_every_service_that_is_built_runs_a_worker_and_an_api() -> None:
    assert [service.name for service in plan.built()] == NAMES
    for name in NAMES:
        assert {f"{name}-worker", f"{name}-api"} <= {part.name for part in PARTS}


def test_no_two_parts_listen_on_one_port() -> None:
    ports = [LAYOUT.ports.of_service(*part.name.split("-", 1)) for part in PARTS]
    others = [
        LAYOUT.ports.of(name) for name in ("postgres", "kafka", "kafka-controller", "smtp", "sms", "mail")
    ]
    assert len({*ports, *others}) == len(ports) + len(others)
    assert {*ports, *others} <= set(LAYOUT.ports.all())


@pytest.mark.parametrize("base", ["", "abc", "80", "-8700", "65535", "8700.5"])
def test_a_base_that_cannot_be_is_refused_before_anything_starts(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.ports.is_free", lambda _: True)
    if base:
        with pytest.raises(CannotStart, match=f"FUNDTRAIL_PORT_BASE={base} is no port"):
            choose_ports({"FUNDTRAIL_PORT_BASE": base})
    else:
        assert choose_ports({"FUNDTRAIL_PORT_BASE": base}).base == DEFAULT_BASE


def free_from(base: int) -> Callable[[int], bool]:
    return lambda port: port >= base


@pytest.mark.parametrize("blocks", [0, 1, BLOCKS_MAX - 1])
def test_the_first_block_that_is_wholly_free_is_taken(blocks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first = DEFAULT_BASE + blocks * BLOCK
    monkeypatch.setattr("deploy.local.ports.is_free", free_from(first))
    assert choose_ports({}).base == first


def test_no_free_block_and_a_port_in_the_way_are_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deploy.local.ports.is_free", lambda _: False)
    with pytest.raises(CannotStart, match=r"from 8700 to 9699.*set FUNDTRAIL_PORT_BASE"):
        choose_ports({})
    with pytest.raises(CannotStart, match=r"Port 9100 is in use.*`ss -ltnp` names it"):
        choose_ports({"FUNDTRAIL_PORT_BASE": "9100"})


@given(
    st.lists(
        st.lists(st.text("ab-", min_size=1, max_size=3).filter(lambda word: word != "--"), min_size=1),
        max_size=4,
    )
)
@FEW
def test_commands_come_apart_as_they_were_joined(commands: list[list[str]]) -> None:
    words = [word for command in commands for word in ["--", *command]]
    assert split_commands(words) == commands
    assert split_commands([*words, "--"]) == commands


def test_a_result_in_the_middle_of_a_letter_is_put_together() -> None:
    out = io.StringIO()
    relay = Relay(out)
    line = json.dumps({"unit": "Núi Thành"}, ensure_ascii=False).encode()
    for byte in line:
        relay.feed(bytes([byte]))
    assert out.getvalue() == ""
    relay.feed(b"\nxong\n")
    assert out.getvalue() == "xong\n"
    relay.finish()
    assert json.loads(out.getvalue().splitlines()[-1]) == {"unit": "Núi Thành"}


def test_bytes_that_are_no_text_do_not_stop_the_launcher() -> None:
    out = io.StringIO()
    Relay(out).feed(b"\xff\xfe\n")
    assert out.getvalue() == "\ufffd\ufffd\n"


def test_every_line_of_progress_stands_under_the_one_before() -> None:
    seconds = iter([0.0, 1.25, 12.5, 12.5, 130.0, 130.0])
    out = io.StringIO()
    progress = Progress(out, lambda: next(seconds))
    progress.say("one")
    progress.say("two")
    progress.took("three", 3.14159)
    lines = out.getvalue().splitlines()
    assert lines[0] == "    1.2 s  one"
    assert len({line.index(" s  ") for line in lines}) == 1
    assert progress.seconds == {"three": 3.14}


def test_every_place_of_the_state_lies_in_it() -> None:
    home = home_of({"FUNDTRAIL_HOME": "/srv/../srv/state"})
    places = [
        home.logs,
        home.secrets,
        home.passwords,
        home.addresses,
        home.run,
        home.keys("audit"),
        home.outside("post"),
    ]
    assert home.root == Path("/srv/state")
    assert all(place.is_relative_to(home.root) for place in places)
    assert len(set(places)) == len(places)
    assert home_of({"FUNDTRAIL_HOME": ""}).root.name == ".fundtrail"


def test_a_file_that_a_crash_left_half_written_does_not_stop_the_next_writing(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.with_suffix(".partial").write_text('{"half":')
    write_json(path, {"place": "Núi Thành"})
    assert read_json(path) == {"place": "Núi Thành"}
    assert "Núi" in path.read_text()
    assert [one.name for one in tmp_path.iterdir()] == ["run.json"]


def test_a_later_fact_replaces_an_earlier_one_of_its_name(tmp_path: Path) -> None:
    home = Home(tmp_path)
    note(home, {"seconds": 1, "proofs_verified": 1})
    note(home, {"seconds": 2})
    assert read_json(home.run) == {"seconds": 2, "proofs_verified": 1}
