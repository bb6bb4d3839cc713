"""One transfer a request, over HTTP, by two workers: ours, and the same SQL behind bare Flask."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from deploy.local.keeper import free_port
from deploy.local.provisioning import Addresses
from services.allocation.ledger import handlers, store
from services.allocation.ledger.model import AccountKey, Role
from services.portal.roles.model import catalogue
from shared.kernel.money import Money
from shared.testing.waiting import wait_until
from tests.bench.figures.ledger import FUNDS, SOURCE, account, transfer
from tests.bench.harness import Bench, Goal, Lap, percentile
from tests.bench.site import Site

WORKERS, HANDS, PAIRS = 2, 8, 200
HALF_RATE = 200
ISSUER, AUDIENCE = "https://issuer.bench", "fundtrail"
ROOT = Path(__file__).resolve().parents[3]


def take(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """`size` requests as fast as eight hands can; then at half of what is wanted, to see each one's time."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    for _ in range(rounds):
        with site.database("allocation") as addresses, published(key) as url:
            bodies = open_accounts(site, addresses)
            environment = settings(site, addresses, url, key)
            order = {"headers": {"Authorization": f"Bearer {token(key)}", "Content-Type": "application/json"}}
            with serving("-m", "services.allocation", "api", environment=environment) as port:
                ours = load(site, {**order, "bodies": [strip(one) for one in bodies], "port": port}, size)
                yield Lap("ours", ours["seconds"], size)
                steady = load(
                    site,
                    {**order, "bodies": [strip(one) for one in bodies], "port": port},
                    size // 2,
                    HALF_RATE,
                )
                yield Lap("p50_at_half", percentile(steady["latencies_s"], 0.5))
                yield Lap("p99_at_half", percentile(steady["latencies_s"], 0.99))
            command = ("-m", "gunicorn", "--workers", str(WORKERS), "--threads", "8", "--no-control-socket")
            with serving(*command, "tests.bench.bare:make_app()", environment=environment) as port:
                bare = load(site, {**order, "bodies": bodies, "port": port}, size)
                yield Lap("bare_flask", bare["seconds"], size)


def open_accounts(site: Site, addresses: Addresses) -> list[dict[str, Any]]:
    """Bodies of transfers between pairs of accounts, of which the first of each pair has money."""
    pairs = [
        (
            replace(account(Role.ALLOTMENT), component=f"merit-{n}"),
            replace(account(Role.SPENT), component=f"merit-{n}"),
        )
        for n in range(PAIRS)
    ]
    with site.working(addresses) as unit_of_work, unit_of_work.begin(site.act()) as work:
        store.open_accounts(work.connection, [SOURCE, *(key for pair in pairs for key in pair)])
        handlers.transfer(work, [transfer(SOURCE, debit.id, Money(FUNDS // PAIRS)) for debit, _ in pairs])
    return [
        {
            "amount_vnd": 1_466_000,
            "kind": "direct",
            "debit": body_of(debit),
            "credit": body_of(credit),
            "debit_id": str(debit.id),
            "credit_id": str(credit.id),
        }
        for debit, credit in pairs
    ]


def strip(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as our API takes it."""
    return {name: value for name, value in body.items() if name not in {"debit_id", "credit_id"}}


def body_of(key: AccountKey) -> dict[str, Any]:
    """An account as a request names it."""
    return {
        "fiscal_year": key.fiscal_year,
        "component": key.component,
        "source": key.source,
        "capital_kind": key.capital_kind.value,
        "unit_id": str(key.unit),
        "role": key.role.value,
    }


def token(key: ECKey) -> str:
    """A token of one who may do everything in the units of the bench."""
    units = [str(account(Role.SPENT).unit)]
    permissions = {one for role in catalogue().values() for one in role.permissions}
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(UUID(int=1)),
        "name": "Cán bộ",
        "unit": units[0],
        "exp": 4_000_000_000,
        "grants": dict.fromkeys(sorted(permissions), units),
    }
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)


@contextlib.contextmanager
def published(key: ECKey) -> Iterator[str]:
    """The address where the key set is read, as from an issuer."""
    content = json.dumps(KeySet([key]).as_dict(private=False)).encode()

    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server uses
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings(site: Site, addresses: Addresses, jwks_url: str, key: ECKey) -> dict[str, str]:
    """What both processes are told."""
    keys = site.folder / "jwks.json"
    keys.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    state = site.folder / "state"
    (state / "keys").mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "FUNDTRAIL_SERVICE_DATABASE_URL": addresses.service,
        "FUNDTRAIL_BUS_URL": "kafka://127.0.0.1:1",
        "FUNDTRAIL_ISSUER": ISSUER,
        "FUNDTRAIL_JWKS_URL": jwks_url,
        "FUNDTRAIL_STATE_DIR": str(state),
        "FUNDTRAIL_KEYS_DIR": str(state / "keys"),
        "FUNDTRAIL_API_WORKERS": str(WORKERS),
        "BENCH_JWKS": str(keys),
    }


@contextlib.contextmanager
def serving(*command: str, environment: Mapping[str, str]) -> Iterator[int]:
    """The port of a server that answers."""
    port = free_port()
    given = {**environment, "FUNDTRAIL_PORT": str(port), "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"}
    process = subprocess.Popen([sys.executable, *command], env=given, cwd=ROOT)
    try:
        wait_until(lambda: answers(port), timeout_s=30, what="the server")
        yield port
    finally:
        process.terminate()
        process.wait(30)


def answers(port: int) -> bool:
    """Whether the server is up."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as reply:
            return bool(reply.status == http.HTTPStatus.OK)
    except OSError:
        return False


def load(site: Site, order: Mapping[str, Any], requests: int, rate: int = 0) -> dict[str, Any]:
    """What the requests took, each answered with 200."""
    file = site.folder / "order.json"
    file.write_text(json.dumps({**order, "requests": requests, "hands": HANDS, "rate": rate}))
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"Not every request was answered: {done.stdout[-500:]} {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


BENCHES = (
    Bench(
        "http",
        4_000,
        take,
        (
            Goal(
                "ours",
                "one transfer a request, two workers",
                "transfers",
                rate=400,
                against="bare_flask",
                ratio=0.6,
            ),
            Goal("p99_at_half", "p99 at 200 requests a second", within=0.050, grows=False),
        ),
        shares=(1,),
    ),
)
