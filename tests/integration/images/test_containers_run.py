"""Every process of the containers, started as a plain process with exactly what its container is told.

Names of containers become 127.0.0.1, places in containers become folders; nothing else is changed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from deploy.images import credentials
from deploy.kafka import acl
from deploy.local.kafka import find_tools
from deploy.local.keeper import TEST_SETTINGS, free_port
from deploy.local.plan import SERVICES
from deploy.local.postgres import start_server
from deploy.local.spawn import tail
from shared.testing.waiting import wait_until
from tests.folders import fresh_folder
from tests.integration.images import compose
from tests.integration.images.guarded_kafka import guarded_kafka

READY_S = 60
OTHERS_CAME = "The members of the group changed"  # no right forbids anything: it tries again
STOP_S = 30
MIGRATION_S = 120
REACHED = ("postgres", "kafka", "portal-api", "mail")
PATH = os.environ["PATH"]


@dataclass
class Containers:
    """A folder that stands for the containers' places, and the ports that stand for theirs."""

    folder: Path
    ports: dict[str, int]
    variables: dict[str, str] = field(default_factory=dict)

    def told(self, name: str) -> dict[str, str]:
        """The environment of a container, and nothing of ours but the way to Python."""
        told = compose.environment(compose.containers()[name], self.variables)
        found = {key: self.here(name, value) for key, value in told.items()}
        return found | {"PATH": PATH, "PYTHONPATH": str(compose.ROOT)}

    def here(self, name: str, text: str) -> str:
        """A text with its places, addresses and ports as they are on this machine."""
        for place in compose.secrets_of(compose.containers()[name]).values():
            text = text.replace(place, str(self.folder / "secrets" / Path(place).name))
        for volume in compose.containers()[name].get("volumes", []):
            source, target, *_ = compose.filled_in(volume).split(":")
            if target != "/run/tls":
                text = text.replace(target, str(self.folder / "volumes" / source))
        text = text.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - nothing is opened to others here
        for host in REACHED:
            text = text.replace(f"{host}:", "127.0.0.1:")
        for port, ours in self.ports.items():
            text = text.replace(port, str(ours))
        return text.replace("/var/lib/fundtrail", str(self.folder / "inside"))

    def command(self, name: str) -> list[str]:
        return [
            sys.executable,
            *(self.here(name, word) for word in compose.containers()[name]["command"][1:]),
        ]

    def run(self, name: str) -> str:
        """What a container that ends has said, after it ended well."""
        done = subprocess.run(
            self.command(name),
            env=self.told(name),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=MIGRATION_S,
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout

    def healthy(self, name: str) -> bool:
        """Whether the container's own health command says so."""
        words = [self.here(name, word) for word in compose.containers()[name]["healthcheck"]["test"][2:]]
        probe = subprocess.run(
            [sys.executable, *words], env={"PATH": PATH}, capture_output=True, check=False, timeout=10
        )
        return probe.returncode == 0

    @contextlib.contextmanager
    def up(self, names: Sequence[str]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        """The containers' processes, told to stop at the end."""
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name in names:
                with (self.folder / f"{name}.log").open("wb") as log:
                    running[name] = subprocess.Popen(
                        self.command(name), env=self.told(name), cwd=self.folder, stdout=log, stderr=log
                    )
            yield running
        finally:
            for process in running.values():
                process.send_signal(signal.SIGTERM)
            for process in running.values():
                process.wait(STOP_S)


@pytest.fixture
def containers() -> Iterator[Containers]:
    """Databases and roles as the containers make them, on a server of their own."""
    folder = fresh_folder("containers")
    ports = {str(8700 + number): free_port() for number in (*range(5), *range(20, 25), 42, 60, 96, 98)}
    here = Containers(folder, ports | {"5432": free_port(), "9092": free_port(), "1025": free_port()})
    unset = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    server = start_server(folder, here.ports["5432"], folder / "postgres.log", unset, print, TEST_SETTINGS)
    try:
        credentials.write(folder / "secrets")
        adapt_secrets(here, server.server.password)
        assert "6 databases are there" in here.run("provision")
        yield here
    finally:
        server.stop()
        shutil.rmtree(folder)


def adapt_secrets(here: Containers, superuser: str) -> None:
    """The superuser's word is the server's; addresses in secrets lead to this machine."""
    for path in (here.folder / "secrets").iterdir():
        text = path.read_text()
        if path.name == "postgres_superuser":
            text = superuser
        for host in REACHED:
            text = text.replace(f"@{host}:", "@127.0.0.1:")
        for port, ours in here.ports.items():
            text = text.replace(f":{port}", f":{ours}")
        path.chmod(0o600)
        path.write_text(text)


@contextlib.contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The address of a collector of traces, and the path and kind of everything it was sent."""
    received: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers["Content-Type"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server uses
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces", received
    server.shutdown()
    server.server_close()


def ask_for_keys(here: Containers) -> None:
    with urlopen(f"http://127.0.0.1:{here.ports['8700']}/.well-known/jwks.json", timeout=5) as reply:
        assert json.load(reply)["keys"]


def ensure_they_come_and_go(
    here: Containers, names: Sequence[str], then: Callable[[Containers], None] = lambda _: None
) -> None:
    """All become healthy by their own command, and end well when told to."""
    with here.up(names) as running:
        waiting = set(names)

        def all_are_ready() -> bool:
            for name in sorted(waiting):
                assert running[name].poll() is None, tail(here.folder / f"{name}.log", 30)
                if here.healthy(name):
                    waiting.discard(name)
            return not waiting

        wait_until(all_are_ready, READY_S, f"healthy containers, not {waiting}")
        then(here)
    assert {name: process.returncode for name, process in running.items()} == dict.fromkeys(names, 0)


def test_a_service_migrates_and_its_api_comes_and_goes_with_what_its_container_is_told(
    containers: Containers,
) -> None:
    containers.run("portal-migrate")
    with collector() as (url, received):
        containers.variables["OTLP_URL"] = url
        ensure_they_come_and_go(containers, ["portal-api"], ask_for_keys)
        assert [path for path, kind in received if kind == "application/x-protobuf"] == ["/v1/traces"]
    state = containers.folder / "volumes" / "portal-state"
    assert (state / "notifications-account.json").exists(), "the sender's container reads it there"


def test_a_backup_of_all_services_is_taken_and_its_age_is_told(containers: Containers) -> None:
    for service in SERVICES:
        containers.run(f"{service.name}-migrate")
    states = containers.folder / "inside" / "states"
    states.mkdir(parents=True)
    for name in ("allocation", "beneficiaries", "portal"):
        (states / name).symlink_to(containers.folder / "volumes" / f"{name}-state")
    with containers.up(["backup"]):
        wait_until(lambda: containers.healthy("backup"), READY_S, "a healthy container")
        assert math.isinf(age_of_the_backup(containers))
        take = subprocess.run(
            [*containers.command("backup"), "--now"],
            env=containers.told("backup"),
            cwd=containers.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=MIGRATION_S,
        )
        assert take.returncode == 0, take.stderr
        assert 0 <= age_of_the_backup(containers) < MIGRATION_S
    folder = Path(take.stdout.strip())
    assert {path.stem for path in folder.glob("*.sealed")} == {*(one.name for one in SERVICES), "files"}


def age_of_the_backup(here: Containers) -> float:
    """The figure that pages and alarms read."""
    with urlopen(f"http://127.0.0.1:{here.ports['8798']}/metrics", timeout=5) as reply:
        lines = reply.read().decode().splitlines()
    (age,) = (line.split()[1] for line in lines if line.startswith("fundtrail_backup_age_seconds "))
    return float(age)


@pytest.mark.full
@pytest.mark.kafka
@pytest.mark.skipif(isinstance(find_tools(os.environ), str), reason="Java or Maven is not here")
def test_every_container_comes_and_goes_with_exactly_the_rights_it_has(containers: Containers) -> None:
    words = json.loads((containers.folder / "secrets" / credentials.PASSWORDS).read_text())
    users = {user: words[f"kafka_{user}"] for user in (acl.ADMINISTRATOR, *acl.READS)}
    with guarded_kafka(containers.folder, passwords=users, port=containers.ports["9092"]):
        assert f"{len(acl.rules())} added, 0 removed" in containers.run("kafka-setup")
        for service in SERVICES:
            containers.run(f"{service.name}-migrate")
        stay = [name for name in compose.own() if "healthcheck" in compose.own()[name]]
        ensure_they_come_and_go(containers, stay)
    for service in SERVICES:
        log = (containers.folder / f"{service.name}-worker.log").read_text()
        waits = [line for line in log.splitlines() if "waits" in line and OTHERS_CAME not in line]
        assert waits == []
