"""A launcher with small parts instead of the product, and the parts; run as a program by the tests."""

from __future__ import annotations

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from deploy.local.launcher import Extras, up
from deploy.local.plan import Layout
from deploy.local.processes import Part, Stage, answers
from deploy.local.spawn import Program
from deploy.local.state import Home

HERE = Path(__file__)


def serve(name: str, port: int, journal: Path) -> None:
    """Answer /readyz until asked to stop, and write down the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", port), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    with journal.open("a") as file:
        file.write(f"{name} ended\n")


def part(layout: Layout, name: str, stage: Stage, port: int) -> Part:
    argv = (sys.executable, str(HERE), "serve", name, str(port), str(layout.home.root / "ends.txt"))
    program = Program(argv, log=layout.home.logs / f"{name}.log", environment=dict(os.environ))
    return Part(name, program, stage, lambda: answers(port))


def parts(layout: Layout) -> list[Part]:
    base = layout.ports.base
    made = [
        part(layout, "toy-outside", Stage.OUTSIDE, base + 3),
        part(layout, "toy-worker", Stage.WORK, base + 1),
        part(layout, "toy-api", Stage.API, base + 2),
    ]
    if os.environ.get("TOY_BROKEN"):
        argv = (sys.executable, "-c", "raise SystemExit('the toy is broken')")
        made.append(
            Part("toy-broken", Program(argv, layout.home.logs / "toy-broken.log"), Stage.WORK, lambda: False)
        )
    return made


def waves(layout: Layout) -> list[list[Program]]:
    script = os.environ.get("TOY_MIGRATION", "print('migrated')")
    return [[Program((sys.executable, "-c", script), log=layout.home.logs / "toy-migrate.log")]]


def launch(home: str, once: str, *words: str) -> int:
    commands = [["sh", "-c", word] for word in words]
    return up(Home(Path(home)), dict(os.environ), commands, once=once == "once", extras=Extras(waves, parts))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        sys.exit(launch(*sys.argv[2:]))
