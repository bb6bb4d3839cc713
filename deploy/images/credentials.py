"""What the containers must know and nobody else: a file for each secret, made once and kept.

`python -m deploy.images.credentials FOLDER [--ca FILE]` writes them. Passwords are made at the first run and
stay; every other file is written anew from them, so a second run with `--ca` turns TLS on and one without
turns it off. The folder is for its owner only. The files in it can be read by every account, because a
container sees one file of it at a time, under the number of an account that this machine does not know.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.kafka import acl, broker
from deploy.kafka.broker import Certificate, Place
from deploy.local.provisioning import ROLES, SERVICES

PASSWORDS = "passwords.json"
KEYCLOAK = "keycloak"
PROVISIONED = (*SERVICES, KEYCLOAK)
PASSWORD_BYTES = 24
TLS_FOLDER = Path("/run/tls")  # where a container sees the certificates
POSTGRES = "postgres:5432"
KAFKA = Place("/var/lib/kafka/data", "kafka", "0.0.0.0", 9092, 9093)  # noqa: S104 - inside its container
OTHERS = ("postgres_superuser", "grafana_administrator", "keycloak_administrator")


def main() -> int:
    """The exit status once every file is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files go; for its owner only")
    parser.add_argument("--ca", type=Path, help=f"with TLS: the authority's file as seen in {TLS_FOLDER}")
    options = parser.parse_args()
    try:
        written = write(options.folder, options.ca)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"The secrets were not written to {options.folder}: {error}\n")
        return 1
    sys.stdout.write(f"{len(written)} secrets lie in {options.folder}.\n")
    return 0


def write(folder: Path, ca: Path | None = None) -> list[str]:
    """The names of the files, which lie in the folder afterwards; known passwords stay."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    passwords = _passwords(folder / PASSWORDS)
    files = contents(passwords, ca)
    for name, text in files.items():
        _put(folder / name, text, 0o444)
    return list(files)


def names() -> list[str]:
    """Every password that is made."""
    roles = [f"{service}_{role}" for service in PROVISIONED for role in ROLES]
    users = [f"kafka_{user}" for user in (acl.ADMINISTRATOR, *acl.READS)]
    return [*roles, *users, *OTHERS]


def contents(passwords: Mapping[str, str], ca: Path | None = None) -> dict[str, str]:
    """The text of each file by its name."""
    roles = [f"{service}_{role}" for service in PROVISIONED for role in ROLES]
    files = {
        "postgres_superuser": passwords["postgres_superuser"],
        "grafana_administrator": passwords["grafana_administrator"],
        "database_roles": json.dumps({name: passwords[name] for name in roles}),
        "kafka_properties": _kafka(passwords, ca),
        "keycloak_conf": _keycloak(passwords, ca),
        "kafka_administrator_url": _bus_url(acl.ADMINISTRATOR, passwords, ca),
    }
    for service in SERVICES:
        files[f"{service}_database_url"] = _database_url(service, "service", passwords, ca)
        files[f"{service}_owner_url"] = _database_url(service, "owner", passwords, ca)
        files[f"{service}_bus_url"] = _bus_url(service, passwords, ca)
    return files


def _database_url(service: str, role: str, passwords: Mapping[str, str], ca: Path | None) -> str:
    who = f"{service}_{role}:{passwords[f'{service}_{role}']}"
    return f"postgresql+psycopg://{who}@{POSTGRES}/{service}{_verified(ca)}"


def _verified(ca: Path | None) -> str:
    return f"?sslmode=verify-full&sslrootcert={ca}" if ca else ""


def _bus_url(user: str, passwords: Mapping[str, str], ca: Path | None) -> str:
    trust = f"?ca={ca}" if ca else ""
    return f"kafka://{user}:{passwords[f'kafka_{user}']}@{KAFKA.host}:{KAFKA.port}{trust}"


def _kafka(passwords: Mapping[str, str], ca: Path | None) -> str:
    certificate = Certificate(str(TLS_FOLDER / "kafka.pem"), str(ca)) if ca else None
    users = {user: passwords[f"kafka_{user}"] for user in (acl.ADMINISTRATOR, *acl.READS)}
    return broker.properties(KAFKA, users, certificate)


def _keycloak(passwords: Mapping[str, str], ca: Path | None) -> str:
    settings = {
        "db": "postgres",
        "db-url": f"jdbc:postgresql://{POSTGRES}/{KEYCLOAK}{_verified(ca)}",
        "db-username": f"{KEYCLOAK}_owner",
        "db-password": passwords[f"{KEYCLOAK}_owner"],
        "bootstrap-admin-username": "administrator",
        "bootstrap-admin-password": passwords["keycloak_administrator"],
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _passwords(path: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in names() if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in missing}
        _put(path, json.dumps(known, indent=1), 0o600)
    return known


def _put(path: Path, text: str, mode: int) -> None:
    """The whole text or what was there before; never readable by more than `mode` says."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.chmod(mode)
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())
