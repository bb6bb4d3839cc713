"""A single Apache Kafka node on 127.0.0.1, from Maven artifacts whose SHA-256 stands in the repository."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from deploy.local.spawn import CannotStart, Program, Say, spawn, stop, tail, wait_until

SOURCES = Path(__file__).resolve().parent.parent / "kafka"
POM = SOURCES / "pom.xml"
SUMS = SOURCES / "jars.sha256"
OLDEST_JAVA = 17
ASK_TIMEOUT_S = 20
FETCH_TIMEOUT_S = 900
FORMAT_TIMEOUT_S = 120
READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
HEAP_MB = 512
MESSAGE_BYTES_MAX = 3 * 1024 * 1024
OFFSETS_KEPT_MINUTES = 2_147_483_647  # an idle group must find its place again after years
# One node holds everything; topics keep their records, and a quiet group finds its place again.
SINGLE_NODE: Mapping[str, str | int] = {
    "auto.create.topics.enable": "false",
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "offsets.retention.minutes": OFFSETS_KEPT_MINUTES,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "log.retention.ms": -1,
    "log.retention.bytes": -1,
    "message.max.bytes": MESSAGE_BYTES_MAX,
}

# -Xmx512m and the two below: ready in 1.5 s with 400 MB; the node is small and lives on two cores.
JVM_FLAGS = (f"-Xmx{HEAP_MB}m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
LOG_FLAGS = ("-Dorg.apache.logging.log4j.level=WARN",)


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs that fetch and run Kafka."""

    java: str
    maven: str


class RunningKafka:
    """A node of our own, until it is stopped."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.url = f"kafka://127.0.0.1:{port}"
        self.process = process

    def stop(self) -> None:
        """Controlled shutdown."""
        stop(self.process, signal.SIGTERM, STOP_TIMEOUT_S)


def find_tools(environment: Mapping[str, str]) -> Tools | str:
    """Java and Maven, or a sentence that says what is missing."""
    home = environment.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    java = java or shutil.which("java", path=environment.get("PATH"))
    maven = shutil.which("mvn", path=environment.get("PATH"))
    if java is None or (version := _java_version(java)) is None:
        return f"no Java was found; Java {OLDEST_JAVA} or later runs Apache Kafka"
    if version < OLDEST_JAVA:
        return f"Java {version} was found; Apache Kafka needs {OLDEST_JAVA} or later"
    if maven is None:
        return "Java was found but not Maven (mvn), which fetches Apache Kafka"
    return Tools(java, maven)


def library_folder(environment: Mapping[str, str]) -> Path:
    """Where the jars of this release are kept: not in the state, so a reset need not fetch them again."""
    cache = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME") or "/tmp") / ".cache")  # noqa: S108
    root = environment.get("FUNDTRAIL_CACHE") or str(Path(cache) / "fundtrail")
    return Path(root) / f"kafka-{hashlib.sha256(SUMS.read_bytes()).hexdigest()[:12]}"


def ensure_library(folder: Path, tools: Tools, say: Say) -> Path:
    """The folder, holding exactly the jars whose sums are committed.

    Raises: CannotStart where Maven cannot fetch them, or one differs.
    """
    if not folder.exists():
        say("Fetching Apache Kafka with Maven, once (54 MB) ...")
        partial = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        _fetch(partial, tools)
        _compare(partial)
        _settle(partial, folder)
    _compare(folder)
    return folder


def prepare_kafka(
    state: Path,
    ports: tuple[int, int],
    library: Path,
    tools: Tools,
    log: Path,
    properties: str | None = None,
) -> Program:
    """The program of a node whose storage exists; the second port is its controller's.

    It lets everybody on this machine in, unless other properties are given; those name `kafka/data` in the
    state folder as the place of its data.
    Raises: CannotStart with what to do.
    """
    home = state / "kafka"
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "server.properties"
    settings.write_text(properties or _properties(home / "data", ports))
    command = (tools.java, *JVM_FLAGS, *LOG_FLAGS, "-cp", f"{library}/*")
    if not (home / "data" / "meta.properties").exists():
        _format(command, settings)
    return Program((*command, "kafka.Kafka", str(settings)), log=log, folder=home)


def start_kafka(state: Path, ports: tuple[int, int], library: Path, tools: Tools, log: Path) -> RunningKafka:
    """A node that answers on the first port.

    Raises: CannotStart with what to do.
    """
    process = spawn(prepare_kafka(state, ports, library, tools, log))
    running = RunningKafka(ports[0], process)
    if not wait_until(lambda: process.poll() is not None or answers(ports[0]), READY_TIMEOUT_S):
        running.stop()
    if process.poll() is not None:
        raise CannotStart(f"Apache Kafka did not start; its log {log} ends with:\n{tail(log)}")
    return running


def answers(port: int) -> bool:
    """Whether a broker on the port takes part in a cluster."""
    if not _listens(port):
        return False
    try:
        admin = KafkaAdminClient(bootstrap_servers=[f"127.0.0.1:{port}"], bootstrap_timeout_ms=300)
    except KafkaError:
        return False
    admin.close()
    return True


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _java_version(java: str) -> int | None:
    asked = subprocess.run(
        [java, "-version"], capture_output=True, text=True, check=False, timeout=ASK_TIMEOUT_S
    )
    found = re.search(r'version "(?:1\.)?(\d+)', asked.stderr + asked.stdout)
    return int(found[1]) if found else None


def _fetch(folder: Path, tools: Tools) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [tools.maven, "-B", "-q", "-f", str(POM), "dependency:copy-dependencies"]
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    fetched = subprocess.run(
        command + options, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT_S
    )
    if fetched.returncode != 0:
        raise CannotStart(
            "Maven could not fetch Apache Kafka. Read the lines below; set FUNDTRAIL_BUS=postgresql to work "
            f"without it, or KAFKA_BOOTSTRAP_SERVERS to use a cluster that runs.\n{fetched.stdout[-2000:]}"
        )


def _compare(folder: Path) -> None:
    expected = {name: digest for digest, name in (line.split() for line in SUMS.read_text().splitlines())}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise CannotStart(
            f"The jars in {folder} are not those of {SUMS.name}: {', '.join(wrong[:5])} differ or are "
            "missing. Nothing was started. Remove the folder to fetch them again, and if they differ again, "
            "find out why."
        )


def _settle(partial: Path, folder: Path) -> None:
    try:
        partial.rename(folder)
    except OSError:  # another start was faster; its copy is compared next
        shutil.rmtree(partial, ignore_errors=True)


def _format(command: tuple[str, ...], settings: Path) -> None:
    # It may begin with "-", which would be taken for an option if it stood alone.
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    formatted = subprocess.run(
        [*command, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(settings)],
        capture_output=True,
        text=True,
        check=False,
        timeout=FORMAT_TIMEOUT_S,
    )
    if formatted.returncode != 0:
        raise CannotStart(f"Kafka's storage could not be made:\n{formatted.stdout}{formatted.stderr}")


def _properties(data: Path, ports: tuple[int, int]) -> str:
    client, controller = ports
    settings: dict[str, str | int] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",  # static: the port may change
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{client}",
        "log.dirs": str(data),
        **SINGLE_NODE,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "group.min.session.timeout.ms": 1000,
        "broker.session.timeout.ms": 3000,  # after a kill the new broker waits until the old one is given up
        "broker.heartbeat.interval.ms": 500,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
