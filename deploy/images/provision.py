"""Databases and roles on the containers' PostgreSQL server; run once before any service. Idempotent."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import psycopg

from deploy.images.credentials import PROVISIONED
from deploy.local.postgres import SUPERUSER, Server
from deploy.local.provisioning import provision


def main() -> int:
    """The exit status once every database lets in its own roles, and nobody else."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="host:port")
    parser.add_argument("--superuser-password", type=Path, required=True, help="a file that holds it")
    parser.add_argument("--roles", type=Path, required=True, help="a file with the passwords of all roles")
    options = parser.parse_args()
    host, _, port = options.server.rpartition(":")
    password = options.superuser_password.read_text().strip()
    try:
        provision(Server(host, int(port), SUPERUSER, password, "container"), options.roles, PROVISIONED)
    except psycopg.OperationalError as error:
        sys.stderr.write(f"PostgreSQL at {options.server} did not take the roles: {error}\n")
        return 1
    sys.stdout.write(f"{len(PROVISIONED)} databases are there, each with its roles.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
