"""A running PostgreSQL server for one state folder: the one DATABASE_URL names, or our own on 127.0.0.1.

PostgreSQL refuses to run as root. Where we are root it runs as `nobody`; where `nobody` cannot reach the
state folder, the data stand under /var/lib/fundtrail instead, and the launcher says so.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from deploy.local.postgres_binaries import Binaries, find_binaries, made_reachable, reachable
from deploy.local.spawn import (
    Account,
    CannotStart,
    Program,
    Say,
    as_account,
    spawn,
    stop,
    tail,
    unprivileged_account,
    wait_until,
)

SUPERUSER = "postgres"
MOVED_HOME = Path("/var/lib/fundtrail")
READY_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0
PREDECESSOR_TIMEOUT_S = 15.0
INITDB_TIMEOUT_S = 120
CONNECT_TIMEOUT_S = 2
PASSWORD_BYTES = 24

# For a desk with two cores and a few GiB; durability is never traded.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "wal_keep_size": "512MB",  # for a receiver that is away: a slot would keep without end, and fill the disk
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %a@%d ",
    "dynamic_shared_memory_type": "posix",
}


@dataclass(frozen=True, slots=True)
class Server:
    """How a superuser reaches a server."""

    host: str
    port: int
    user: str
    password: str
    origin: str

    def url(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """A `postgresql+psycopg://` address on this server; the superuser's unless another user is named."""
        name, word = (user, password) if user else (self.user, self.password)
        return f"postgresql+psycopg://{name}:{word}@{self.host}:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's connection that commits each statement."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=database,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
        )


class RunningServer:
    """A server of our own, until it is stopped."""

    def __init__(
        self, server: Server, program: Program | None = None, process: subprocess.Popen[bytes] | None = None
    ) -> None:
        self.server = server
        self.program = program
        self.process = process

    def stop(self) -> None:
        """Fast shutdown: sessions end, all is written, no lock file stays. A given server is left alone."""
        if self.process is not None:
            stop(self.process, signal.SIGINT, STOP_TIMEOUT_S)


def start_server(
    state: Path,
    port: int,
    log: Path,
    environment: Mapping[str, str],
    say: Say,
    settings: Mapping[str, str] | None = None,
) -> RunningServer:
    """A server that answers.

    Raises: CannotStart with what to do.
    """
    given = environment.get("DATABASE_URL")
    if given:
        return RunningServer(_given(given))
    account = unprivileged_account()
    home = postgres_home(state, account)
    if home.parent != state:
        say(f"PostgreSQL keeps its data in {home}: it runs as nobody, who cannot reach {state}.")
    _make_folder(home, account)
    binaries = made_reachable(find_binaries(environment), account, home)
    password = _initialised(home, binaries, account)
    _wait_for_predecessor(home / "data")
    program = _program(home, binaries, account, port, log, {**SETTINGS, **(settings or {})})
    process = spawn(program)
    origin = f"PostgreSQL {binaries.major} ({binaries.origin})"
    running = RunningServer(Server("127.0.0.1", port, SUPERUSER, password, origin), program, process)
    if not wait_until(lambda: process.poll() is not None or answers(running.server), READY_TIMEOUT_S):
        running.stop()
    if process.poll() is not None:
        raise CannotStart(f"PostgreSQL did not start; its log {log} ends with:\n{tail(log)}")
    return running


def postgres_home(state: Path, account: Account | None) -> Path:
    """Where the data of a state folder stand; the folder itself may not exist yet."""
    existing = next(parent for parent in (state, *state.parents) if parent.exists())
    if account is None or reachable(account, existing):
        return state / "postgres"
    return MOVED_HOME / hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:16] / "postgres"


def answers(server: Server) -> bool:
    """Whether the superuser can connect."""
    try:
        server.connect().close()
    except psycopg.OperationalError:
        return False
    return True


def _given(url: str) -> Server:
    parts = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    server = Server(
        host=str(parts.get("host") or "127.0.0.1"),
        port=int(str(parts.get("port") or 5432)),
        user=str(parts.get("user") or SUPERUSER),
        password=str(parts.get("password") or ""),
        origin="DATABASE_URL",
    )
    if not answers(server):
        raise CannotStart(
            "The server that DATABASE_URL names does not answer; start it, correct it, or unset it."
        )
    return server


def _make_folder(home: Path, account: Account | None) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
        if account is not None:
            for folder in (home.parent, home):
                folder.chmod(0o755)
            os.chown(home, account.uid, account.gid)
    except PermissionError as error:
        raise CannotStart(
            f"{error.filename} cannot be written; set FUNDTRAIL_HOME to a folder of yours."
        ) from error


def _initialised(home: Path, binaries: Binaries, account: Account | None) -> str:
    """The superuser's password, after the data folder was made at the first start."""
    secret = home / "superuser.secret"
    data = home / "data"
    _refuse_other_version(data, binaries)
    if not data.exists():
        partial = (
            home / "data.partial"
        )  # renamed when whole, so that an interrupted start leaves nothing half made
        shutil.rmtree(partial, ignore_errors=True)
        _write_secret(secret, secrets.token_urlsafe(PASSWORD_BYTES), account)
        _initdb(binaries, partial, secret, account)
        partial.rename(data)
    return secret.read_text()


def _refuse_other_version(data: Path, binaries: Binaries) -> None:
    mark = data / "PG_VERSION"
    if mark.exists() and int(mark.read_text()) != binaries.major:
        raise CannotStart(
            f"PostgreSQL {mark.read_text().strip()} made the data in {data}, but {binaries.major} was found "
            f"in {binaries.folder}. Set PG_BIN to the programs of the former, or clear the state with "
            "`make reset`."
        )


def _write_secret(path: Path, text: str, account: Account | None) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _initdb(binaries: Binaries, data: Path, secret: Path, account: Account | None) -> None:
    made = subprocess.run(
        [
            str(binaries.folder / "initdb"),
            f"--pgdata={data}",
            "--encoding=UTF8",
            *binaries.initdb_options,
            f"--username={SUPERUSER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--data-checksums",
        ],
        cwd=data.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=INITDB_TIMEOUT_S,
        **as_account(account),
    )
    if made.returncode != 0:
        raise CannotStart(f"initdb could not make {data}:\n{made.stdout}{made.stderr}")


def _program(
    home: Path, binaries: Binaries, account: Account | None, port: int, log: Path, settings: Mapping[str, str]
) -> Program:
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Program(
        (str(binaries.folder / "postgres"), "-D", str(home / "data"), "-p", str(port), *options),
        log=log,
        account=account,
        folder=home,
        stop_signal=signal.SIGINT,
    )


def _wait_for_predecessor(data: Path) -> None:
    """A server whose launcher was killed is shutting down: let it finish."""
    mark = data / "postmaster.pid"
    if not wait_until(lambda: not _runs(mark), PREDECESSOR_TIMEOUT_S):
        raise CannotStart(
            f"Another PostgreSQL runs on {data} (process {mark.read_text().split()[0]}). Stop it: it belongs "
            "to a launcher that still runs, or to one that was killed and whose children live on."
        )


def _runs(mark: Path) -> bool:
    try:
        pid = int(mark.read_text().split()[0])
        return (
            "postgres" in Path(f"/proc/{pid}/cmdline").read_text() if Path("/proc").exists() else _alive(pid)
        )
    except (FileNotFoundError, IndexError, ValueError, ProcessLookupError):
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
