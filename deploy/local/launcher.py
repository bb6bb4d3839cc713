"""Starts a whole instance, keeps it up, and leaves nothing behind when it ends."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TextIO

from deploy.backup.schedule import Schedule, backup_program
from deploy.local import plan, postgres
from deploy.local.bus import LOCAL_KAFKA, POSTGRES, BusChoice, choose_bus
from deploy.local.commands import INTERRUPTED, Relay, run_command
from deploy.local.kafka import answers as kafka_answers
from deploy.local.kafka import ensure_library, library_folder, prepare_kafka
from deploy.local.plan import Layout
from deploy.local.ports import Ports, choose_ports
from deploy.local.postgres import Server
from deploy.local.processes import Part, Stage, Supervised, stop_all
from deploy.local.progress import Progress
from deploy.local.provisioning import Addresses, provision
from deploy.local.spawn import CannotStart, Program, spawn, stop, tail
from deploy.local.state import Home, hold, note, write_json
from shared.bus.open import open_bus
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Rejected

TICK_S = 0.1
READY_TIMEOUT_S = 90.0
MIGRATION_TIMEOUT_S = 300.0
DEATHS_AT_START_MAX = 3
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """Somebody asked us to stop while we were starting."""


@dataclass(frozen=True, slots=True)
class Extras:
    """Parts of an instance that tests replace by small ones."""

    waves: Callable[[Layout], list[list[Program]]]
    parts: Callable[[Layout], list[Part]]


def everything(layout: Layout) -> list[Part]:
    """All processes of the product and of the world around it."""
    return [*plan.service_parts(layout), *plan.outside_parts(layout)]


def migrations(layout: Layout) -> list[list[Program]]:
    """What must have run before the processes start."""
    return [[plan.migration(layout, service) for service in wave] for wave in plan.waves()]


PRODUCT = Extras(migrations, everything)


class Instance:
    """The processes of one state folder."""

    def __init__(
        self, home: Home, environment: Mapping[str, str], progress: Progress, extras: Extras
    ) -> None:
        self._home = home
        self._environment = environment
        self._progress = progress
        self._extras = extras
        self._parts: list[Supervised] = []
        self.stopping = False

    def start(self) -> Layout:
        """Everything runs and says that it is ready.

        Raises: CannotStart; Interrupted.
        """
        ports = choose_ports(self._environment)
        choice = choose_bus(self._environment)
        self._progress.say(f"State: {self._home.root}. Ports: {ports.base} to {ports.base + 99}.")
        self._progress.say(f"Bus: {choice.kind}, because {choice.why}.")
        if choice.kind == LOCAL_KAFKA:
            self._start_kafka(choice, ports)  # it gets ready while the databases are made
        server, databases = self._start_databases(ports)
        bus_url = self._bus_url(choice, ports, databases)
        layout = Layout(self._home, ports, databases, bus_url, self._environment)
        write_json(
            self._home.addresses,
            {
                "bus": bus_url,
                "server": asdict(server),
                **{name: asdict(one) for name, one in databases.items()},
            },
            0o600,
        )
        self._migrate(layout)
        self._start_bus(bus_url)
        self._start_parts(layout)
        self._note(layout, choice)
        return layout

    def tick(self) -> bool:
        """Whether to go on; looks after every process and takes a short rest."""
        for supervised in self._parts:
            if (news := supervised.watch()) is not None:
                self._progress.say(news)
        time.sleep(TICK_S)
        return not self.stopping

    def stop(self) -> None:
        """Everything has ended, in order: outside, APIs, workers, bus, database."""
        if self._parts:
            self._progress.say("Stopping ...")
            stop_all(self._parts, self._progress.say)
            self._progress.say("Stopped.")
            self._parts = []

    def pids(self) -> dict[str, int]:
        """The process id of each part."""
        return {supervised.part.name: supervised.pid for supervised in self._parts}

    def _start_databases(self, ports: Ports) -> tuple[Server, dict[str, Addresses]]:
        log = self._home.logs / "postgres.log"
        with self._progress.step("PostgreSQL"):
            running = postgres.start_server(
                self._home.root, ports.of("postgres"), log, self._environment, self._progress.say
            )
            self._progress.say(running.server.origin)
            if running.program is not None:
                part = Part(
                    "postgres", running.program, Stage.DATABASE, partial(postgres.answers, running.server)
                )
                self._parts.append(Supervised(part, running.process))
            return running.server, provision(running.server, self._home.passwords)

    def _start_kafka(self, choice: BusChoice, ports: Ports) -> None:
        if choice.tools is None:
            raise CannotStart("Kafka was chosen without the programs that run it.")
        library = ensure_library(library_folder(self._environment), choice.tools, self._progress.say)
        listeners = ports.of("kafka"), ports.of("kafka-controller")
        log = self._home.logs / "kafka.log"
        program = prepare_kafka(self._home.root, listeners, library, choice.tools, log)
        self._parts.append(
            Supervised(Part("kafka", program, Stage.BUS, partial(kafka_answers, listeners[0])))
        )

    def _bus_url(self, choice: BusChoice, ports: Ports, databases: Mapping[str, Addresses]) -> str:
        if choice.kind == POSTGRES:
            return databases["bus"].owner
        return choice.url or f"kafka://127.0.0.1:{ports.of('kafka')}"

    def _start_bus(self, bus_url: str) -> None:
        kafka = [supervised for supervised in self._parts if supervised.part.stage is Stage.BUS]
        with self._progress.step("Bus and its topics"):
            self._wait_until_ready(kafka)
            bus = open_bus(bus_url, "launcher")
            bus.ensure_topics(plan.topics())
            bus.close()

    def _migrate(self, layout: Layout) -> None:
        for wave in self._extras.waves(layout):
            names = ", ".join(program.log.stem for program in wave)
            with self._progress.step(names):
                self._run_together(wave)

    def _run_together(self, programs: Sequence[Program]) -> None:
        processes = [(program, spawn(program)) for program in programs]
        try:
            deadline = time.monotonic() + MIGRATION_TIMEOUT_S
            while any(process.poll() is None for _, process in processes) and time.monotonic() < deadline:
                self._tick_or_leave()
            for program, process in processes:
                if process.poll() != 0:
                    raise CannotStart(
                        f"{program.log.stem} failed; {program.log} ends with:\n{tail(program.log)}"
                    )
        finally:
            for program, process in processes:
                stop(process, program.stop_signal, 1.0)

    def _start_parts(self, layout: Layout) -> None:
        parts = self._extras.parts(layout)
        self._progress.say(f"{len(parts)} processes ...")
        started = [Supervised(part) for part in parts]
        self._parts.extend(started)
        self._wait_until_ready(started)

    def _wait_until_ready(self, waiting: Sequence[Supervised]) -> None:
        began = time.monotonic()
        while waiting:
            still = [
                supervised for supervised in waiting if not (supervised.running and supervised.part.ready())
            ]
            for supervised in waiting:
                if supervised not in still:
                    self._progress.took(supervised.part.name, time.monotonic() - began)
            waiting = still
            late = time.monotonic() - began > READY_TIMEOUT_S
            for supervised in waiting:
                if late or supervised.restarts >= DEATHS_AT_START_MAX:
                    raise CannotStart(_why_not_ready(supervised.part))
            if waiting:
                self._tick_or_leave()

    def _tick_or_leave(self) -> None:
        if not self.tick():
            raise Interrupted

    def _note(self, layout: Layout, choice: BusChoice) -> None:
        services = [service.name for service in plan.built()]
        write_json(
            self._home.run,
            {
                "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "ready_after_s": round(self._progress.elapsed_s(), 1),
                "seconds": self._progress.seconds,
                "bus": {"kind": choice.kind, "why": choice.why},
                "addresses": {name: layout.address(name) for name in services},
                "pages": layout.pages,
                "mail_catcher": f"http://127.0.0.1:{layout.ports.of('mail')}",
                "sms_catcher": f"http://127.0.0.1:{layout.ports.of('sms')}",
                "pids": self.pids(),
            },
        )
        for name in services:
            self._progress.say(f"{name}: {layout.address(name)}")
        self._progress.say(f"The portal, for a browser: {layout.pages}")
        absent = [service.name for service in plan.SERVICES if service.name not in services]
        if absent:
            self._progress.say(f"Not built yet: {', '.join(absent)}.")


def up(
    home: Home,
    environment: Mapping[str, str],
    commands: Sequence[Sequence[str]] = (),
    *,
    once: bool = False,
    out: TextIO = sys.stdout,
    extras: Extras = PRODUCT,
) -> int:
    """The exit status: of the commands, else 0 after a stop signal, 1 where the start failed.

    The commands run one after the other as soon as everything is ready, until one fails. With `once`
    everything is stopped after them, and the very last line printed is their result, a line of JSON;
    without, it stays up until a signal.
    """
    progress, relay = Progress(out), Relay(out)
    status = 1
    try:
        with hold(home):
            schedule = _schedule(home, environment)
            instance = Instance(home, environment, progress, extras)
            with _signals_stop(instance):
                try:
                    layout = instance.start()
                    status = _run(instance, home, environment, commands, relay)
                    if not once:
                        relay.finish()
                        _stay_up(instance, schedule, layout, progress)
                finally:
                    instance.stop()
    except CannotStart as problem:
        progress.say(str(problem))
    except Interrupted:
        status = INTERRUPTED
    relay.finish()
    return status


def _run(
    instance: Instance,
    home: Home,
    environment: Mapping[str, str],
    commands: Sequence[Sequence[str]],
    relay: Relay,
) -> int:
    told = {**environment, "FUNDTRAIL_HOME": str(home.root)}
    status = 0
    for argv in commands:
        status = run_command(argv, told, relay, instance.tick)
        note(home, {"last_command": list(argv), "last_status": status})
        if status != 0:
            break
    return status


def _stay_up(instance: Instance, schedule: Schedule, layout: Layout, progress: Progress) -> None:
    """Nothing, once somebody asked us to stop; until then backups are taken when they are due."""
    with schedule.served("127.0.0.1", layout.ports.of("launcher")):
        while instance.tick():
            if (news := schedule.tick()) is not None:
                progress.say(news)


def _schedule(home: Home, environment: Mapping[str, str]) -> Schedule:
    try:
        return Schedule(home, environment, SystemClock(), backup_program(home, environment, plan.REPOSITORY))
    except Rejected as error:
        raise CannotStart(error.message) from error


@contextlib.contextmanager
def _signals_stop(instance: Instance) -> Iterator[None]:
    def stop_soon(*_: object) -> None:
        instance.stopping = True

    before = {number: signal.signal(number, stop_soon) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _why_not_ready(part: Part) -> str:
    log: Path = part.program.log
    return f"{part.name} did not get ready; its log {log} ends with:\n{tail(log)}"
