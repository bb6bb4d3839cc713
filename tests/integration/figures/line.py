"""A line between a client and a server that a test cuts, stops, slows down or breaks off in mid-message."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from dataclasses import dataclass
from functools import partial

RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: closing sends a reset, as a pulled plug would
CHUNK = 16_384


@dataclass(frozen=True)
class Pace:
    """How late an answer arrives, give or take, and how much passes in a second, either way, at most."""

    late_s: float = 0.0
    spread_s: float = 0.0
    bytes_a_second: int | None = None

    def delay_s(self, count: int, *, back: bool) -> float:
        """How long so many bytes are under way."""
        late = self.late_s + random.uniform(-self.spread_s, self.spread_s) if back else 0.0
        return late + (count / self.bytes_a_second if self.bytes_a_second else 0.0)


AT_ONCE = Pace()
FAR_AWAY = Pace(late_s=0.5, spread_s=0.3)
NARROW = Pace(bytes_a_second=10_240)


class Line:
    """Passes bytes between its own port and another one of this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_cut = False
        self._closed = threading.Event()
        self._pace = AT_ONCE
        self._bytes_left: int | None = None
        self.breaks = 0
        self.calls = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where a client calls instead of the server."""
        port: int = self._listener.getsockname()[1]
        return port

    def cut(self) -> None:
        """Every call is reset, and so is every new one until `mend`."""
        with self._lock:
            self._is_cut = True
            self._reset_all()

    def mend(self) -> None:
        """New calls pass again."""
        with self._lock:
            self._is_cut = False

    def break_off_after(self, count: int) -> None:
        """All calls are reset once so many more bytes went to the server; then the line is whole again."""
        with self._lock:
            self._bytes_left = count

    def stand_still(self) -> None:
        """Nothing passes, and nobody is told, until `go_on`."""
        self._flowing.clear()

    def go_on(self) -> None:
        """What was held up arrives."""
        self._flowing.set()

    def slow_down(self, pace: Pace) -> None:
        """From now on whatever passes is under way as long as the pace says."""
        self._pace = pace

    def close(self) -> None:
        """No call is left."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._flowing.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            self.calls += 1
            with self._lock:
                if self._is_cut:
                    _reset(client)
                    continue
                try:
                    server = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    _reset(client)  # nobody is at home
                    continue
                self._open |= {client, server}
            for source, sink, counts in ((client, server, True), (server, client, False)):
                run = partial(self._pass, source, sink, counts=counts)
                threading.Thread(target=run, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, *, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(min(CHUNK, self._pace.bytes_a_second or CHUNK)):
                self._flowing.wait()
                if self._pace is not AT_ONCE:
                    self._closed.wait(self._pace.delay_s(len(data), back=not counts))
                sink.sendall(self._what_passes(data) if counts else data)
        with self._lock:
            for end in (source, sink):
                self._open.discard(end)
                _reset(end)

    def _what_passes(self, data: bytes) -> bytes:
        with self._lock:
            if self._bytes_left is None:
                return data
            self._bytes_left -= len(data)
            if self._bytes_left > 0:
                return data
            self._bytes_left = None
            self.breaks += 1
            self._reset_all()
            raise ConnectionResetError("broken off")

    def _reset_all(self) -> None:
        for end in self._open:
            _reset(end)
        self._open.clear()


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        end.shutdown(socket.SHUT_RDWR)  # wakes whoever reads from it
    with contextlib.suppress(OSError):
        end.close()
