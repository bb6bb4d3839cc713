"""A real Keycloak with our realm, on a port of its own, in memory: for tests of signing in elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from deploy.keycloak.realm import AUDIENCE, PORTAL_CLIENT, realm
from shared.testing.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]
ARTIFACT = "org.keycloak:keycloak-quarkus-dist:{}:zip"
FETCHED_BY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
FETCH_S, START_S, STOP_S, ASK_S = 600, 300, 30, 10
ADMINISTRATOR = "administrator"


def version() -> str:
    """The release that docker-compose.yml names."""
    found = re.search(r"keycloak/keycloak:(\S+)", (REPOSITORY / "docker-compose.yml").read_text())
    assert found is not None
    return found[1]


def program(maven: str, cache: Path) -> Path:
    """The folder of Keycloak, fetched once."""
    folder = cache / f"keycloak-{version()}"
    if not folder.exists():
        fetch = [maven, "-q", "-B", FETCHED_BY, f"-Dartifact={ARTIFACT.format(version())}"]
        subprocess.run([*fetch, f"-DoutputDirectory={cache}"], check=True, timeout=FETCH_S)
        (packed,) = cache.glob(f"keycloak-quarkus-dist-{version()}.zip")
        partial = cache / f"keycloak-{os.getpid()}"
        with zipfile.ZipFile(packed) as file:
            file.extractall(partial)
        (partial / folder.name).replace(folder)
        shutil.rmtree(partial)
        packed.unlink()
    return folder


@dataclass(frozen=True, slots=True)
class Keycloak:
    """Keycloak as its administrator knows it."""

    address: str
    password: str

    @property
    def issuer(self) -> str:
        """Whose tokens the services believe."""
        return f"{self.address}/realms/{AUDIENCE}"

    def keys(self) -> dict[str, Any]:
        """What tokens are verified by."""
        found: dict[str, Any] = requests.get(
            f"{self.issuer}/protocol/openid-connect/certs", timeout=ASK_S
        ).json()
        return found

    def hire(self, username: str, password: str, name: str, role: str, unit_id: str) -> None:
        """Somebody with a role for a unit, as docs/operations.md tells an administrator to do it."""
        first, last = name.split(maxsplit=1)
        person = {
            "username": username,
            "enabled": True,
            "firstName": first,
            "lastName": last,
            "email": f"{username}@demo.example",
            "emailVerified": True,
            "attributes": {"unit": [unit_id], f"units_{role}": [unit_id]},
            "credentials": [{"type": "password", "value": password, "temporary": False}],
        }
        self._ask("POST", "/users", person)
        (made,) = self._ask("GET", f"/users?username={username}&exact=true")
        self._ask("POST", f"/users/{made['id']}/role-mappings/realm", [self._ask("GET", f"/roles/{role}")])

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        form = {"grant_type": "password", "client_id": "admin-cli", "username": ADMINISTRATOR}
        tokens = requests.post(
            f"{self.address}/realms/master/protocol/openid-connect/token",
            data={**form, "password": self.password},
            timeout=ASK_S,
        ).json()
        reply = requests.request(
            method,
            f"{self.address}/admin/realms/{AUDIENCE}{path}",
            json=body,
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
            timeout=ASK_S,
        )
        assert reply.ok, reply.text
        return reply.json() if reply.content else None


@contextlib.contextmanager
def keycloak(folder: Path, state: Path, pages: str) -> Iterator[Keycloak]:
    """A Keycloak that lets people go on to pages at that address, until the block ends."""
    home = state / "keycloak"
    shutil.copytree(folder, home)
    (home / "data" / "import").mkdir(parents=True)
    (home / "data" / "import" / "realm.json").write_text(json.dumps(_realm(pages)), encoding="utf-8")
    port, password = free_port(), secrets.token_urlsafe(12)
    address = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "KC_BOOTSTRAP_ADMIN_USERNAME": ADMINISTRATOR,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
        "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
    }
    command = ["bash", str(home / "bin" / "kc.sh"), "start-dev", "--import-realm", f"--http-port={port}"]
    options = ["--http-host=127.0.0.1", "--http-management-port=0"]
    log = state / "keycloak.log"
    with log.open("wb") as out:
        process = subprocess.Popen([*command, *options], env=environment, stdout=out, stderr=out)
    try:
        wait_until(lambda: process.poll() is not None or _answers(address), START_S, "Keycloak is ready")
        assert process.poll() is None, log.read_text()[-3000:]
        yield Keycloak(address, password)
    finally:
        process.terminate()
        process.wait(STOP_S)


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _realm(pages: str) -> Mapping[str, Any]:
    made = realm()
    for client in made["clients"]:
        if client["clientId"] == PORTAL_CLIENT:
            client["redirectUris"] = [f"{pages}/*"]
    return made


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/realms/{AUDIENCE}", timeout=2).ok
    except requests.RequestException:
        return False
