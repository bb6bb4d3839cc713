from __future__ import annotations

from pathlib import Path

from deploy.local import plan
from deploy.local.plan import Layout
from deploy.local.ports import Ports
from deploy.local.processes import Stage
from deploy.local.provisioning import Addresses
from deploy.local.state import Home

NAMES = [service.name for service in plan.SERVICES]
LAYOUT = Layout(
    Home(Path("/state")),
    Ports(8700),
    {name: Addresses(f"{name}-owner", f"{name}-service", f"{name}-reader") for name in [*NAMES, "bus"]},
    "kafka://127.0.0.1:8792",
    {"PATH": "/bin", "DATABASE_URL": "secret", "FUNDTRAIL_LOG_LEVEL": "DEBUG"},
)


def environment(name: str) -> dict[str, str]:
    part = next(part for part in plan.service_parts(LAYOUT) if part.name == name)
    return dict(part.program.environment or {})


def test_allocation_is_migrated_before_the_others() -> None:
    waves = plan.waves()
    assert [service.name for service in waves[0]] == ["allocation"]
    assert {service.name for wave in waves for service in wave} == {one.name for one in plan.built()}


def test_every_service_has_two_topics() -> None:
    assert len(plan.topics()) == 2 * len(NAMES)
    assert "allocation.events.v1" in plan.topics()
    assert "portal.trail.v1" in plan.topics()


def test_only_the_migration_knows_the_owner_of_the_tables() -> None:
    program = plan.migration(LAYOUT, plan.SERVICES[0])
    assert (program.environment or {})["FUNDTRAIL_OWNER_DATABASE_URL"] == "allocation-owner"
    assert program.argv[1:] == ("-m", "services.allocation", "migrate")
    assert "FUNDTRAIL_OWNER_DATABASE_URL" not in environment("portal-api")


def test_a_process_is_told_its_own_database_and_port_and_nothing_of_the_server() -> None:
    told = environment("portal-api")
    assert told["FUNDTRAIL_SERVICE_DATABASE_URL"] == "portal-service"
    assert told["FUNDTRAIL_PORT"] == "8700"
    assert told["FUNDTRAIL_ISSUER"] == "http://127.0.0.1:8700"
    assert told["FUNDTRAIL_LOG_LEVEL"] == "DEBUG"
    assert "DATABASE_URL" not in told


def test_a_worker_answers_for_its_health_on_a_port_of_its_own() -> None:
    told = environment("allocation-worker")
    assert told["FUNDTRAIL_HEALTH_PORT"] == "8721"
    assert "FUNDTRAIL_PORT" not in told


def test_services_share_no_key_folder() -> None:
    assert environment("portal-api")["FUNDTRAIL_KEYS_DIR"] == "/state/keys/portal"
    assert environment("allocation-worker")["FUNDTRAIL_KEYS_DIR"] == "/state/keys/allocation"


def test_those_outside_are_told_nothing_about_databases_and_buses() -> None:
    parts = plan.outside_parts(LAYOUT)
    assert {part.stage for part in parts} == {Stage.OUTSIDE}
    assert [part.name for part in parts] == [
        "mail-catcher",
        "sms-catcher",
        "provider-post",
        "provider-bank",
        "treasury",
    ]
    for part in parts:
        told = " ".join([*part.program.argv, *(part.program.environment or {}).values()])
        assert "-service" not in told
        assert "kafka" not in told


def test_every_process_has_a_log_of_its_own() -> None:
    parts = [*plan.service_parts(LAYOUT), *plan.outside_parts(LAYOUT)]
    assert len({part.program.log for part in parts}) == len(parts)
